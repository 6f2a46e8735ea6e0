// SPDX-License-Identifier: Apache-2.0
// Under the sanitizers this replaces new and delete; g++ inlines one alone and sees a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#include <basin/objective/recovery_likelihood.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/clock.hpp"
#include "support/density.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::RecoveryLikelihood;
using basin::sampler::diffusion_step;
using basin::sampler::ladder::VarianceExploding;
using Catch::Matchers::WithinAbs;
using Objective = RecoveryLikelihood<VarianceExploding>;
// Of (x, s) a quadratic function, with one stiffness at all levels.
using Net     = basin::energy::Network<double, basin::Vector<2>, basin::layer::Dense<4>,
                                       basin::layer::Square, basin::layer::Dense<1>>;
using Trainer = CosineTrainer<Exec, Net, Objective>;
using Points  = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

Objective with(int steps, int levels = 3) {
  return {.recovery = {.ladder        = {{.first = 1.2, .last = 0.4, .levels = levels}},
                       .steps         = steps,
                       .step_variance = 0.3,
                       .growth        = 0,
                       .scaled        = false}};
}

std::vector<double> numbers_of(Points const& x) {
  return on_host(Kokkos::View<double*, Exec>(x.data(), x.size()));
}

// What a step did, as the host sees it.
struct Seen {
  std::vector<double> positives, samples, gradient;
  std::vector<int> levels;
  double energy_data, energy_samples;  // means
};

template <class State, class Options>
Seen step_of(State& state, Options const& objective, Net const& energy, basin::Step const& step) {
  Kokkos::View<double*, Exec> const gradient("gradient", +Net::parameters);
  state.gradient(Exec(), objective, energy, step, nullptr, gradient.data());
  Exec().fence();
  auto const level = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), state.levels());
  auto const mean  = [&](int i) {
    auto const column = state.columns()[std::size_t(i)];
    Kokkos::View<double const*, Exec> const e(column.values, std::size_t(column.count));
    auto const each = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), e);
    double sum      = 0;
    for (int n = 0; n < column.count; ++n) sum += each(n) / column.count;
    return sum;
  };
  return {numbers_of(state.positives()),
          numbers_of(state.samples()),
          on_host(gradient),
          std::vector<int>(level.data(), level.data() + level.size()),
          mean(0),
          mean(1)};
}

constexpr auto tuning = basin::tile::default_tuning<Exec, double, Net::workspace_rows>();
using State           = Objective::bind<Net, Exec, tuning>;

TEST_CASE("a recovery gradient is that of the weighted difference at the level of each sample",
          "[objective][recovery]") {
  int constexpr batch = 37;
  for (double const power : {1., 0.}) {
    auto objective         = with(6);
    objective.weight_power = power;
    State state(Exec(), objective, batch, {}, 4);
    Kokkos::deep_copy(state.batch().points, 0.8);
    auto const start = parameters_of<Net>(1);
    auto const theta = on_device<Exec, double>(start);
    auto const seen  = step_of(state, objective, Net(theta.data()), 2);

    // J at other parameters, the points held fixed.
    std::vector<double> all;
    auto const add = [&](std::vector<double> const& x) {
      for (std::size_t n = 0; n < batch; ++n) {
        all.push_back(x[n]);
        all.push_back(std::log(objective.recovery.ladder.deviation(seen.levels[n])));
      }
    };
    add(seen.positives);
    add(seen.samples);
    auto const points = on_device<Exec, double>(all);
    Kokkos::View<double*, Exec> const energies("E", 2 * batch);
    auto const value_at = [&](std::vector<double> const& parameters) {
      auto const moved = on_device<Exec, double>(parameters);
      basin::energy::energies(Exec(), Net(moved.data()), Points(points.data(), 2 * batch, 2),
                              energies);
      auto const e       = on_host(energies);
      auto const& ladder = objective.recovery.ladder;
      double sum         = 0;
      for (std::size_t n = 0; n < batch; ++n) {
        double const c = std::pow(
            diffusion_step(ladder, 0).deviation / diffusion_step(ladder, seen.levels[n]).deviation,
            power);
        sum += c * (e[n] - e[batch + n]) / batch;
      }
      return sum;
    };
    CAPTURE(power);
    for (std::size_t i = 0; i < start.size(); ++i) {
      double const h = 1e-5;
      auto up = start, down = start;
      up[i] += h;
      down[i] -= h;
      CAPTURE(i);
      CHECK_THAT(seen.gradient[i], WithinAbs((value_at(up) - value_at(down)) / (2 * h), 1e-8));
    }
    value_at(start);
    auto const e = on_host(energies);
    double data = 0, samples = 0;
    for (std::size_t n = 0; n < batch; ++n) data += e[n] / batch;
    for (std::size_t n = 0; n < batch; ++n) samples += e[batch + n] / batch;
    CHECK_THAT(seen.energy_data, WithinAbs(data, 1e-13));
    CHECK_THAT(seen.energy_samples, WithinAbs(samples, 1e-13));
    // Each step draws anew.
    CHECK(step_of(state, objective, Net(theta.data()), 3).positives != seen.positives);
  }
}

