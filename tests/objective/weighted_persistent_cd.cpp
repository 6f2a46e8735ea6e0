// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/weighted_persistent_cd.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/clock.hpp"
#include "support/matching.hpp"
#include "support/objective_laws.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::WeightedPersistentCd;
using Catch::Matchers::WithinAbs;
using Weighted = WeightedPersistentCd<>;
using At       = Fixture<Exec, Line, Weighted>;  // E = w x^2 + b, of stiffness k = 2 w

Weighted options(int capacity, int steps, double step_size, double share) {
  return {.sampler         = {.steps = steps, .step_size = step_size},
          .buffer          = {.capacity = capacity, .fresh = 0},
          .effective_share = share};
}

struct Found {
  double weighted, unweighted, log_z, share, resampled;
};

// The law of the start has k = 1; k rises from step to step, and the weights are those at the last k,
// where no chain moves. The data are 0, so that dL/dw is the weighted mean of x^2 with the other sign.
Found along(Weighted const& o, int batch, int steps, double last) {
  At at(o, std::vector<double>(std::size_t(batch)));
  Found f{};
  for (int j = 0; j <= steps; ++j) {
    at.set({(1 + (last - 1) * j / steps) / 2, 0});
    if (j == steps) at.options.sampler.steps = 0;
    f.weighted = -at(std::uint64_t(j))[0];
    f.resampled += at.mean("resampled");
  }
  for (double const x : on_host(at.state.last_samples())) f.unweighted += x * x / batch;
  f.log_z = at.mean("log_partition");
  f.share = at.mean("effective_share");
  return f;
}

double log_z(double k) { return std::log(2 * std::numbers::pi / k) / 2; }

constexpr int chains = 100000;

TEST_CASE("weights correct chains that are behind a model that changes, and give its normalizer",
          "[objective][weighted_persistent_cd]") {
  auto const f = along(options(chains, 1, 0.1, 0), chains, 40, 2.5);
  double lags  = 1;
  for (int j = 0; j < 40; ++j) {
    double const shrink = 1 - 0.1 * (1 + 1.5 * j / 40);
    lags                = shrink * shrink * lags + 0.2;
  }
  REQUIRE_THAT(lags, WithinAbs(0.4719, 1e-4));
  // x^2 has the deviation sqrt(2) of its mean, over sqrt(1e5) chains 0.0018 here; four of them.
  CHECK_THAT(f.unweighted, WithinAbs(lags, 0.008));
  CHECK_THAT(f.weighted, WithinAbs(0.4, 0.0075));
  // The weights vary by sqrt(1 / 0.94 - 1) = 0.25 of their mean, 0.0008 over sqrt(1e5).
  CHECK_THAT(f.log_z - log_z(1), WithinAbs(-0.45815, 0.0035));
  CHECK_THAT(f.share, WithinAbs(0.94, 0.02));
  CHECK(f.resampled == 0);
}

TEST_CASE("weights correct the step of the sampler", "[objective][weighted_persistent_cd]") {
  // Without weights the variance is 1 / (1 - alpha / 2) = 1.25.
  auto const f = along(options(chains, 3, 0.4, 0.5), chains, 12, 1);
  CHECK_THAT(f.unweighted, WithinAbs(1.25, 0.06));  // after resampling a little less
  CHECK_THAT(f.weighted, WithinAbs(1, 0.03));       // half of the weights count, once resampled
  CHECK_THAT(f.log_z, WithinAbs(log_z(1), 0.03));
}

TEST_CASE("resampling, and slots that wait, leave weights as they should be",
          "[objective][weighted_persistent_cd]") {
  auto const often = along(options(chains, 1, 0.1, 0.99), chains, 40, 2.5);
  CHECK(often.resampled > 2);
  CHECK_THAT(often.weighted, WithinAbs(0.4, 0.01));
  CHECK_THAT(often.log_z - log_z(1), WithinAbs(-0.45815, 0.006));
  auto const waiting = along(options(2 * chains, 1, 0.1, 0), chains / 2, 40, 2.5);
  CHECK_THAT(waiting.weighted, WithinAbs(0.4, 0.01));
  CHECK_THAT(waiting.log_z - log_z(1), WithinAbs(-0.45815, 0.01));
  CHECK(waiting.share < 0.9);  // they lag more
}

TEST_CASE("chains that were resampled are those of large weight, each as often as its weight says",
          "[objective][weighted_persistent_cd]") {
  int constexpr B = 200;
  auto o          = options(B, 0, 0.1, 1);
  At at(o, std::vector<double>(B));
  at.set({2, 0});  // k = 4: w = exp(-1.5 x^2)
  at(0);
  CHECK(at.mean("resampled") == 1);
  auto x = on_host(at.state.last_samples());
  auto const kept =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), at.state.buffer().stored());
  double sum = 0;
  for (double const xi : x) sum += std::exp(-1.5 * xi * xi);
  std::sort(x.begin(), x.end());
  double worst = 0;
  for (double const xi : x) {
    int times = 0;
    for (int n = 0; n < B; ++n) times += kept(n, 0) == xi;
    worst = std::max(worst, std::abs(times - B * std::exp(-1.5 * xi * xi) / sum));
  }
  CHECK(worst < 1);
}

Weighted moving(int steps = 4) { return options(40, steps, 0.05, 1); }
using AtSmall = Fixture<Exec, Small, Weighted>;

auto const small = [](Exec const& exec) { return AtSmall(moving(), numbers(63, 2), exec); };

TEST_CASE("weighted persistent CD has the same bits for any number of threads",
          "[objective][weighted_persistent_cd]") {
  check_bits_of_any_threads<Exec>(small);
}

TEST_CASE("a step of weighted persistent CD by a clock is that by its number",
          "[objective][weighted_persistent_cd]") {
  check_step_by_clock<Exec>(small);
}

TEST_CASE(
    "weighted persistent CD allocates and fences nothing, and launches the same for any length",
    "[objective][weighted_persistent_cd]") {
  check_launches_of_any_length<Exec>(
      [](int steps) { return AtSmall(moving(steps), numbers(63, 2)); });
}

TEST_CASE("weighted persistent CD refuses a start that is a point",
          "[objective][weighted_persistent_cd][refusal]") {
  using Catch::Matchers::Message;
  std::string const who = "basin::objective::WeightedPersistentCd: ";
  Weighted o{};
  CHECK(o.buffer.fresh == 0);
  o.buffer.start.standard_deviation = 0;
  CHECK_THROWS_MATCHES(o.check(8), std::invalid_argument,
                       Message(who + "standard_deviation of the start must be > 0, got 0; a point "
                                     "has no density"));
  CHECK_THROWS_MATCHES((Weighted{.effective_share = 2}.check(8)), std::invalid_argument,
                       Message(who + "effective_share must be in [0, 1], got 2"));
}

}  // namespace
