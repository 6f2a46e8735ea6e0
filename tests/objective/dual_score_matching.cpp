// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/dual_score_matching.hpp>
#include <basin/objective/noise_conditional_score_matching.hpp>

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
using basin::objective::DualScoreMatching;
using basin::objective::NoiseConditionalScoreMatching;
using Catch::Matchers::WithinAbs;

TEST_CASE("dual score matching learns the score in time that makes energies normalized",
          "[objective][dual_score_matching]") {
  // One level in two: t = sigma^2 = 1/2, of which dE/ds = 2 t dE/dt = dE/dt.
  double const sigma = std::sqrt(0.5), s = std::log(sigma);
  Fixture<Exec, LevelEnergy, DualScoreMatching> at(
      {.ladder = {.first = sigma * (1 + 1e-9), .last = sigma, .levels = 2}},
      normal_quantiles(20000));
  // The gradient in (a, b, c) is linear in them.
  Eigen::Matrix3d slopes = Eigen::Matrix3d::Zero();
  Eigen::Vector3d origin = Eigen::Vector3d::Zero();
  for (std::uint64_t step = 0; step < 5; ++step) {
    auto const g = [&](LevelNumbers const& n) {
      at.set(theta_of(n));
      auto const all = gradient_of(at(step));
      CHECK_THAT(all[3], WithinAbs(0, 1e-14));
      return Eigen::Vector3d(all[0], all[1], all[2]);
    };
    Eigen::Vector3d const here = g({0, 0, 0, 0});
    origin += here;
    for (int i = 0; i < 3; ++i) {
      LevelNumbers unit{};
      unit[std::size_t(i)] = 1;
      slopes.col(i) += g(unit) - here;
    }
  }
  Eigen::Vector3d const found = slopes.fullPivLu().solve(-origin);
  // 1 - z^2 has the deviation sqrt(2), y^2 that of 2.2 sqrt(2): over 1e5 samples the slope has 0.0014,
  // of which four; the constant sqrt(1.5) sqrt(2) / sqrt(1e5) = 0.0055.
  CHECK_THAT(found(1), WithinAbs(-0.10331, 0.006));
  CHECK_THAT(found(2), WithinAbs(0.22727, 0.022));
  CHECK_THAT(2 * (found(0) + found(1) * s), WithinAbs(1 / 2.2, 0.02));
}

TEST_CASE("the gradient of dual score matching is that of its loss, with its draws held fixed",
          "[objective][dual_score_matching]") {
  for (double const weight : {0.0, 1.5}) {
    DualScoreMatching const options{.ladder      = {.first = 1.5, .last = 0.4, .levels = 3},
                                    .time_weight = weight};
    Fixture<Exec, Small, DualScoreMatching> at(options, numbers(42, 2));
    check_gradient(at, [&] { return at.mean("loss"); });
    if (weight > 0) continue;
    Fixture<Exec, Small, NoiseConditionalScoreMatching> other({options.ladder}, numbers(42, 2));
    other.set(on_host(at.theta));
    CHECK(other(3) == at(3));
    CHECK(other.mean("loss") == at.mean("loss"));
  }
}

TEST_CASE(
    "dual score matching has the same bits for any number of threads, no memory of its own and "
    "no fence",
    "[objective][dual_score_matching]") {
  basin::bench::watch_kokkos();
  Fixture<Exec, Small, DualScoreMatching> all({}, numbers(42, 2));
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    auto const part = Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1})[0];
    Fixture<Exec, Small, DualScoreMatching> one({}, numbers(42, 2), part);
    CHECK(all(2) == one(2));
  }
  all.run(0);
  auto const t = basin::bench::count(Exec(), 20, [&] { all.run(1); });
  CHECK(t.allocations == 0);
  CHECK(t.fences == 0);
}

TEST_CASE("dual score matching refuses a weight that is none",
          "[objective][dual_score_matching][refusal]") {
  CHECK_THROWS_MATCHES(DualScoreMatching{.time_weight = -1}.check(8), std::invalid_argument,
                       Catch::Matchers::Message("basin::objective::DualScoreMatching: time_weight "
                                                "must be >= 0 and finite, got -1"));
}

}  // namespace
