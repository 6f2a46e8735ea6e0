// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/score_matching.hpp>
#include <basin/objective/sliced_score_matching.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/by_clock.hpp"
#include "support/density.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using namespace basin::objective;
using Catch::Matchers::WithinAbs;

constexpr double v = 1.7;

// The optimum does not depend on the direction in one dimension, where v.v = 1, so that these reach
// the inverse of the variance of the data to what Adam leaves.
TEST_CASE("exact and sliced score matching learn the stiffness 1 / v",
          "[objective][score_matching]") {
  CHECK_THAT(stiffness<Exec>(ScoreMatching<>{}, v, 600), WithinAbs(1 / v, 2e-3));
  CHECK_THAT(stiffness<Exec>(ScoreMatching<0>{}, v, 600), WithinAbs(1 / v, 2e-3));
  CHECK_THAT(stiffness<Exec>(SlicedScoreMatching<>{}, v, 600), WithinAbs(1 / v, 2e-3));
  CHECK_THAT(stiffness<Exec>(SlicedScoreMatching<form::VarianceReduced>{}, v, 600),
             WithinAbs(1 / v, 2e-3));
  // E[z^2] of 500 directions a step varies by sqrt(2 / 500), averaged over the last hundreds.
  CHECK_THAT(stiffness<Exec>(SlicedScoreMatching<direction::Gaussian>{.projections = 2}, v, 1500),
             WithinAbs(1 / v, 0.02));
}

TEST_CASE("the losses are those of the formula", "[objective][score_matching]") {
  // E = k x^2 / 2: |grad E|^2 / 2 - tr H = k^2 x^2 / 2 - k, at the optimum -1 / (2 v).
  auto const loss = [](auto const& objective) {
    auto const trainer =
        trained<Exec, Parabola>(objective, numbers_of_variance(500, v), 600, 0.02, 500);
    return trainer->metrics()["loss"];
  };
  CHECK_THAT(loss(ScoreMatching<>{}), WithinAbs(-0.5 / v, 1e-4));
  CHECK_THAT(loss(ScoreMatching<0>{}), WithinAbs(-0.5 / v, 1e-4));
  CHECK_THAT(loss(SlicedScoreMatching<>{.projections = 3}), WithinAbs(-0.5 / v, 1e-4));
}

TEST_CASE("score matching recovers a precision matrix", "[objective][score_matching]") {
  Correlated const data;
  auto const error = [&](auto const& objective) {
    auto const trainer = trained<Exec, Quadric>(objective, data.rows, 3000, 0.02, 256);
    return precision_error<Exec>(*trainer, data.covariance);
  };
  CHECK(error(ScoreMatching<>{}) < 0.02);
  CHECK(error(SlicedScoreMatching<>{}) < 0.06);
  CHECK(error(SlicedScoreMatching<form::VarianceReduced>{.projections = 2}) < 0.06);
}

TEST_CASE("score matching gives the same bits in every tuning and for any number of threads",
          "[objective][score_matching]") {
  CHECK(differing_runs<Exec>(ScoreMatching<>{}) == 0);
  CHECK(differing_runs<Exec>(SlicedScoreMatching<direction::Gaussian, form::VarianceReduced>{
            .projections = 3}) == 0);
}

TEST_CASE("a gradient of score matching by a clock is that by the number of the step",
          "[objective][score_matching]") {
  CHECK(same_by_clock<Exec>(SlicedScoreMatching<>{.projections = 2}));
  CHECK(same_by_clock<Exec>(SlicedScoreMatching<direction::Gaussian, form::VarianceReduced>{}));
  CHECK(same_by_clock<Exec>(ScoreMatching<0>{}));
}

TEST_CASE("score matching allocates nothing and fences nothing", "[objective][score_matching]") {
  basin::bench::watch_kokkos();
  for (auto const& t :
       {tally<Exec>(ScoreMatching<>{}),
        tally<Exec>(SlicedScoreMatching<direction::Gaussian, form::VarianceReduced>{})}) {
    CHECK(t.allocations == 0);
    CHECK(t.fences == 0);
  }
}

TEST_CASE("score matching refuses no directions", "[objective][score_matching][refusal]") {
  using Catch::Matchers::Message;
  CHECK_THROWS_MATCHES(
      SlicedScoreMatching<>{.projections = 0}.check(1), std::invalid_argument,
      Message("basin::objective::SlicedScoreMatching: projections must be >= 1, got 0"));
  CHECK_THROWS_MATCHES(
      SlicedScoreMatching<>{.projections = 1 << 20}.check(1 << 12), std::invalid_argument,
      Message("basin::objective::SlicedScoreMatching: projections is 1048576 and the batch size "
              "4096; a step has at most 2147418111 points"));
  CHECK_THROWS_MATCHES(ScoreMatching<>{.probes = 0}.check(1), std::invalid_argument,
                       Message("basin::objective::ScoreMatching: probes must be >= 1, got 0"));
}

}  // namespace
