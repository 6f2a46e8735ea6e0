// SPDX-License-Identifier: Apache-2.0
#include <basin/metric/frechet_distance.hpp>

#include "metric/table.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>

namespace {

using namespace basin::test;
using basin::metric::frechet_distance;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

TEST_CASE("the Frechet distance is that of SciPy's matrix square root", "[metric][frechet]") {
  auto const x = reference_table(0, 40, 4), y = reference_table(1, 55, 4);
  CHECK_THAT(frechet_distance(x, y), WithinRel(reference::frechet, 1e-10));
  CHECK_THAT(frechet_distance(y, x), WithinRel(reference::frechet, 1e-10));
}

TEST_CASE("the Frechet distance of scaled and shifted sets is the closed form",
          "[metric][frechet]") {
  // y = a x + b: covariances commute, |b + (a - 1) m|^2 + (a - 1)^2 tr S, which for one column of
  // mean 2 and variance (1 + 1 + 4) / 2 = 3 is (b + 2 (a - 1))^2 + 3 (a - 1)^2.
  auto const x = table({{1}, {1}, {4}}), y = table({{2.5}, {2.5}, {7}});  // a = 3/2, b = 1
  CHECK_THAT(frechet_distance(x, y), WithinAbs(4 + 0.75, 1e-13));
  // The square root of a product halves its digits.
  CHECK_THAT(frechet_distance(x, x), WithinAbs(0, 1e-7));
}

TEST_CASE("the Frechet distance of two sets of one law has the bias of theory",
          "[metric][frechet]") {
  // D (D + 5) / 2n = 0.125 for D = 5, n = 200; the mean over 40 pairs, whose standard deviation is
  // below their mean, is known to 0.125 / sqrt 40.
  double mean = 0;
  for (std::uint64_t pair = 0; pair < 40; ++pair)
    mean += frechet_distance(normal_table(200, 5, 0, 1, 2 * pair + 1),
                             normal_table(200, 5, 0, 1, 2 * pair + 2)) /
            40;
  CHECK_THAT(mean, WithinAbs(0.125, 4 * 0.125 / std::sqrt(40.0)));
}

TEST_CASE("the Frechet distance refuses what does not fit", "[metric][frechet]") {
  CHECK_THROWS_WITH(frechet_distance(table({{1, 2}}), table({{1, 2}, {3, 4}})),
                    "basin::metric::frechet_distance: features has shape (1, 2), it must have at "
                    "least 2 rows and a column");
  CHECK_THROWS_WITH(frechet_distance(table({{1}, {2}}), table({{1, 2}, {3, 4}})),
                    "basin::metric::frechet_distance: features has 1 columns, reference has 2");
}

}  // namespace
