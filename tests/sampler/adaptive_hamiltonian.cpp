// SPDX-License-Identifier: Apache-2.0
#include <basin/core/archive.hpp>
#include <basin/energy/analytic.hpp>
#include <basin/sampler/adaptive_hamiltonian.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/chain_law.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

// Under the sanitizers the counter replaces new and delete; g++ inlines one alone.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

using basin::sampler::AdaptiveHamiltonian;
using basin::sampler::WarmupWindows;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
using Exec = BASIN_TEST_EXEC;
using namespace basin::test;

// A Gaussian of standard deviations 30, 1 and 1/20.
template <class Scalar>
struct Ellipsoid {
  using scalar_type              = Scalar;
  static constexpr int dimension = 3;
  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[3], V (&dx)[3]) const {
    dx[0] = x[0] * Scalar(1.0 / 900);
    dx[1] = x[1];
    dx[2] = x[2] * Scalar(400);
    return (x[0] * dx[0] + x[1] * dx[1] + x[2] * dx[2]) * Scalar(0.5);
  }
};
template <class Scalar>
using Energy = basin::energy::Analytic<Ellipsoid<Scalar>>;
template <class Scalar>
using Chains = Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec>;
using State  = AdaptiveHamiltonian::state<double, Exec>;

template <class View>
std::vector<double> numbers_of(View const& view) {
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  return std::vector<double>(host.data(), host.data() + host.size());
}

TEST_CASE("windows of a warm-up double until the last takes what is left",
          "[sampler][adaptation]") {
  auto const ends = [](long warmup) {
    std::vector<long> all;
    for (long t = 1; t <= warmup; ++t)
      if (WarmupWindows{warmup}.closes(t - 1, t)) all.push_back(t);
    return all;
  };
  CHECK(ends(1000) == std::vector<long>{100, 150, 250, 450, 950});
  CHECK(ends(500) == std::vector<long>{100, 150, 250, 450});
  CHECK(ends(150) == std::vector<long>{100});
  CHECK(ends(100) == std::vector<long>{90});
  CHECK(ends(0).empty());
  CHECK(WarmupWindows{1000}.closes(90, 120));
  CHECK(!WarmupWindows{1000}.closes(100, 149));
  CHECK(!WarmupWindows{1000}.collects(75));
  CHECK((WarmupWindows{1000}.collects(76) && WarmupWindows{1000}.collects(950)));
  CHECK(!WarmupWindows{1000}.collects(951));
}

// 2^12 chains at T = 2 from one point far too close for the first and too far for the last scale.
TEST_CASE("a warm-up finds the scales and the step of a Gaussian, and leaves its law",
          "[sampler][adaptation]") {
  int constexpr n = 1 << 12;
  Chains<double> const chains("chains", n, 3);
  Kokkos::deep_copy(chains, 0.5);
  Kokkos::View<double*, Exec> const acceptance("acceptance", n), step("step", n), h_of("H", n);
  AdaptiveHamiltonian sampler{.temperature = 2, .adaptation = {.warmup = 300}};
  sampler.steps = 300;
  State state(Exec(), sampler, n, 3, 1);
  basin::sampler::sample(Exec(), sampler, state, Energy<double>{}, chains, {.seed = 1});
  auto const scales = numbers_of(state.scales());
  auto const h      = numbers_of(state.step_size());
  // v / T of 100 windows of n states, within the shrinkage of 5e-3 and a few standard errors.
  CHECK_THAT(scales[0], WithinRel(30.0, 0.02));
  CHECK_THAT(scales[1], WithinRel(1.0, 0.02));
  CHECK_THAT(scales[2], WithinRel(0.05, 0.02));
  CHECK((h[0] > 0.5 && h[0] < 2));

  sampler.steps = 30;
  basin::sampler::sample(
      Exec(), sampler, state, Energy<double>{}, chains, {.seed = 1, .step = 300},
      {.columns = {nullptr, acceptance.data(), nullptr, step.data(), h_of.data()}});
  CHECK(numbers_of(state.scales()) == scales);
  CHECK(numbers_of(state.step_size()) == h);
  CHECK(numbers_of(step) == std::vector<double>(n, h[0]));
  double square[3]{}, accepted = 0;
  auto const x = numbers_of(chains);
  for (int i = 0; i < n; ++i)
    for (int d = 0; d < 3; ++d)
      square[d] += x[std::size_t(3 * i + d)] * x[std::size_t(3 * i + d)] / n;
  for (double const a : numbers_of(acceptance)) accepted += a / n;
  // E and |p|^2 / 2 have the same law, of mean 3 T / 2 and variance 3 T^2 / 2 each.
  double mean_h = 0;
  for (double const e : numbers_of(h_of)) mean_h += e / n;
  CHECK_THAT(mean_h, WithinAbs(6, 4 * std::sqrt(3 * 4.0 / n)));
  // Variances T s^2 with standard errors of sqrt(2 / n).
  double const error = 4 * std::sqrt(2.0 / n);
  CHECK_THAT(square[0], WithinRel(1800.0, error));
  CHECK_THAT(square[1], WithinRel(2.0, error));
  CHECK_THAT(square[2], WithinRel(0.005, error));
  // The harmonic mean over chains is the target, the mean somewhat above.
  CHECK((accepted > 0.63 && accepted < 0.95));
}

