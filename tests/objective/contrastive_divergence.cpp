// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/contrastive_divergence.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/train/trainer.hpp>

#include "support/by_clock.hpp"
#include "support/gaussian_model.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>

namespace {

namespace start = basin::sampler::start;
using basin::Purpose;
using basin::Stream;
using basin::objective::ContrastiveDivergence;
using basin::optimizer::Constant;
using basin::optimizer::Sgd;
using basin::sampler::Langevin;
using basin::test::GaussianModel;
using basin::test::Theta;
using Catch::Matchers::WithinAbs;

using Exec      = BASIN_TEST_EXEC;
using Objective = ContrastiveDivergence<Langevin<>>;
using Trainer   = basin::train::Trainer<GaussianModel, Objective, Sgd, Constant, Exec>;
using Chains    = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

constexpr basin::tile::Tuning tuning = basin::tile::default_tuning<Exec, double>();

Trainer trainer_for(int steps, double alpha, double rate, int rows, int batch) {
  return Trainer({.objective     = {.sampler = {.steps = steps, .step_size = alpha}},
                  .optimizer     = {.learning_rate = rate},
                  .batch         = batch,
                  .seed          = 5,
                  .monitor_every = 10},
                 basin::test::normal_rows(rows, 1.7));
}

// At the fixed point data and samples have the correlation c^K, c = 1 - alpha k, their squares its
// square rho, so that the difference of the two mean squares has the variance 4 v^2 (1 - rho) / n
// over n pairs. Its slope in k is v^2 c (1 - rho). The mean of the iterates inherits the quotient.
double standard_error(int steps, double alpha, double k, double v, double n) {
  double const c = 1 - alpha * k, rho = std::pow(c, 2 * steps);
  return 2 / (v * c * std::sqrt(n * (1 - rho)));
}

void check_fixed_point(int steps, long updates, double rate) {
  double const alpha = 0.1, v = 1.7, k = basin::test::fixed_point(alpha, v);
  REQUIRE_THAT(k, WithinAbs(0.60664, 5e-6));
  auto trainer       = trainer_for(steps, alpha, rate, 4096, 1024);
  double const error = standard_error(steps, alpha, k, v, 1024. * static_cast<double>(updates));
  // Far enough from 1 / v = 0.58824, which an exact sampler would give, to tell the two apart.
  REQUIRE(7 * error < k - 1 / v);
  CHECK_THAT(basin::test::learned_stiffness(trainer, 500, updates), WithinAbs(k, 5 * error));
}

TEST_CASE("CD-1 with Langevin rests where a step leaves the variance of the data",
          "[objective][cd]") {
  check_fixed_point(1, 2500, 0.02);
}
TEST_CASE("CD-5 with Langevin rests where CD-1 does", "[objective][cd]") {
  check_fixed_point(5, 700, 0.02);
}

// Of one step of training: what the data and the samples were, by a scalar loop.
struct Reference {
  Theta theta;
  std::vector<double> data, samples;

  Reference(Theta const& at, int rows, int batch, int steps, double alpha, std::uint64_t step)
      : theta(at) {
    auto const x = basin::test::normal_rows(rows, 1.7);
    basin::Permutation const order(static_cast<std::uint32_t>(rows), {5, Purpose::data_order, 0});
    for (int i = 0; i < batch; ++i) {
      std::uint32_t const chain = static_cast<std::uint32_t>(i);
      std::uint32_t const at_row =
          order(static_cast<std::uint32_t>(step) * static_cast<std::uint32_t>(batch) + chain);
      data.push_back(x(at_row, 0));
      // Each training step has 2^steps_bits numbers of the stream of noise to itself.
      samples.push_back(basin::test::moved(
          data.back(), theta, alpha, steps,
          {5, Purpose::sampler_noise, step << basin::sampler::steps_bits}, chain));
    }
  }

