// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/noise_level_classification.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/level_energy.hpp"

#include <Eigen/Dense>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::NoiseLevelClassification;
using Catch::Matchers::WithinAbs;

double log_z(double variance) { return std::log(2 * std::numbers::pi * variance) / 2; }

TEST_CASE(
    "classification of noise levels learns an energy with its normalizer from that of another "
    "level",
    "[objective][noise_level_classification]") {
  // Levels of variance 1, where s = 0 and the energy is known, and 0.3.
  Fixture<Exec, LevelEnergy, NoiseLevelClassification> at(
      {{.first = 1, .last = std::sqrt(0.3), .levels = 2}}, normal_quantiles(20000));
  double const s = std::log(std::sqrt(0.3)), a = 0.5 / 2.7, d = log_z(2.7);
  Eigen::Vector2d bc(0, 0);
  for (int iteration = 0; iteration < 7; ++iteration) {
    auto const g = [&](double b, double c) {
      at.set(theta_of({a, b, c, d}));
      Eigen::Vector2d sum(0, 0);
      for (std::uint64_t step = 0; step < 4; ++step) {
        auto const all = gradient_of(at(step));
        sum += Eigen::Vector2d(all[1], all[2]);
      }
      return sum;
    };
    double const h = 1e-5;
    Eigen::Matrix2d slopes;
    slopes.col(0) = (g(bc(0) + h, bc(1)) - g(bc(0) - h, bc(1))) / (2 * h);
    slopes.col(1) = (g(bc(0), bc(1) + h) - g(bc(0), bc(1) - h)) / (2 * h);
    bc -= slopes.fullPivLu().solve(g(bc(0), bc(1)));
  }
  // The information of a sample is about 1/4 of the squares of (y^2, 1): with y^2 of mean 2.35 and deviation
  // 3.3 the stiffness has the deviation 2 2 / 3.3 / sqrt(8e4) = 0.0043, c that of 2 sqrt(1.5) / sqrt(8e4)
  // = 0.0087, of which three.
  CHECK_THAT(2 * (a + bc(0) * s), WithinAbs(1 / 2.0, 0.013));
  CHECK_THAT(d + bc(1) * s, WithinAbs(log_z(2.0), 0.026));
  CHECK_THAT(log_z(2.0), WithinAbs(1.26551, 1e-5));

  // What is added at every level is not seen.
  auto const before = at(1);
  double const loss = at.mean("loss");
  at.set(theta_of({a + 1, bc(0), bc(1), d + 3}));
  at(1);
  CHECK_THAT(at.mean("loss"), WithinAbs(loss, 1e-12));
  // The likeliest level, where Gaussians of variances 2 and 2.7 have the same density: |y| < 1.5215, with
  // the mean of 0.71802 and 1 - 0.64554.
  CHECK_THAT(at.mean("accuracy"), WithinAbs(0.53624, 0.015));
}

TEST_CASE(
    "the gradient of noise-level classification is that of its loss, with its draws held fixed",
    "[objective][noise_level_classification]") {
  Fixture<Exec, Small, NoiseLevelClassification> at({{.first = 5, .last = 0.2, .levels = 3}},
                                                    numbers(42, 2));
  check_gradient(at, [&] { return at.mean("loss"); });
}

TEST_CASE(
    "noise-level classification has the same bits for any number of threads, no memory of its "
    "own and no fence",
    "[objective][noise_level_classification]") {
  basin::bench::watch_kokkos();
  Fixture<Exec, Small, NoiseLevelClassification> all({}, numbers(42, 2));
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    auto const part = Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1})[0];
    Fixture<Exec, Small, NoiseLevelClassification> one({}, numbers(42, 2), part);
    CHECK(all(2) == one(2));
  }
  all.run(0);
  auto const t = basin::bench::count(Exec(), 20, [&] { all.run(1); });
  CHECK(t.allocations == 0);
  CHECK(t.fences == 0);
}

TEST_CASE("noise-level classification refuses one level, and more points than can be",
          "[objective][noise_level_classification][refusal]") {
  using Catch::Matchers::Message;
  CHECK_THROWS_MATCHES((NoiseLevelClassification{{.levels = 1}}.check(8)), std::invalid_argument,
                       Message("basin::sampler::NoiseLadder: levels must be > 1, got 1"));
  CHECK_THROWS_MATCHES((NoiseLevelClassification{{.levels = 1 << 20}}.check(4096)),
                       std::invalid_argument,
                       Message("basin::objective::NoiseLevelClassification: levels is 1048576 and "
                               "the batch size 4096; a step has at most 2147418111 points"));
}

}  // namespace
