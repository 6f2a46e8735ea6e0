// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/denoising_score_matching.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/density.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::DenoisingScoreMatching;
using Catch::Matchers::WithinAbs;

constexpr double v = 1.7, sigma = 0.6;

// A residual with the other sign of z learns -1 / (v + sigma^2).
TEST_CASE("denoising score matching learns the stiffness of the data with noise, 1 / (v + sigma^2)",
          "[objective][denoising_score_matching]") {
  double const k = stiffness<Exec>(DenoisingScoreMatching{.standard_deviation = sigma}, v, 3000);
  CHECK(k > 0);
  // Noise of a residual of variance 1 / sigma^2 over the last third of 3000 steps of 500 samples.
  CHECK_THAT(k, WithinAbs(1 / (v + sigma * sigma), 0.01));
}

TEST_CASE("denoising score matching recovers a precision matrix",
          "[objective][denoising_score_matching]") {
  Correlated const data;
  auto const trainer = trained<Exec, Quadric>(DenoisingScoreMatching{.standard_deviation = 0.5},
                                              data.rows, 4000, 0.02, 512);
  Eigen::MatrixXd const smoothed = data.covariance + 0.25 * Eigen::MatrixXd::Identity(5, 5);
  CHECK(precision_error<Exec>(*trainer, smoothed) < 0.06);
}

TEST_CASE(
    "denoising score matching gives the same bits in every tuning and for any number of "
    "threads",
    "[objective][denoising_score_matching]") {
  CHECK(differing_runs<Exec>(DenoisingScoreMatching{.standard_deviation = 0.3}) == 0);
}

TEST_CASE("denoising score matching allocates nothing and fences nothing",
          "[objective][denoising_score_matching]") {
  basin::bench::watch_kokkos();
  auto const t = tally<Exec>(DenoisingScoreMatching{});
  CHECK(t.allocations == 0);
  CHECK(t.fences == 0);
}

TEST_CASE("denoising score matching refuses noise that is none",
          "[objective][denoising_score_matching][refusal]") {
  CHECK_THROWS_MATCHES(
      DenoisingScoreMatching{.standard_deviation = 0}.check(1), std::invalid_argument,
      Catch::Matchers::Message("basin::objective::DenoisingScoreMatching: "
                               "standard_deviation must be > 0 and finite, got 0"));
}

}  // namespace