  static double mean_energy(Theta const& theta, std::vector<double> const& x) {
    double sum = 0;
    for (double const xi : x) sum += theta.energy(xi) / double(x.size());
    return sum;
  }
  // mean dE/dtheta of the data less that of the samples, and of the penalty a E^2 on both.
  Theta gradient(double penalty) const {
    Theta sum{0, 0};
    auto const add = [&](std::vector<double> const& points, double sign) {
      for (double const x : points) {
        Theta const g       = theta.parameter_gradient(x);
        double const weight = (sign + 2 * penalty * theta.energy(x)) / double(points.size());
        sum.w += weight * g.w;
        sum.b += weight * g.b;
      }
    };
    add(data, 1);
    add(samples, -1);
    return sum;
  }
};

TEST_CASE("a CD step's gradient is mean dE/dtheta of the data less that of the samples",
          "[objective][cd]") {
  // 37 pairs fill no tile.
  int constexpr rows = 100, batch = 37, steps = 3;
  double const alpha = 0.1;
  for (double const penalty : {0., 0.25}) {
    CAPTURE(penalty);
    auto trainer                              = trainer_for(steps, alpha, 0.05, rows, batch);
    trainer.objective().energy_l2.coefficient = penalty;
    basin::test::set_theta(trainer, {0.7, -0.2});
    for (std::uint64_t step = 0; step < 2; ++step) {
      CAPTURE(step);
      Theta const before = basin::test::theta_of(trainer);
      trainer.step();
      Reference const reference(before, rows, batch, steps, alpha, step);
      Theta const expected = reference.gradient(penalty);
      auto const g         = basin::test::values(trainer.last_gradient());
      // Sums of 74 terms of order 1.
      CHECK_THAT(g[0], WithinAbs(expected.w, 1e-13));
      CHECK_THAT(g[1], WithinAbs(expected.b, 1e-13));
      auto const metrics = trainer.metrics();
      double const data  = Reference::mean_energy(before, reference.data);
      double const model = Reference::mean_energy(before, reference.samples);
      CHECK_THAT(metrics["energy_data"], WithinAbs(data, 1e-13));
      CHECK_THAT(metrics["energy_samples"], WithinAbs(model, 1e-13));
      CHECK_THAT(metrics["gap"], WithinAbs(model - data, 1e-13));
      CHECK_THAT(metrics["gradient_norm"], WithinAbs(std::hypot(expected.w, expected.b), 1e-13));
      CHECK(!metrics.has("buffer_age"));  // every chain is new
      // Downhill, by the rate.
      Theta const after = basin::test::theta_of(trainer);
      CHECK_THAT(after.w, WithinAbs(before.w - 0.05 * expected.w, 1e-13));
      CHECK_THAT(after.b, WithinAbs(before.b - 0.05 * expected.b, 1e-13));
    }
  }
}

TEST_CASE("CD stiffens a model that is too wide and softens one that is too narrow",
          "[objective][cd]") {
  // Samples of a model that is too wide spread beyond the data, to higher energies. The difference
  // of the mean squares is (1 - (1 - alpha k)^2) v - 2 alpha: -0.13 and +0.41 at k = 0.2 and 2, six
  // and more of its standard errors 2 v sqrt((1 - rho) / 1024) = 0.021 and 0.064.
  for (double const k : {0.2, 2.}) {
    CAPTURE(k);
    auto trainer = trainer_for(1, 0.1, 0.02, 1024, 1024);
    basin::test::set_theta(trainer, {-std::sqrt(k / 2), 0});
    trainer.step();
    bool const too_wide = k < 1 / 1.7;
    CHECK((trainer.metrics()["gap"] > 0) == too_wide);
    CHECK((basin::test::theta_of(trainer).stiffness() > k) == too_wide);
  }
}

// The samples of two steps of an objective, against the public functions that it is made of.
template <class Start>
void check_samples(Start const& policy, Chains const& expected_pool, Chains const& data) {
  using Cd = ContrastiveDivergence<Langevin<>, Start>;
  Cd const cd{.sampler = {.steps = 4, .step_size = 0.05}, .start = policy};
  int constexpr batch          = 21;
  std::uint64_t constexpr seed = 77;
  Kokkos::View<double*, Exec> const theta("theta", 2);
  Kokkos::deep_copy(theta, 0.6);
  GaussianModel const energy(theta.data());
  Chains const positives("positives", batch, 1), chains("chains", batch, 1),
      expected("expected", batch, 1);
  Kokkos::deep_copy(positives, 3.);
  typename Cd::template bind<GaussianModel, Exec, tuning> state(Exec(), cd, batch,
                                                                {data, {}, {}, {}}, seed);
  for (std::uint64_t step = 0; step < 2; ++step) {
    state.samples(Exec(), cd, energy, positives, chains, step, {});
    basin::sampler::start_chains<tuning>(Exec(), policy, expected,
                                         expected_pool.size() ? expected_pool : positives,
                                         {seed, Purpose::sampler_start, step});
    basin::sampler::sample(Exec(), cd.sampler, energy, expected,
                           {seed, Purpose::sampler_noise, step << basin::sampler::steps_bits});
    CHECK(basin::test::values(chains) == basin::test::values(expected));
  }
}

Chains rows_on_device(int rows) {
  Chains const x("rows", rows, 1);
  Kokkos::deep_copy(x, basin::test::normal_rows(rows, 1.7));
  return x;
}

TEST_CASE("CD's chains start where its start policy says, each step anew", "[objective][cd]") {
  auto const data = rows_on_device(50);
  check_samples(start::Uniform{.lower = 4, .upper = 5}, data, data);
  check_samples(start::Data{.noise = 0.1}, data, data);
  check_samples(start::Positives{.noise = 0.1}, {}, data);
}

TEST_CASE("a CD gradient by a clock is that by the number of the step", "[objective][cd]") {
  CHECK(basin::test::same_by_clock<Exec>(
      Objective{.sampler = {.steps = 3, .step_size = 0.05}, .start = {.noise = 0.1}}));
  CHECK(basin::test::same_by_clock<Exec>(
      ContrastiveDivergence<Langevin<>, start::Data>{.sampler = {.steps = 3, .step_size = 0.05}}));
}

TEST_CASE("a user's chains start from rows of the data where training starts from positives",
          "[objective][cd]") {
  auto const data = rows_on_device(50);
  Objective const cd{};
  Trainer::objective_type state(Exec(), cd, 1, {data, {}, {}, {}}, 1);
  Chains const chains("chains", 500, 1), expected("expected", 500, 1);
  Stream const stream{.seed = 3};
  state.start(Exec(), cd, chains, stream);
  basin::sampler::start_chains<tuning>(Exec(), start::Data{}, expected, data, stream);
  CHECK(basin::test::values(chains) == basin::test::values(expected));
}

TEST_CASE("CD refuses what its parts refuse", "[objective][cd]") {
  CHECK_THROWS_WITH((Objective{.sampler = {.step_size = -1}}.check(1)),
                    "basin::sampler::Langevin: step_size must be > 0 and finite, got -1");
  CHECK_THROWS_WITH((Objective{.start = {.noise = -1}}.check(1)),
                    "basin::sampler::start::Positives: noise must be >= 0 and finite, got -1");
  CHECK_THROWS_WITH((Objective{.energy_l2 = {.coefficient = -1}}.check(1)),
                    "basin::objective::EnergyPenalty: coefficient must be >= 0 and finite, got -1");
  CHECK_NOTHROW(Objective{}.check(1));
}

}  // namespace
