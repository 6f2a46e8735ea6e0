// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/silu.hpp>
#include <basin/layer/square.hpp>
#include <basin/objective/energy_matching.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/train/trainer.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/clock.hpp"
#include "support/columns.hpp"
#include "support/matching.hpp"
#include "support/objective_laws.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::EnergyMatching;
using basin::objective::FlowMatching;
using Catch::Matchers::WithinAbs;
using Matching = EnergyMatching<>;
template <class E>
using At = Fixture<Exec, E, Matching>;

constexpr int batch   = 21;
constexpr double none = std::numeric_limits<double>::infinity();

// Phase 2 with chains that move.
Matching moving() {
  return {.flow     = {.standard_deviation = 0.2, .cutoff = 0.8},
          .sampler  = {.steps = 8, .step_size = 0.2, .temperature = 0.3, .heating = 0.5},
          .phase    = 2,
          .contrast = 0.7,
          .trim     = 0.3,
          .floor    = none};
}

std::vector<double> points(int dimension) {
  return numbers(std::size_t(dimension) * batch, 2, 1.5);
}

TEST_CASE("phase 1 of energy matching is flow matching to the bit, and has no contrast",
          "[objective][energy_matching]") {
  auto options  = moving();
  options.phase = 1;
  Fixture<Exec, Line, FlowMatching<>> flow(options.flow, points(1));
  At<Line> at(options, points(1));
  for (std::uint64_t const k : {0, 5}) CHECK(at(k) == flow(k));
  CHECK(std::isnan(at.mean("contrast")));
  CHECK(at.mean("loss") == flow.mean("loss"));
  at.options.phase = 2;
  CHECK(at(5) != flow(5));
  CHECK(std::isfinite(at.mean("contrast")));
  at.options.phase = 1;
  CHECK(at(5) == flow(5));
  CHECK(std::isnan(at.mean("contrast")));
}

TEST_CASE("phase 2 adds the contrast of the data with the samples of lowest energy, held fixed",
          "[objective][energy_matching]") {
  // V = w x^2 + b: dV/dw = x^2, and the b of data and samples cancel.
  auto const options = moving();
  auto const x       = points(1);
  Fixture<Exec, Line, FlowMatching<>> flow(options.flow, x);
  At<Line> at(options, x);
  flow.set({0.8, 0.1});
  at.set({0.8, 0.1});
  auto const g = at(3), of_flow = flow(3);
  auto samples = on_host(at.state.last_samples());
  REQUIRE(samples.size() == batch);
  CHECK(samples[0] != x[0]);  // moved
  for (double& s : samples) s *= s;
  std::sort(samples.begin(), samples.end());
  int const kept = batch - 6;  // int(0.3 * 21)
  double data    = 0;
  for (double xi : x) data += xi * xi / batch;
  double const contrast =
      data - std::accumulate(samples.begin(), samples.begin() + kept, 0.0) / kept;
  CHECK_THAT(g[0] - of_flow[0], WithinAbs(options.contrast * contrast, 1e-12));
  CHECK_THAT(g[1] - of_flow[1], WithinAbs(0, 1e-12));
  CHECK_THAT(at.mean("contrast"), WithinAbs(at.w() * contrast, 1e-12));
  CHECK_THAT(at.mean("trimmed"), WithinAbs(6.0 / batch, 1e-15));
  CHECK(at.mean("on_floor") == 0);
  CHECK(at.mean("displacement") > 0.1);
}

TEST_CASE("half of the chains start at the data, and half at the source",
          "[objective][energy_matching]") {
  auto options          = moving();
  options.sampler.steps = 0;
  auto const x          = points(1);
  At<Line> at(options, x);
  at(0);
  auto const first = on_host(at.state.last_samples());
  at(1);
  auto const second  = on_host(at.state.last_samples());
  auto const sources = on_host(Fixture<Exec, Line, FlowMatching<>>(options.flow, x).sources(1));
  int data = 0, drawn = 0, of_flow = 0;
  for (std::size_t n = 0; n < batch; ++n) {
    data += first[n] == x[n] && second[n] == x[n];
    drawn += first[n] != x[n] && first[n] != second[n];
    of_flow += second[n] == sources[n];
  }
  CHECK(data == batch / 2);
  CHECK(drawn == batch - batch / 2);
  CHECK(of_flow == 0);
}

TEST_CASE("on its floor the contrast has no gradient, exactly", "[objective][energy_matching]") {
  auto const options = moving();
  At<Line> at(options, points(1));
  Fixture<Exec, Line, FlowMatching<>> flow(options.flow, points(1));
  at.set({0.5, 0});
  flow.set({0.5, 0});
  // Hot chains are far out, where V is high.
  at.options.sampler.temperature = 20;
  auto const free                = at(2);
  double const contrast          = at.mean("contrast");
  REQUIRE(contrast < 0);
  // The floor is of the weighted contrast.
  at.options.floor = -options.contrast * contrast * 1.001;
  CHECK(at(2) == free);
  CHECK(at.mean("on_floor") == 0);
  at.options.floor = -options.contrast * contrast * 0.999;
  CHECK(at(2) == flow(2));
  CHECK(at.mean("on_floor") == 1);
  // There is no ceiling.
  at.options.sampler.temperature = 0;
  at.options.floor               = 0;
  CHECK(at(2) != flow(2));
  CHECK(at.mean("contrast") > 0);
}

