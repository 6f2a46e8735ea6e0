// SPDX-License-Identifier: Apache-2.0
#include <basin/data/detail/host_random.hpp>
#include <basin/metric/auroc.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace {

using basin::metric::auroc;
using Catch::Matchers::WithinAbs;

double over_all_pairs(std::vector<double> const& positive, std::vector<double> const& negative) {
  double sum = 0;
  for (double const p : positive)
    for (double const n : negative) sum += p > n ? 1 : p == n ? 0.5 : 0;
  return sum / static_cast<double>(positive.size() * negative.size());
}

// Scores on a grid of 10 values: most pairs have ties.
std::vector<double> scores(int count, int shift, std::uint64_t seed) {
  basin::data::detail::HostRandom random(seed);
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(static_cast<double>(random.below(10)) + shift);
  return values;
}

TEST_CASE("auroc is the mean over all pairs, ties by half", "[metric][auroc]") {
  for (int shift = -12; shift <= 12; ++shift) {
    auto const positive = scores(37, shift, 1), negative = scores(53, 0, 2);
    // Both are integers below 2^53 over the same number.
    CHECK(auroc(positive, negative) == over_all_pairs(positive, negative));
  }
}

TEST_CASE("auroc of the classes exchanged is one less it", "[metric][auroc]") {
  auto const positive = scores(64, 2, 3), negative = scores(32, 0, 4);
  CHECK(auroc(positive, negative) + auroc(negative, positive) == 1);
  CHECK(auroc(positive, positive) == 0.5);
}

TEST_CASE("auroc sees the order of scores only", "[metric][auroc]") {
  auto positive = scores(40, 1, 5), negative = scores(40, 0, 6);
  double const before = auroc(positive, negative);
  for (double& s : positive) s = std::exp(s);
  for (double& s : negative) s = std::exp(s);
  CHECK(auroc(positive, negative) == before);
}

TEST_CASE("auroc of separate scores is 1, infinities included", "[metric][auroc]") {
  float const infinity = std::numeric_limits<float>::infinity();
  CHECK(auroc(std::vector<float>{1, infinity}, std::vector<float>{0, -infinity}) == 1);
  CHECK(auroc(std::vector<float>{infinity}, std::vector<float>{infinity}) == 0.5);
}

TEST_CASE("auroc of two normals is that of theory", "[metric][auroc]") {
  int constexpr n = 40000;
  double const d  = 1;
  basin::data::detail::HostRandom random(7);
  std::vector<double> positive, negative;
  for (int i = 0; i < n; ++i) {
    auto const z = random.normal_pair();
    positive.push_back(z[0] + d);
    negative.push_back(z[1]);
  }
  // P(p > n) = Phi(d / sqrt 2); each of the 2n scores moves U/n^2 by at most 1/n, so its standard
  // error is at most sqrt(2 n) / (2 n).
  double const exact = 0.5 * std::erfc(-d / 2);
  CHECK_THAT(auroc(positive, negative), WithinAbs(exact, 5 / std::sqrt(2.0 * n)));
}

TEST_CASE("auroc refuses no scores and NaN", "[metric][auroc]") {
  std::vector<double> const some{1, 2}, none, nan{0, NAN};
  CHECK_THROWS_WITH(auroc(none, some), "basin::metric::auroc: positive has 0 scores");
  CHECK_THROWS_WITH(auroc(some, none), "basin::metric::auroc: negative has 0 scores");
  CHECK_THROWS_WITH(auroc(nan, some), "basin::metric::auroc: positive score 1 of 2 is NaN");
  CHECK_THROWS_WITH(auroc(some, nan), "basin::metric::auroc: negative score 1 of 2 is NaN");
}

}  // namespace