TEST_CASE("a recovery step by a clock is that of its number", "[objective][recovery]") {
  if constexpr (reads_clocks<Exec>) {
    auto const objective = with(3);
    State state(Exec(), objective, 37, {}, 4);
    auto const theta = on_device<Exec, double>(parameters_of<Net>(1));
    Clock<Exec> const clock(0);
    clock.set(4);
    auto const of = [&](basin::Step const& step) {
      auto const seen = step_of(state, objective, Net(theta.data()), step);
      return std::pair(seen.levels, seen.samples);
    };
    CHECK(of(clock.step()) == of(std::uint64_t(4)));
    CHECK(of(std::uint64_t(0)) != of(std::uint64_t(4)));
  }
}

// With steps next to nothing the samples are x~.
template <class Ladder>
void check_laws(Ladder const& l) {
  using Own           = RecoveryLikelihood<Ladder>;
  int constexpr batch = 90000;
  int const levels    = l.levels();
  double const x      = 0.8;
  Own const objective{
      .recovery = {.ladder = l, .steps = 1, .step_variance = 1e-20, .growth = 0, .scaled = false}};
  typename Own::template bind<Net, Exec, tuning> state(Exec(), objective, batch, {}, 4);
  Kokkos::deep_copy(state.batch().points, x);
  auto const theta = on_device<Exec, double>(parameters_of<Net>(1));
  auto const seen  = step_of(state, objective, Net(theta.data()), 0);
  for (int t = 0; t < levels; ++t) {
    bool const last = t + 1 == levels;
    double const a  = last ? 1 : diffusion_step(l, t).scale;
    double count = 0, mean = 0, square = 0, step = 0, step_square = 0;
    for (std::size_t n = 0; n < batch; ++n) {
      if (seen.levels[n] != t) continue;
      double const y = seen.positives[n] - a * l.scale(t) * x;
      double const d = seen.samples[n] - (last ? 0 : seen.positives[n]);
      count += 1;
      mean += y;
      square += y * y;
      step += d;
      step_square += d * d;
    }
    double const from = a * l.deviation(t), by = diffusion_step(l, t).deviation;
    CAPTURE(t);
    // Five standard errors, of a share and of normals.
    double const share = 1. / levels;
    CHECK_THAT(count / batch, WithinAbs(share, 5 * std::sqrt(share * (1 - share) / batch)));
    CHECK_THAT(mean / count, WithinAbs(0, 5 * from / std::sqrt(count)));
    CHECK_THAT(square / count, WithinAbs(from * from, 5 * from * from * std::sqrt(2 / count)));
    CHECK_THAT(step / count, WithinAbs(0, 5 * by / std::sqrt(count)));
    CHECK_THAT(step_square / count, WithinAbs(by * by, 5 * by * by * std::sqrt(2 / count)));
  }
}

TEST_CASE("y+ and x~ have the laws of their levels, which are equally frequent",
          "[objective][recovery]") {
  check_laws(with(1).recovery.ladder);
  check_laws(basin::sampler::ladder::VariancePreserving{.stride = 300, .count = 4});
}