// The least scale is a 20th: in the new coordinates the step is 20 times the old one.
TEST_CASE("a window ends with a step that is as stable as before", "[sampler][adaptation]") {
  Chains<double> const chains("chains", 256, 3);
  AdaptiveHamiltonian const sampler{.steps = 90, .adaptation = {.warmup = 100}};
  State state(Exec(), sampler, 256, 3, 1);
  basin::sampler::sample(Exec(), sampler, state, Energy<double>{}, chains, {.seed = 1});
  double const h = numbers_of(state.step_size())[0];
  CHECK((h > 0.4 && h < 2));
}

// All spread is between states of one chain. About 400 of its last window are independent enough.
TEST_CASE("one chain finds its scales", "[sampler][adaptation]") {
  Chains<double> const chains("chains", 1, 3);
  AdaptiveHamiltonian const sampler{.steps = 1000, .adaptation = {.warmup = 1000}};
  State state(Exec(), sampler, 1, 3, 1);
  basin::sampler::sample(Exec(), sampler, state, Energy<double>{}, chains, {.seed = 1});
  auto const scales = numbers_of(state.scales());
  CHECK_THAT(scales[0], WithinRel(30.0, 0.2));
  CHECK_THAT(scales[1], WithinRel(1.0, 0.2));
  CHECK_THAT(scales[2], WithinRel(0.05, 0.2));
}

TEST_CASE("dual averaging follows its recursion", "[sampler][adaptation]") {
  // At h so small every proposal is accepted: the error is (target - 1) t / (t + 10) at first order.
  Chains<double> const chains("chains", 8, 3);
  AdaptiveHamiltonian const sampler{.steps             = 3,
                                    .step_size         = 1e-9,
                                    .trajectory_length = 1e-12,
                                    .adaptation = {.warmup = 1000, .target_acceptance = 0.6}};
  State state(Exec(), sampler, 8, 3, 1);
  basin::sampler::sample(Exec(), sampler, state, Energy<double>{}, chains, {.seed = 1});
  double error = 0;
  for (int t = 1; t <= 3; ++t) error = (1 - 1.0 / (t + 10)) * error + (0.6 - 1) / (t + 10);
  double const expected = std::log(10 * 1e-9) - error * std::sqrt(3.0) / 0.05;
  CHECK_THAT(std::log(numbers_of(state.step_size())[0]), WithinAbs(expected, 1e-9));
}

