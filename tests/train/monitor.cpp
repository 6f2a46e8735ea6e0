// SPDX-License-Identifier: Apache-2.0
#include "support/training.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>

namespace {

using Exec    = BASIN_TEST_EXEC;
using Network = basin::energy::Network<float, basin::Vector<3>, basin::layer::Dense<13>,
                                       basin::layer::Silu, basin::layer::Dense<1>>;
using Trainer = basin::train::Trainer<Network, basin::test::SmallObjective, basin::optimizer::Adam,
                                      basin::optimizer::Constant, Exec>;
using basin::test::contents;
using basin::test::small_options;
using basin::test::uniform_points;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

TEST_CASE("a report says what a step did", "[train][monitor]") {
  auto options                      = small_options<Trainer>();
  options.batch                     = 50;
  options.data_noise                = {};
  options.ema_decay                 = 0;
  options.optimizer.learning_rate   = 0;  // the energy stays what it is, so it can be asked again
  options.objective.buffer.capacity = 50;
  options.objective.buffer.fresh    = 0;
  auto const data                   = uniform_points(50, 3);
  Trainer trainer(options, data);
  trainer.fit({.steps = 4});
  auto const before = contents(trainer.state().buffer().stored());
  trainer.step();
  auto const m = trainer.metrics();
  CHECK(m.step == 5);

  // The batch is all the data, and the buffer all the chains: means over either are known.
  auto const mean = [](auto const& e) {
    double sum = 0;
    for (std::size_t i = 0; i < e.extent(0); ++i) sum += e(i);
    return sum / double(e.extent(0));
  };
  auto const energy_data    = trainer.energies(data);
  auto const energy_samples = trainer.energies(trainer.state().buffer().stored());
  CHECK_THAT(m["energy_data"], WithinAbs(mean(energy_data), 1e-6));
  CHECK_THAT(m["energy_samples"], WithinAbs(mean(energy_samples), 1e-6));
  CHECK_THAT(m["gap"], WithinAbs(mean(energy_samples) - mean(energy_data), 2e-6));
  double square = 0;
  for (int n = 0; n < 50; ++n)
    square +=
        (double(energy_data(n)) * energy_data(n) + double(energy_samples(n)) * energy_samples(n)) /
        100;
  CHECK_THAT(m["energy_square"], WithinRel(square, 1e-5));

  auto const after = contents(trainer.state().buffer().stored());
  double moved = 0, bound = 0;
  for (int n = 0; n < 50; ++n) {
    double distance = 0;
    for (int d = 0; d < 3; ++d) {
      distance += std::pow(double(after[3 * n + d]) - before[3 * n + d], 2);
      bound += after[3 * n + d] == 1 || after[3 * n + d] == -1 ? 1.0 / 150 : 0.0;
    }
    moved += std::sqrt(distance) / 50;
  }
  CHECK_THAT(m["displacement"], WithinRel(moved, 1e-5));
  CHECK_THAT(m["clamp_fraction"], WithinAbs(bound, 1e-6));
  CHECK(m["buffer_age"] == 4);  // every chain has been written four times

  double norm = 0;
  for (float const g : contents(trainer.last_gradient())) norm += double(g) * g;
  CHECK_THAT(m["gradient_norm"], WithinRel(std::sqrt(norm), 1e-5));
}

TEST_CASE("a report is the mean over the steps since the last one", "[train][monitor]") {
  auto const data = uniform_points(50, 3);
  Trainer each(small_options<Trainer>(), data), together(small_options<Trainer>(), data);
  double gap = 0, norm = 0;
  for (int i = 0; i < 4; ++i) {
    auto const m = each.fit({.steps = 1});
    gap += m["gap"] / 4;
    norm += m["gradient_norm"] / 4;
  }
  auto const mean = together.fit({.steps = 4});
  CHECK_THAT(mean["gap"], WithinAbs(gap, 1e-12));
  CHECK_THAT(mean["gradient_norm"], WithinAbs(norm, 1e-12));
}

TEST_CASE("the clip fraction is 1 where every gradient is clipped and 0 where none is",
          "[train][monitor]") {
  for (double const clip : {1e-12, 1e6}) {
    auto options                   = small_options<Trainer>();
    options.objective.sampler.clip = clip;
    Trainer trainer(options, uniform_points(50, 3));
    trainer.step();
    CHECK_THAT(trainer.metrics()["clip_fraction"], WithinAbs(clip < 1 ? 1.0 : 0.0, 1e-6));
  }
}

TEST_CASE("clipping by the global norm scales the step of plain descent", "[train][monitor]") {
  using Descent = basin::train::Trainer<Network, basin::test::SmallObjective,
                                        basin::optimizer::AdamW, basin::optimizer::Constant, Exec>;
  // With beta1 = beta2 = 0 the step is rate g / (|g| + epsilon): for a large epsilon rate g /
  // epsilon.
  auto const moved = [](double clip_norm) {
    auto base = small_options<Trainer>();
    Descent::Options options{
        .objective = base.objective,
        .optimizer = {.learning_rate = 1e3, .beta1 = 0, .beta2 = 0, .epsilon = 1e6, .decay = 0},
        .batch     = 37,
        .clip_norm = clip_norm};
    Descent trainer(options, uniform_points(50, 3));
    auto const before = contents(trainer.parameters());
    trainer.step();
    auto const after = contents(trainer.parameters());
    double sum       = 0;
    for (std::size_t i = 0; i < after.size(); ++i) sum += std::pow(double(after[i]) - before[i], 2);
    return std::pair(std::sqrt(sum), trainer.metrics()["gradient_norm"]);
  };
  auto const [free, norm]     = moved(1e9);
  auto const [clipped, again] = moved(norm / 4);
  CHECK(norm == again);
  // Differences of parameters of size 0.5 carry an error of 2^-25 each, 66 of them: 2.5e-7 against
  // a step of 1e-3 norm.
  CHECK_THAT(clipped / free, WithinAbs(0.25, 0.25 * 5e-7 / (1e-3 * norm) + 1e-4));
}

}  // namespace
