// SPDX-License-Identifier: Apache-2.0
#include <basin/metric/average_precision.hpp>
#include <basin/metric/false_positive_rate.hpp>

#include "metric/table.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <span>
#include <vector>

namespace {

using namespace basin::test;
using basin::metric::average_precision;
using basin::metric::false_positive_rate;
using Catch::Matchers::WithinRel;
using Scores = std::vector<double>;

Scores scores(int set, int rows) {
  Scores s;
  for (int n = 0; n < rows; ++n) s.push_back(reference::element(set, n, 1));
  return s;
}

TEST_CASE("average precision and false positive rate are scikit-learn's, ties included",
          "[metric][average_precision][false_positive_rate]") {
  auto const positive = scores(1, 50), negative = scores(0, 70);
  CHECK_THAT(average_precision(positive, negative), WithinRel(reference::average_precision, 1e-14));
  CHECK(false_positive_rate(positive, negative) == reference::false_positive_rate);
}

TEST_CASE("average precision counted by hand", "[metric][average_precision]") {
  // + at 4, - at 3, + at 2: 1/2 * 1 + 1/2 * 2/3
  CHECK_THAT(average_precision(Scores{2, 4}, Scores{3}), WithinRel(5.0 / 6, 1e-15));
  CHECK(average_precision(Scores{2, 3}, Scores{1, 0, 1}) == 1);
  // Nothing is said: the share of positives.
  CHECK(average_precision(Scores{1, 1}, Scores{1, 1, 1, 1, 1, 1}) == 0.25);
  CHECK(average_precision(std::vector<float>{2}, std::vector<float>{1}) == 1);
}

TEST_CASE("the false positive rate counted by hand", "[metric][false_positive_rate]") {
  Scores positive;
  for (int i = 1; i <= 20; ++i) positive.push_back(i);  // 19 of 20 are >= 2
  CHECK(false_positive_rate(positive, Scores{1, 1.9, 2, 30}) == 0.5);
  CHECK(false_positive_rate(positive, Scores{1, 1.9, 2, 30}, 1) == 1);
  CHECK(false_positive_rate(positive, Scores{1, 1.9, 2, 30}, 0.01) == 0.25);
  CHECK(false_positive_rate(std::vector<float>{2}, std::vector<float>{1}) == 0);
}

TEST_CASE("both refuse no scores, NaN, and a rate that is none",
          "[metric][average_precision][false_positive_rate]") {
  CHECK_THROWS_WITH(average_precision(Scores{}, Scores{1}),
                    "basin::metric::average_precision: positive has 0 scores");
  CHECK_THROWS_WITH(false_positive_rate(Scores{1}, Scores{2, NAN}),
                    "basin::metric::false_positive_rate: negative score 1 of 2 is NaN");
  CHECK_THROWS_WITH(false_positive_rate(Scores{1}, Scores{2}, 0),
                    "basin::metric::false_positive_rate: true_positive_rate must be in (0, 1], got "
                    "0");
}

}  // namespace