TEST_CASE("the gradient of energy matching is that of its loss, with its draws held fixed",
          "[objective][energy_matching]") {
  // Chains that do not move depend on no parameter.
  auto options          = moving();
  options.sampler.steps = 0;
  At<Small> at(options, points(3));
  check_gradient(at, [&] { return at.mean("loss") + options.contrast * at.mean("contrast"); });
}

TEST_CASE("energy matching has the same bits for any number of threads",
          "[objective][energy_matching]") {
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    auto const part = Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1})[0];
    At<Small> all(moving(), points(3)), one(moving(), points(3), part);
    CHECK(all(2) == one(2));
  }
}

TEST_CASE("a step of energy matching by a clock is that by its number",
          "[objective][energy_matching]") {
  if constexpr (reads_clocks<Exec>) {
    At<Small> at(moving(), points(3));
    auto const right = at(4);
    CHECK(right != at(0));
    Clock<Exec> const clock(4);
    at.run(clock.step());
    at.exec.fence();
    CHECK(on_host(at.gradient) == right);
  }
}

TEST_CASE("energy matching allocates and fences nothing, and launches the same for any length",
          "[objective][energy_matching]") {
  check_launches_of_any_length<Exec>([](int steps) {
    auto options          = moving();
    options.sampler.steps = steps;
    return At<Small>(options, points(3));
  });
}

// The expectation of dL/dw at V = beta x^2 / 2 on increasing pairs of N(0, 1) and N(0, v).
double slope_at(double beta, double weight, basin::sampler::HeatedLangevin const& chains) {
  double const d = std::sqrt(v) - 1, of_square = 1 + d + d * d / 3, of_product = d * (1 + d / 2);
  double samples = 0;
  for (double square : {v, 1.0}) {
    for (int k = 0; k < chains.steps; ++k) {
      double const shrink = 1 - chains.step_size * beta;
      bool const heated   = k * chains.step_size >= 1;
      square = shrink * shrink * square + (heated ? 2 * chains.step_size * chains.temperature : 0);
    }
    samples += square / 2;
  }
  return 4 * (beta * of_square + of_product) + weight * (v - samples);
}

TEST_CASE("phase 2, changed in the course of a run, turns the slope of phase 1 about",
          "[objective][energy_matching]") {
  using Objective    = EnergyMatching<Increasing>;
  using Trainer      = basin::train::Trainer<Line, Objective, basin::optimizer::Sgd,
                                             basin::optimizer::Constant, Exec>;
  int constexpr rows = 4000;
  Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> const data("data", rows, 1);
  auto const x = points_of_variance_v(rows);
  std::copy(x.begin(), x.end(), data.data());
  Trainer trainer({.objective = {.sampler  = {.steps = 40, .step_size = 0.05, .temperature = 0.5},
                                 .contrast = 10,
                                 .trim     = 0,
                                 .floor    = none},
                   .optimizer = {.learning_rate = 0.003},
                   .batch     = 1000,
                   .seed      = 3},
                  data);
  auto const slope = [&] { return 2 * on_host(trainer.parameters())[0]; };
  trainer.fit({.steps = 300});
  // What is left of the start after 300 steps is (1 - 0.003 8 1.33)^300 = 6e-5; of the noise of a step,
  // 4 beta x_t^2 of deviation 1.5 over sqrt(1000), a tenth is in the iterate.
  CHECK_THAT(slope(), WithinAbs(-0.26225, 0.01));
  trainer.objective().phase = 2;
  auto const m              = trainer.fit({.steps = 200});
  double low = 0, high = 0.294;  // temperature / v
  for (int i = 0; i < 40; ++i) {
    double const middle                                                  = (low + high) / 2;
    (slope_at(middle, 10, trainer.objective().sampler) < 0 ? low : high) = middle;
  }
  CHECK(low > 0.05);
  // The contrast of 1000 data and samples has a noise of 10 x^2, of deviation 2.5, times
  // sqrt(2 / 1000): 1.1. At a rate of 0.003 and a curvature of about 110 half of that rate is in w,
  // 2 0.003 1.1 / sqrt(2 0.33) = 0.008 in the slope, of which three are allowed.
  CHECK_THAT(slope(), WithinAbs(low, 0.025));
  CHECK(m["on_floor"] == 0);
}

TEST_CASE("energy matching refuses phases, shares and batches that there are not",
          "[objective][energy_matching][refusal]") {
  using Catch::Matchers::Message;
  std::string const who = "basin::objective::EnergyMatching: ";
  CHECK_THROWS_MATCHES(Matching{.phase = 3}.check(8), std::invalid_argument,
                       Message(who + "phase must be in [1, 2], got 3"));
  CHECK_THROWS_MATCHES(Matching{.trim = 1}.check(8), std::invalid_argument,
                       Message(who + "trim must be in [0, 1), got 1"));
  CHECK_THROWS_MATCHES(Matching{}.check(1), std::invalid_argument,
                       Message(who + "half of the chains start at the data and half at the source; "
                                     "the batch must be >= 2, got 1"));
}

}  // namespace
