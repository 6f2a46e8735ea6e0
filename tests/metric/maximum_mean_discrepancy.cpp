// SPDX-License-Identifier: Apache-2.0
#include <basin/metric/maximum_mean_discrepancy.hpp>
#include <basin/metric/precision_recall.hpp>

#include "metric/table.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>

namespace {

using namespace basin::test;
using basin::metric::median_distance;
using basin::metric::precision_recall;
using basin::metric::squared_maximum_mean_discrepancy;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

TEST_CASE("the maximum mean discrepancy is that of scikit-learn's kernels", "[metric][mmd]") {
  auto const x = reference_table(0, 40, 4), y = reference_table(1, 55, 4);
  CHECK_THAT(squared_maximum_mean_discrepancy(x, y, {4, 8}), WithinRel(reference::mmd, 1e-12));
}

TEST_CASE("the maximum mean discrepancy of two normals is the closed form", "[metric][mmd]") {
  // (2 h / sqrt(h^2 + 2)) (1 - exp(-m^2 / (2 (h^2 + 2)))) of N(0, 1) and N(m, 1); its standard
  // deviation over draws of 2000 is 0.0009 at h = 1, m = 1/2.
  auto const x = normal_table(2000, 1, 0, 1, 1), y = normal_table(2000, 1, 0.5, 1, 2);
  double const exact = 2 / std::sqrt(3.0) * (1 - std::exp(-0.25 / 6));
  // That of a mean of 2000 such pairs of terms in [-4, 4]: at most 4 standard errors.
  CHECK_THAT(squared_maximum_mean_discrepancy(x, y, {1}), WithinAbs(exact, 0.02));
  // Without a bias: of one law, about 0, within a few times 1 / n.
  CHECK_THAT(squared_maximum_mean_discrepancy(x, normal_table(2000, 1, 0, 1, 3), {1}),
             WithinAbs(0, 5.0 / 2000));
}

TEST_CASE("the median distance counted by hand", "[metric][mmd]") {
  CHECK(median_distance(table({{0}, {1}, {4}})) == 3);  // 1, 3, 4
}

TEST_CASE("precision and recall are those of scikit-learn's distances",
          "[metric][precision_recall]") {
  auto const x = reference_table(0, 40, 4), y = reference_table(1, 55, 4);
  auto const both = precision_recall(x, y);
  CHECK(both.precision == reference::precision);
  CHECK(both.recall == reference::recall);
}

TEST_CASE("precision and recall counted by hand", "[metric][precision_recall]") {
  // Reference 0, 1, 2, 10 with k = 1: radii 1, 1, 1, 8, that is [-1, 3] and [2, 18]. Of the samples
  // -2, 3, 18, 19 two are within, on the edge. Their radii are 5, 5, 1, 1: [-7, 8] and [17, 20] hold
  // 0, 1 and 2.
  auto const both =
      precision_recall(table({{-2}, {3}, {18}, {19}}), table({{0}, {1}, {2}, {10}}), 1);
  CHECK(both.precision == 0.5);
  CHECK(both.recall == 0.75);
  // A mode that is left out is lost to recall only.
  auto const lost = precision_recall(table({{0}, {1}}), table({{0}, {1}, {100}, {101}}), 1);
  CHECK(lost.precision == 1);
  CHECK(lost.recall == 0.5);
}

TEST_CASE("discrepancies refuse what does not fit", "[metric][mmd][precision_recall]") {
  auto const x = table({{0}, {1}, {3}});
  CHECK_THROWS_WITH(squared_maximum_mean_discrepancy(x, x, {}),
                    "basin::metric::squared_maximum_mean_discrepancy: bandwidths has 0 values, "
                    "write at least one");
  CHECK_THROWS_WITH(squared_maximum_mean_discrepancy(x, x, {1, -1}),
                    "basin::metric::squared_maximum_mean_discrepancy: a bandwidth must be > 0 and "
                    "finite, got -1");
  CHECK_THROWS_WITH(precision_recall(x, x),
                    "basin::metric::precision_recall: samples has shape (3, 1), it must have at "
                    "least 4 rows and a column");
  CHECK_THROWS_WITH(precision_recall(x, x, 0),
                    "basin::metric::precision_recall: k must be >= 1, "
                    "got 0");
}

}  // namespace
