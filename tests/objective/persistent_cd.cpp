// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/persistent_cd.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/train/trainer.hpp>

#include "support/by_clock.hpp"
#include "support/gaussian_model.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>

namespace {

namespace start = basin::sampler::start;
using basin::Purpose;
using basin::Stream;
using basin::objective::PersistentCd;
using basin::optimizer::Constant;
using basin::optimizer::Sgd;
using basin::sampler::Langevin;
using basin::test::GaussianModel;
using basin::test::Theta;
using Catch::Matchers::WithinAbs;

using Exec      = BASIN_TEST_EXEC;
using Objective = PersistentCd<Langevin<>>;
using Trainer   = basin::train::Trainer<GaussianModel, Objective, Sgd, Constant, Exec>;
using Chains    = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

constexpr basin::tile::Tuning tuning = basin::tile::default_tuning<Exec, double>();

// Every chain lives for ever: a fresh one has not the law of the model, and moves the fixed point.
Trainer trainer_for(int steps, double rate, int rows, int batch, int capacity) {
  return Trainer({.objective     = {.sampler = {.steps = steps, .step_size = 0.1},
                                    .buffer  = {.capacity = capacity, .fresh = 0}},
                  .optimizer     = {.learning_rate = rate},
                  .batch         = batch,
                  .seed          = 5,
                  .monitor_every = 10},
                 basin::test::normal_rows(rows, 1.7));
}

// At the fixed point a chain's squares have variance 2 v^2 and the autocorrelation rho^t, rho =
// c^(2 K), c = 1 - alpha k, so that the mean of n of them has the variance 2 v^2 (1 + rho) / (1 -
// rho) / n. The stationary variance falls with k by v^2 c. The mean of the iterates inherits the
// quotient.
double standard_error(int steps, double alpha, double k, double v, double n) {
  double const c = 1 - alpha * k, rho = std::pow(c, 2 * steps);
  return std::sqrt(2 * (1 + rho) / (1 - rho) / n) / (v * c);
}

void check_fixed_point(int steps, long updates) {
  double const alpha = 0.1, v = 1.7, k = basin::test::fixed_point(alpha, v);
  auto trainer       = trainer_for(steps, 0.005, 4096, 1024, 1500);
  double const error = standard_error(steps, alpha, k, v, 1024. * static_cast<double>(updates));
  // Far enough from 1 / v = 0.58824, which an exact sampler would give, to tell the two apart.
  REQUIRE(7 * error < k - 1 / v);
  CHECK_THAT(basin::test::learned_stiffness(trainer, 500, updates), WithinAbs(k, 5 * error));
}

TEST_CASE("PCD-1 with Langevin rests where CD-1 does", "[objective][persistent_cd]") {
  check_fixed_point(1, 2500);
}
TEST_CASE("PCD-5 with Langevin rests where CD-1 does", "[objective][persistent_cd]") {
  check_fixed_point(5, 600);
}

TEST_CASE("a PCD step's gradient is mean dE/dtheta of the data less that of the samples",
          "[objective][persistent_cd]") {
  // As many rows and slots as chains: the data are all rows, the samples the whole buffer.
  int constexpr n = 37;
  auto trainer    = trainer_for(3, 0.05, n, n, n);
  basin::test::set_theta(trainer, {0.7, -0.2});
  auto const rows = basin::test::normal_rows(n, 1.7);
  for (int step = 0; step < 3; ++step) {
    Theta const theta = basin::test::theta_of(trainer);
    trainer.step();
    Theta expected{0, 0};
    double gap = 0;
    for (int i = 0; i < n; ++i) {
      double const x = rows(i, 0);
      expected.w += theta.parameter_gradient(x).w / n;
      expected.b += theta.parameter_gradient(x).b / n;
      gap -= theta.energy(x) / n;
    }
    for (double const x : basin::test::values(trainer.state().buffer().stored())) {
      expected.w -= theta.parameter_gradient(x).w / n;
      expected.b -= theta.parameter_gradient(x).b / n;
      gap += theta.energy(x) / n;
    }
    // Sums of 74 terms of order 1.
    auto const g = basin::test::values(trainer.last_gradient());
    CHECK_THAT(g[0], WithinAbs(expected.w, 1e-13));
    CHECK_THAT(g[1], WithinAbs(expected.b, 1e-13));
    auto const metrics = trainer.metrics();
    CHECK_THAT(metrics["gap"], WithinAbs(gap, 1e-13));
    // Every chain takes part in every step.
    CHECK(metrics["buffer_age"] == step);
  }
}

TEST_CASE("PCD's chains go on from the buffer and are written back to it",
          "[objective][persistent_cd]") {
  int constexpr batch = 9, capacity = 20, steps = 3;
  std::uint64_t constexpr seed = 6;
  Theta const theta{0.6, 0.6};
  Kokkos::View<double*, Exec> const parameters("theta", 2);
  Kokkos::deep_copy(parameters, 0.6);
  GaussianModel const energy(parameters.data());
  Objective const pcd{.sampler = {.steps = steps, .step_size = 0.1},
                      .buffer  = {.capacity = capacity, .fresh = 0}};
  Trainer::objective_type state(Exec(), pcd, batch, {}, seed);
  Chains const chains("chains", batch, 1);
  std::vector<int> ages(capacity);
  for (std::uint64_t step = 0; step < 10; ++step) {
    CAPTURE(step);
    auto expected = basin::test::values(state.buffer().stored());
    state.samples(Exec(), pcd, energy, {}, chains, step, {});
    auto const x     = basin::test::values(chains);
    auto const slots = basin::test::values(state.buffer().slots());
    auto const drawn = basin::test::values(state.buffer().drawn_ages());
    for (std::size_t i = 0; i < batch; ++i) {
      std::size_t const slot = static_cast<std::size_t>(slots[i]);
      // Each call has 2^steps_bits numbers of the stream of noise to itself.
      double const moved =
          basin::test::moved(expected[slot], theta, 0.1, steps,
                             {seed, Purpose::sampler_noise, step << basin::sampler::steps_bits},
                             static_cast<std::uint32_t>(i));
      REQUIRE_THAT(x[i], WithinAbs(moved, 1e-14));
      expected[slot] = x[i];
      CHECK(drawn[i] == ages[slot]++);
    }
    CHECK(basin::test::values(state.buffer().stored()) == expected);
    CHECK(state.columns().back().integers == state.buffer().drawn_ages().data());
  }
}

TEST_CASE("a PCD gradient by a clock is that by the number of the step",
          "[objective][persistent_cd]") {
  CHECK(basin::test::same_by_clock<Exec>(basin::test::SmallObjective{
      .sampler   = {.steps = 3, .step_size = 0.05, .noise = 0.1, .clip = 0.5},
      .buffer    = {.capacity = 50, .fresh = 0.3},
      .energy_l2 = {.coefficient = 0.1, .ramp = 5}}));
}

TEST_CASE("a user's chains start as fresh chains do", "[objective][persistent_cd]") {
  Objective const pcd{.buffer = {.start = {.lower = 3, .upper = 4}}};
  Trainer::objective_type state(Exec(), pcd, 1, {}, 1);
  Chains const chains("chains", 500, 1), expected("expected", 500, 1);
  Stream const stream{.seed = 3};
  state.start(Exec(), pcd, chains, stream);
  basin::sampler::start_chains<tuning>(Exec(), start::Uniform{.lower = 3, .upper = 4}, expected,
                                       expected, stream);
  CHECK(basin::test::values(chains) == basin::test::values(expected));
}

TEST_CASE("PCD refuses what its parts refuse", "[objective][persistent_cd]") {
  CHECK_THROWS_WITH((Objective{.sampler = {.step_size = -1}}.check(1)),
                    "basin::sampler::Langevin: step_size must be > 0 and finite, got -1");
  CHECK_THROWS_WITH((Objective{.buffer = {.capacity = 3}}.check(4)),
                    "basin::buffer::Replay: capacity is 3, smaller than the batch of 4");
  CHECK_THROWS_WITH((Objective{.energy_l2 = {.ramp = -1}}.check(1)),
                    "basin::objective::EnergyPenalty: ramp must be >= 0, got -1");
  CHECK_NOTHROW(Objective{}.check(8192));
}

}  // namespace
