// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/paced_langevin.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::sampler;
using basin::Stream;
using basin::test::on_host;
using Catch::Matchers::WithinRel;
using Energy    = basin::energy::Quadratic<double, 2>;
using Chains    = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using Paced     = PacedLangevin<Decoupled>;
using State     = state_of<Paced, double, Exec>;
constexpr int n = 70;

struct Run {
  std::vector<double> factors, displacements, steps;  // of each call
};
// Calls with the same draws from the same points, as if each had chains of its own.
Run calls(Paced const& options, double stiffness, int count, State& state) {
  Energy const energy{{.stiffness = stiffness}};
  Chains const chains("chains", n, 2), start("start", n, 2);
  auto const host = Kokkos::create_mirror_view(start);
  for (int i = 0; i < n; ++i) {
    host(i, 0) = std::cos(i) * (1 + 0.01 * i);
    host(i, 1) = std::sin(i) * (1 + 0.01 * i);
  }
  Kokkos::deep_copy(start, host);
  Kokkos::View<double*, Exec::memory_space> const moved("moved", n), step("step", n);
  Run run;
  for (int k = 0; k < count; ++k) {
    Kokkos::deep_copy(chains, start);
    outputs_of<Paced, double> outputs{};
    outputs.columns[0] = moved.data();
    outputs.columns[3] = step.data();
    // What nobody asks for is measured too.
    sample(Exec(), options, state, energy, chains, Stream{1},
           k % 2 ? outputs : Outputs<double, 4>{});
    Exec().fence();
    run.factors.push_back(on_host(state.factor())[0]);
    double mean = 0;
    for (double const d : on_host(k % 2 ? moved : state.displacements())) mean += d / n;
    run.displacements.push_back(mean);
    run.steps.push_back(on_host(step)[n - 1]);
  }
  return run;
}
Run calls(Paced const& options, double stiffness, int count) {
  State state(Exec(), options, n, 2, 1);
  return calls(options, stiffness, count, state);
}

// Without noise a call leaves (1 - f alpha k)^K x_0: of |x_0| = 1 + n / 100 the mean is 1.345.
TEST_CASE("paced steps reach the displacement that is asked for", "[sampler][paced_langevin]") {
  double const alpha = 0.02, k = 0.7, target = 0.6, rate = 0.3;
  int const steps = 5;
  Paced const options{{.steps = steps, .step_size = alpha, .noise = 0},
                      {.displacement = target, .rate = rate}};
  auto const run = calls(options, k, 90);
  double f = 1, worst = 0;
  for (std::size_t i = 0; i < run.factors.size(); ++i) {
    double const d = 1.345 * (1 - std::pow(1 - f * alpha * k, steps));
    worst          = std::max(worst, std::abs(run.displacements[i] / d - 1));
    if (i % 2) worst = std::max(worst, std::abs(run.steps[i] / (f * alpha) - 1));
    f *= std::pow(target / d, rate);
    worst = std::max(worst, std::abs(run.factors[i] / f - 1));
  }
  CHECK(worst < 1e-12);
  // d grows as f^0.776 at the target and faster below it: 0.767^90 = 4e-11 of what is left.
  CHECK_THAT(run.displacements.back(), WithinRel(target, 1e-7));
  CHECK(std::abs(run.displacements.front() - target) > 0.4);
}

// Noise alone, always with the same draws, moves chains by sqrt(f) d_0, so that log f goes to its limit
// log (target / d_0)^2 by the factor 1 - rate / 2 per call. Calibrated noise is that of the step.
TEST_CASE("noise is paced so that the temperature stays", "[sampler][paced_langevin]") {
  double const target = 0.3, rate = 0.4;
  Paced const options{{.steps = 4, .step_size = 1, .noise = 0.02},
                      {.displacement = target, .rate = rate, .most = 1e6}};
  auto const run    = calls(options, 0, 30);
  double const last = 2 * std::log(target / run.displacements[0]);
  double worst      = 0;
  for (std::size_t i = 0; i < run.factors.size(); ++i)
    worst = std::max(worst, std::abs(std::log(run.factors[i]) -
                                     last * (1 - std::pow(1 - rate / 2, double(i + 1)))));
  CHECK(worst < 1e-12);
  CHECK(last > 1);
}

TEST_CASE("the factor of paced steps stays in its limits, and without a displacement",
          "[sampler][paced_langevin]") {
  Paced options{{.steps = 2, .step_size = 0.01, .noise = 0},
                {.displacement = 1e-9, .rate = 1, .least = 0.2, .most = 3}};
  CHECK(calls(options, 1, 3).factors == std::vector<double>(3, 0.2));
  options.pace.displacement = 1e9;
  State state(Exec(), options, n, 2, 1);
  CHECK(calls(options, 1, 3, state).factors == std::vector<double>(3, 3.0));
  options.pace.displacement = 1;
  options.steps             = 0;
  CHECK(calls(options, 1, 1, state).factors == std::vector<double>{3});
  options.steps = 1;
  CHECK(calls(options, std::numeric_limits<double>::infinity(), 1, state).factors ==
        std::vector<double>{3});
}

TEST_CASE("paced steps refuse what does not fit", "[sampler][paced_langevin]") {
  auto const check = [](Pace const& pace, std::string const& sentence) {
    CHECK_THROWS_WITH((Paced{{}, pace}.check()), "basin::sampler::Pace: " + sentence);
  };
  check({.displacement = 0}, "displacement must be > 0 and finite, got 0");
  check({.rate = 0}, "rate must be in (0, 1], got 0");
  check({.rate = 1.5}, "rate must be in (0, 1], got 1.5");
  check({.least = 2}, "least must be in (0, 1], got 2");
  check({.most = 0.5}, "most must be >= 1 and finite, got 0.5");
  CHECK_THROWS_WITH((Paced{{.step_size = 0}}.check()),
                    "basin::sampler::Langevin: step_size must be > 0 and finite, got 0");
  State state(Exec(), Paced{}, n + 1, 2, 1);
  CHECK_THROWS_WITH(calls(Paced{}, 1, 1, state),
                    "basin::sampler::sample: the state is of 71 chains, and there are 70");
}

}  // namespace