// Where mean c_t (E y+^2 - E y-^2) = 0 over the levels, for one stiffness k at all of them and data of
// variance v. After K steps y- = m x~ + N(0, variance): with the precision p of the conditional law
// and c = 1 - h p / 2, m goes from 1 to 1 / (sigma^2 p) by c^K, the variance to h / (1 - c^2) by
// c^(2 K).
double fixed_point(Objective const& objective, double v) {
  auto const& o      = objective.recovery;
  double const first = diffusion_step(o.ladder, 0).deviation;
  auto const excess  = [&](double k) {
    double sum = 0;
    for (int t = 0; t < o.ladder.levels(); ++t) {
      bool const last    = t + 1 == o.ladder.levels();
      double const sigma = diffusion_step(o.ladder, t).deviation, h = o.step_size(t);
      double const tether = last ? 0 : 1 / (sigma * sigma), p = k + tether, c = 1 - h * p / 2;
      double const left = std::pow(c, o.steps), m = tether / p + left * (1 - tether / p);
      double const data   = v + std::pow(o.ladder.deviation(t), 2);
      double const before = last ? sigma * sigma : data + sigma * sigma;
      sum += std::pow(first / sigma, objective.weight_power) *
             (data - m * m * before - h * (1 - left * left) / (1 - c * c));
    }
    return sum;
  };
  double low = 0.01, high = 10;  // the excess rises
  for (int i = 0; i < 60; ++i) (excess((low + high) / 2) < 0 ? low : high) = (low + high) / 2;
  return low;
}

TEST_CASE("recovery likelihood rests where its chains keep the weighted variance of the data",
          "[objective][recovery]") {
  double constexpr v = 0.5;
  std::vector<double> expected;
  for (double const power : {1., -1.}) {
    auto objective         = with(12);
    objective.weight_power = power;
    auto const trainer =
        trained<Exec, Net>(objective, numbers_of_variance(10000, v), 3000, 0.01, 500);
    auto const x = on_device<Exec, double>({-1, 0, 0, 0, 1, 0});
    Kokkos::View<double*, Exec> const energies("E", 3);
    basin::energy::energies(Exec(), trainer->energy(), Points(x.data(), 3, 2), energies);
    auto const e = on_host(energies);
    expected.push_back(fixed_point(objective, v));
    CAPTURE(power);
    // Noise of 3000 steps of 500 data with a rate that falls to 0: 0.01 or so of k.
    CHECK_THAT(e[0] - 2 * e[1] + e[2], WithinAbs(expected.back(), 0.03));
  }
  REQUIRE(std::abs(expected[0] - expected[1]) > 0.12);  // the weights show
}

std::vector<double> after_steps(Exec const& exec) {
  Trainer trainer({.objective = with(4), .batch = 37, .seed = 5}, numbers_of_variance(150, 1),
                  exec);
  trainer.fit({.steps = 20});
  return on_host(Kokkos::View<double*, Exec>(trainer.parameters().data(), +Net::parameters));
}

TEST_CASE("recovery likelihood has the same bits for any number of threads",
          "[objective][recovery][determinism]") {
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible)
    CHECK(after_steps(Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1})[0]) ==
          after_steps(Exec()));
}

TEST_CASE("a step of recovery likelihood is as many launches for any steps and levels",
          "[objective][recovery][allocation]") {
  basin::bench::watch_kokkos();
  long launches = 0;
  for (auto const& objective : {with(1), with(17), with(4, 8)}) {
    Trainer trainer({.objective = objective, .batch = 37}, numbers_of_variance(150, 1));
    for (int i = 0; i < 3; ++i) trainer.step();
    auto const tally = basin::bench::count(Exec(), 20, [&] { trainer.step(); });
    CHECK(tally.allocations == 0);
    CHECK(tally.fences == 0);
    if (launches == 0) launches = tally.launches;
    CHECK(tally.launches == launches);
  }
}

TEST_CASE("recovery likelihood refuses what does not fit, and says it",
          "[objective][recovery][refusal]") {
  auto objective           = with(1);
  objective.recovery.steps = 0;
  CHECK_THROWS_WITH(objective.check(1),
                    "basin::sampler::RecoveryLangevin: steps must be in [1, 1048576], got 0");
  objective              = with(1);
  objective.weight_power = INFINITY;
  CHECK_THROWS_WITH(objective.check(1),
                    "basin::objective::RecoveryLikelihood: weight_power must be finite, got inf");
  CHECK_THROWS_WITH(Trainer({.objective = with(1), .batch = 4}, Rows("rows", 10, 2)),
                    "basin::train::Trainer: data has second extent 2, the energy has dimension 2 "
                    "with 1 for the condition of the objective");
  Trainer trainer({.objective = with(1), .batch = 4}, numbers_of_variance(10, 1));
  trainer.objective() = with(1, 4);
  CHECK_THROWS_WITH(trainer.step(),
                    "basin::objective::RecoveryLikelihood: levels is 3 since the "
                    "arrays were made and cannot become 4");
}

}  // namespace
