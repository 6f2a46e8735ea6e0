// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/heated_langevin.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/reference_noise.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>

#include <algorithm>
#include <cmath>

namespace {

using Exec   = BASIN_TEST_EXEC;
using Energy = basin::energy::Quadratic<double, 3>;
using Chains = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using basin::sampler::HeatedLangevin;

constexpr int count = 37;
constexpr double k  = 2;

double start(int n, int d) { return 0.1 * ((7 * n + 3 * d) % 19 - 9); }

// The largest difference of chains of E = k |x|^2 / 2 from a scalar loop of the formula, with normals
// of Random123.
double error(HeatedLangevin const& options) {
  Chains const chains("chains", count, 3);
  Kokkos::View<double*, Exec> const moved("moved", count);
  auto const host = Kokkos::create_mirror_view(chains);
  for (int n = 0; n < count; ++n)
    for (int d = 0; d < 3; ++d) host(n, d) = start(n, d);
  Kokkos::deep_copy(chains, host);
  basin::Stream const stream{.seed = 4, .step = 11};
  basin::sampler::sample(Exec(), options, Energy{{.stiffness = k}}, chains, stream,
                         {.columns = {moved.data()}});
  Kokkos::deep_copy(host, chains);
  auto const far = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), moved);
  double result  = 0;
  for (int n = 0; n < count; ++n) {
    double squares = 0;
    for (int d = 0; d < 3; ++d) {
      double x = start(n, d);
      for (int i = 0; i < options.steps; ++i) {
        double const t = options.time + i * options.step_size;
        double epsilon = options.temperature;
        if (t < 1) epsilon *= (t - options.heating) / (1 - options.heating);
        if (t < options.heating) epsilon = 0;
        basin::Stream at = stream;
        at.step += static_cast<std::uint64_t>(i);
        x += -options.step_size * k * x +
             std::sqrt(2 * options.step_size * epsilon) *
                 basin::test::reference_normal(at, static_cast<std::uint32_t>(n), d);
      }
      x = std::clamp(x, options.lower, options.upper);
      squares += (x - start(n, d)) * (x - start(n, d));
      result = std::max(result, std::abs(host(n, d) - x));
    }
    result = std::max(result, std::abs(far(n) - std::sqrt(squares)));
  }
  return result;
}

TEST_CASE("chains move down the gradient, are heated until t = 1, and keep that temperature",
          "[sampler][heated_langevin]") {
  // 30 steps of sums and normals of size 1, each rounded.
  double constexpr tolerance = 1e-12;
  CHECK(error({.steps = 30, .step_size = 0.05, .temperature = 0.3, .heating = 0.5}) < tolerance);
  // A jump at t = 1, which is the time before step 20.
  CHECK(error({.steps = 30, .step_size = 0.05, .temperature = 0.3}) < tolerance);
  // Hot from the first step on.
  CHECK(error({.steps = 3, .step_size = 0.05, .temperature = 0.3, .time = 1}) < tolerance);
  CHECK(error({.steps = 7, .step_size = 0.05, .temperature = 0.3, .heating = 0}) < tolerance);
}

TEST_CASE("heated chains are clamped once, behind the last step", "[sampler][heated_langevin]") {
  CHECK(error({.steps       = 30,
               .step_size   = 0.05,
               .temperature = 0.3,
               .heating     = 0.5,
               .lower       = -0.2,
               .upper       = 0.1}) < 1e-12);
}

TEST_CASE("heated chains of any length are one kernel without a fence",
          "[sampler][heated_langevin]") {
  basin::bench::watch_kokkos();
  Chains const chains("chains", count, 3);
  for (int const steps : {1, 200}) {
    auto const t = basin::bench::count(Exec(), 5, [&] {
      basin::sampler::sample(Exec(), HeatedLangevin{.steps = steps}, Energy{}, chains, {});
    });
    CHECK(t.launches == 5);
    CHECK(t.fences == 0);
    CHECK(t.allocations == 0);
  }
}

TEST_CASE("heated chains refuse a time that is none, and walls in the wrong order",
          "[sampler][heated_langevin][refusal]") {
  using Catch::Matchers::Message;
  char const* who = "basin::sampler::HeatedLangevin: ";
  CHECK_THROWS_MATCHES(HeatedLangevin{.heating = 1.5}.check(), std::invalid_argument,
                       Message(std::string(who) + "heating must be in [0, 1], got 1.5"));
  CHECK_THROWS_MATCHES((HeatedLangevin{.lower = 1, .upper = 0}.check()), std::invalid_argument,
                       Message(std::string(who) + "lower must be < upper, got 1 and 0"));
}

}  // namespace
