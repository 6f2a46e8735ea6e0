// SPDX-License-Identifier: Apache-2.0
#include "support/training.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

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

using Descent = basin::train::Trainer<Network, basin::test::SmallObjective, basin::optimizer::AdamW,
                                      basin::optimizer::Constant, Exec>;

double norm_of(std::vector<float> const& a, std::vector<float> const& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(double(a[i]) - b[i], 2);
  return std::sqrt(sum);
}

TEST_CASE("a gradient whose square is no float is finite, and is clipped", "[train][monitor]") {
  // With beta1 = beta2 = 0 and a large epsilon a step is learning_rate / epsilon g.
  auto base                    = small_options<Trainer>();
  base.objective.energy_l2     = {};
  base.objective.sampler.lower = -1e30, base.objective.sampler.upper = 1e30;
  Descent::Options options{
      .objective    = base.objective,
      .optimizer    = {.learning_rate = 1e3, .beta1 = 0, .beta2 = 0, .epsilon = 1e6, .decay = 0},
      .batch        = 37,
      .clip_norm    = 1,
      .energy_limit = 1e38};
  auto const data = uniform_points(50, 3);
  for (int n = 0; n < 50; ++n)
    for (int d = 0; d < 3; ++d) data(n, d) *= 1e25f;
  Descent trainer(options, data);
  auto const before = contents(trainer.parameters());
  trainer.step();
  auto const m    = trainer.metrics();
  double expected = norm_of(contents(trainer.last_gradient()), std::vector<float>(before.size()));
  CHECK(expected > 1e24);
  CHECK_THAT(m["gradient_norm"], WithinRel(expected, 1e-5));
  CHECK_THAT(norm_of(contents(trainer.parameters()), before), WithinRel(1e-3, 1e-3));
  // Their squares are beyond float too.
  CHECK(m["energy_square"] >= m["energy_data"] * m["energy_data"] / 2);
  CHECK(std::isfinite(m["energy_square"]));
}

TEST_CASE("energy_limit is one of mean |E|", "[train][monitor]") {
  auto const data = uniform_points(50, 3);
  auto options    = small_options<Trainer>();
  options.batch = 50, options.data_noise = {}, options.ema_decay = 0;
  options.optimizer.learning_rate   = 0;
  options.objective.buffer.capacity = 50;
  // Centered on the data: their mean E is 0.
  auto const centered = [&](double limit) {
    options.energy_limit = limit;
    Trainer trainer(options, data);
    auto const e = trainer.energies(data);
    double mean  = 0;
    for (int n = 0; n < 50; ++n) mean += double(e(n)) / 50;
    auto const bias = Kokkos::subview(trainer.parameters(), Network::parameters - 1);
    auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), bias);
    host() -= static_cast<float>(mean);
    Kokkos::deep_copy(bias, host);
    trainer.step();
    auto const m = trainer.metrics();
    double sizes[2]{};
    auto const of = {trainer.energies(data), trainer.energies(trainer.state().buffer().stored())};
    for (int k = 0; k < 2; ++k)
      for (int n = 0; n < 50; ++n) sizes[k] += std::abs(double(of.begin()[k](n))) / 50;
    return std::pair(std::max(std::abs(m["energy_data"]), std::abs(m["energy_samples"])),
                     std::max(sizes[0], sizes[1]));
  };
  auto const [mean, size] = centered(1e8);
  REQUIRE(mean < 0.9 * size);
  CHECK_NOTHROW(centered(1.01 * size));
  CHECK_THROWS_WITH(centered(0.99 * size), Catch::Matchers::ContainsSubstring("mean |E| is "));
}

TEST_CASE("clipping by the global norm scales the step of plain descent", "[train][monitor]") {
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