TEST_CASE("a chain that is stuck makes the step small", "[sampler][adaptation]") {
  Chains<double> const chains("chains", 64, 3);
  auto const start = Kokkos::create_mirror_view(chains);
  start(7, 0)      = std::nan("");
  Kokkos::deep_copy(chains, start);
  AdaptiveHamiltonian const sampler{.steps = 20, .adaptation = {.scales = false}};
  State state(Exec(), sampler, 64, 3, 1);
  basin::sampler::sample(Exec(), sampler, state, Energy<double>{}, chains, {.seed = 1});
  CHECK(numbers_of(state.step_size())[0] < 1e-6);
  CHECK(numbers_of(state.scales()) == std::vector<double>(3, 1.0));
}

TEST_CASE("a warm-up goes on from an archive to the bit", "[sampler][adaptation]") {
  AdaptiveHamiltonian sampler{.adaptation = {.warmup = 120, .block = 3}};
  State state(Exec(), sampler, 37, 3, 1), resumed(Exec(), sampler, 37, 3, 1);
  Chains<double> const chains("chains", 37, 3), again("chains", 37, 3);
  sampler.steps = 60;
  basin::sampler::sample(Exec(), sampler, state, Energy<double>{}, chains, {.seed = 1});
  basin::MemoryArchive saved;
  saved.save("state", state);
  Kokkos::deep_copy(again, chains);
  sampler.steps = 80;
  basin::sampler::sample(Exec(), sampler, state, Energy<double>{}, chains, {.seed = 1, .step = 60});
  saved.load("state", resumed);
  basin::sampler::sample(Exec(), sampler, resumed, Energy<double>{}, again,
                         {.seed = 1, .step = 60});
  CHECK(numbers_of(chains) == numbers_of(again));
  CHECK(numbers_of(state.scales()) == numbers_of(resumed.scales()));
  CHECK(numbers_of(state.step_size()) == numbers_of(resumed.step_size()));
  CHECK(state.steps_taken() == 120);
}

TEST_CASE("three launches for each block of a warm-up, one after it, and no allocation",
          "[sampler][adaptation]") {
  basin::bench::watch_kokkos();
  // The calls are made twice: for the allocations, and for the launches.
  AdaptiveHamiltonian const sampler{.steps = 20, .adaptation = {.warmup = 80, .block = 10}};
  State state(Exec(), sampler, 37, 3, 1);
  Chains<double> const chains("chains", 37, 3);
  std::uint64_t step = 0;
  auto const call    = [&] {
    basin::sampler::sample(Exec(), sampler, state, Energy<double>{}, chains,
                              {.seed = 1, .step = step});
    step += 20;
  };
  auto const tuning = basin::bench::count(Exec(), 2, call);
  CHECK(tuning.launches == 2 * 2 * 3);
  auto const fixed = basin::bench::count(Exec(), 5, call);
  CHECK(fixed.launches == 5);
  CHECK((tuning.allocations == 0 && fixed.allocations == 0));
}

TEST_CASE("a sampler that tunes itself has the same bits in every tuning",
          "[sampler][adaptation]") {
  CHECK(tunings_of_other_bits<Exec>(
            AdaptiveHamiltonian{.steps = 25, .adaptation = {.warmup = 20, .block = 2}}) == 0);
}

TEST_CASE("AdaptiveHamiltonian refuses what means nothing", "[sampler][adaptation][refusal]") {
  CHECK_THROWS_WITH(
      AdaptiveHamiltonian{.step_size = -1}.check(),
      "basin::sampler::AdaptiveHamiltonian: step_size must be > 0 and finite, got -1");
  CHECK_THROWS_WITH((AdaptiveHamiltonian{.adaptation = {.target_acceptance = 1}}.check()),
                    "basin::sampler::Adaptation: target_acceptance must be in (0, 1), got 1");
  CHECK_THROWS_WITH((AdaptiveHamiltonian{.adaptation = {.block = 0}}.check()),
                    "basin::sampler::Adaptation: block must be >= 1, got 0");
  AdaptiveHamiltonian const sampler{};
  State state(Exec(), sampler, 8, 3, 1);
  CHECK_THROWS_WITH(basin::sampler::sample(Exec(), sampler, state, Energy<double>{},
                                           Chains<double>("c", 9, 3), {}),
                    "basin::sampler::sample: the state is of 8 chains, and there are 9");
}

}  // namespace
