// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/weighted_langevin.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::sampler::WeightedLangevin;
using Catch::Matchers::WithinAbs;
using Chains  = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using Energy  = basin::energy::Quadratic<double, 3>;
using Numbers = Kokkos::View<double*, Exec>;

constexpr int count = 21;

struct Run {
  std::vector<double> x, log_ratio;
};

// From where so many steps left the chains on.
Run moved(Chains const& chains, int steps, std::uint64_t first) {
  Numbers const ratio("log_ratio", count);
  basin::sampler::sample(Exec(), WeightedLangevin{.steps = steps, .step_size = 0.3}, Energy{},
                         chains, {.seed = 4, .step = first}, {.columns = {nullptr, ratio.data()}});
  Exec().fence();
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), chains);
  return {std::vector<double>(host.data(), host.data() + host.size()), on_host(ratio)};
}

TEST_CASE("the log ratio of weighted Langevin is that of its ways back and forward",
          "[sampler][weighted_langevin]") {
  double const alpha = 0.3;
  Chains const chains("chains", count, 3);
  auto const log_q = [&](double const* to, double const* from) {
    double squares = 0;  // E = |x|^2 / 2
    for (int d = 0; d < 3; ++d) {
      double const off = to[d] - (1 - alpha) * from[d];
      squares += off * off;
    }
    return -squares / (4 * alpha);
  };
  std::vector<double> sum(count);
  std::vector<double> before(3 * count);
  for (int k = 0; k < 4; ++k) {
    auto const after = moved(chains, 1, std::uint64_t(k));
    for (std::size_t n = 0; n < count; ++n) {
      double const* const from = before.data() + 3 * n;
      double const* const to   = after.x.data() + 3 * n;
      double const right       = log_q(from, to) - log_q(to, from);
      CHECK_THAT(after.log_ratio[n], WithinAbs(right, 1e-13));
      sum[n] += right;
    }
    before = after.x;
  }
  // In one call.
  Chains const again("chains", count, 3);
  auto const whole = moved(again, 4, 0);
  for (std::size_t n = 0; n < count; ++n) CHECK_THAT(whole.log_ratio[n], WithinAbs(sum[n], 1e-13));
  for (std::size_t i = 0; i < before.size(); ++i)
    CHECK_THAT(whole.x[i], WithinAbs(before[i], 1e-13));
  for (double const ratio : moved(again, 0, 9).log_ratio) CHECK(ratio == 0);
}

TEST_CASE("weighted Langevin refuses a step that is none",
          "[sampler][weighted_langevin][refusal]") {
  CHECK_THROWS_MATCHES(WeightedLangevin{.step_size = 0}.check(), std::invalid_argument,
                       Catch::Matchers::Message("basin::sampler::WeightedLangevin: step_size must "
                                                "be > 0 and finite, got 0"));
}

}  // namespace
