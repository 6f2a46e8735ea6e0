// SPDX-License-Identifier: Apache-2.0
#include <basin/data/preprocessing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace {

using basin::data::Samples;
using Catch::Matchers::WithinAbs;

Samples normals(int count, double mean, double deviation) {
  basin::data::detail::HostRandom random(1);
  Samples const x = basin::data::make_samples(count, 2);
  for (int i = 0; i < count; ++i) {
    auto const z = random.normal_pair();
    x(i, 0)      = static_cast<float>(mean + deviation * z[0]);
    x(i, 1)      = static_cast<float>(z[1]);
  }
  return x;
}

TEST_CASE("moments are those of the numbers", "[data][preprocessing]") {
  Samples const x = basin::data::make_samples(4, 1);
  for (int i = 0; i < 4; ++i) x(i, 0) = static_cast<float>(1000000 + i);
  auto const moments = basin::data::column_moments(x);
  CHECK(moments.mean[0] == 1000001.5);
  CHECK(moments.standard_deviation[0] == std::sqrt(1.25));  // sum of squares less 4 m^2 loses this
}

TEST_CASE("standardized columns have mean 0 and deviation 1", "[data][preprocessing]") {
  Samples const x    = normals(5000, 40, 3);
  float const before = x(17, 0);
  auto const moments = basin::data::standardize(x);
  auto const after   = basin::data::column_moments(x);
  for (int j = 0; j < 2; ++j) {
    // Each number is rounded to float by at most 2^-24 of about 4.
    CHECK_THAT(after.mean[j], WithinAbs(0, 4 * 0x1p-24));
    CHECK_THAT(after.standard_deviation[j], WithinAbs(1, 4 * 0x1p-24));
  }
  CHECK_THAT(x(17, 0) * moments.standard_deviation[0] + moments.mean[0], WithinAbs(before, 1e-5));

  Samples const test = normals(10, 40, 3);  // begins as x did
  basin::data::standardize(test, moments);
  CHECK(test(3, 0) == x(3, 0));
}

TEST_CASE("a column without variance is refused and nothing is changed", "[data][preprocessing]") {
  Samples const x = normals(1000, 0, 1);
  for (int i = 0; i < 1000; ++i) x(i, 1) = 0.1F;
  float const before = x(0, 0);
  CHECK_THROWS_WITH(basin::data::standardize(x),
                    "basin::data::standardize: column 1 is constant, 0.100000 to the rounding of "
                    "its numbers; drop it, or standardize a Table, which is in double");
  CHECK(x(0, 0) == before);
  x(5, 0) = NAN;
  CHECK_THROWS_WITH(basin::data::standardize(x),
                    "basin::data::standardize: column 0 has mean nan and standard deviation nan, "
                    "which must be finite and > 0");
  CHECK_THROWS_WITH(basin::data::standardize(x, {{0}, {1}}),
                    "basin::data::standardize: samples have dimension 2, moments have 1 means and "
                    "1 standard deviations");
  CHECK_THROWS_WITH(basin::data::column_moments(Samples("none", 0, 3)),
                    "basin::data::column_moments: 0 samples of dimension 3");
}

// A sum of equal numbers is rounded: with a mean that is off by it a constant would have a
// deviation of its own.
TEST_CASE("a constant column is constant in double, whatever its number", "[data][preprocessing]") {
  for (double const value : {14.62, 0.1, 1 / 3.0, 1e-9, 6.02e23, -1.7e9}) {
    auto const x = basin::data::make_table(1000, 1);
    for (int i = 0; i < 1000; ++i) x(i, 0) = value;
    auto const moments = basin::data::column_moments(x);
    CHECK(moments.mean[0] == value);
    CHECK(moments.standard_deviation[0] == 0);
    for (int i = 0; i < 1000; i += 2) x(i, 0) = std::nextafter(value, 0);  // its rounding
    CHECK(basin::data::column_moments(x).standard_deviation[0] == 0);
    CHECK_THROWS_WITH(basin::data::standardize(x),
                      "basin::data::standardize: column 0 is constant, " +
                          std::to_string(basin::data::column_moments(x).mean[0]) +
                          " to the rounding of its numbers; drop it");
  }
}

TEST_CASE("a time is standardized before it is rounded to float", "[data][preprocessing]") {
  basin::data::detail::HostRandom random(1);
  auto const time = basin::data::make_table(5000, 1);
  std::vector<double> z(5000);
  for (int i = 0; i < 5000; ++i) time(i, 0) = 1.7e9 + 10 * (z[i] = random.normal_pair()[0]);
  auto const early      = basin::data::rounded(time);  // in steps of 128
  auto const moments    = basin::data::standardize(time);
  Samples const samples = basin::data::rounded(time);
  for (int i = 0; i < 5000; ++i)  // 1.7e9 in double is rounded by 1.2e-7, after division 1.2e-8
    REQUIRE_THAT(samples(i, 0) * moments.standard_deviation[0] / 10,
                 WithinAbs(z[i] - (moments.mean[0] - 1.7e9) / 10, 4 * 0x1p-24 + 3e-8));
  CHECK_THROWS_WITH(basin::data::standardize(early),
                    "basin::data::standardize: column 0 is constant, " +
                        std::to_string(basin::data::column_moments(early).mean[0]) +
                        " to the rounding of its numbers; drop it, or standardize a Table, which "
                        "is in double");
}

TEST_CASE("rescale moves the ends and its inverse moves them back", "[data][preprocessing]") {
  Samples const x = basin::data::make_samples(3, 1);
  x(0, 0) = 0, x(1, 0) = 255, x(2, 0) = 510;
  basin::data::rescale(x, 0, 255, -1, 1);
  CHECK(x(0, 0) == -1);
  CHECK(x(1, 0) == 1);
  CHECK(x(2, 0) == 3);
  basin::data::rescale(x, -1, 1, 0, 255);
  CHECK(x(2, 0) == 510);
  CHECK_THROWS_WITH(basin::data::rescale(x, 1, 1, 0, 1),
                    "basin::data::rescale: lower must be < upper, got 1.000000 and 1.000000");
  CHECK_THROWS_WITH(
      basin::data::rescale(x, 0, 1, 1, 0),
      "basin::data::rescale: new_lower must be < new_upper, got 1.000000 and 0.000000");
}

TEST_CASE("a split is a permutation of the rows, by seed", "[data][preprocessing]") {
  auto const rows = basin::data::split_rows(1001, 0.8, 3);
  CHECK(rows.train.size() == 801);
  CHECK(rows.test.size() == 200);
  std::vector<std::size_t> all = rows.train;
  all.insert(all.end(), rows.test.begin(), rows.test.end());
  CHECK(all != basin::data::split_rows(1001, 0.8, 4).train);
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(all[i] == i);
  CHECK(basin::data::split_rows(1001, 0.8, 3).train == rows.train);
}

TEST_CASE("every row is as likely to be in the test part", "[data][preprocessing]") {
  std::vector<int> counts(10, 0);
  for (int seed = 0; seed < 20000; ++seed)
    for (std::size_t const row : basin::data::split_rows(10, 0.7, seed).test) ++counts[row];
  // Binomial with p = 0.3: standard error sqrt(n p (1 - p)).
  for (int const c : counts) CHECK_THAT(c, WithinAbs(6000, 5 * std::sqrt(20000 * 0.21)));
}

TEST_CASE("samples and labels are divided alike", "[data][preprocessing]") {
  Samples const x  = basin::data::make_samples(20, 2);
  auto const label = basin::data::make_labels(20);
  for (int i = 0; i < 20; ++i) x(i, 0) = x(i, 1) = static_cast<float>(label(i) = i);
  auto const parts = basin::data::split(x, 0.5, 1);
  auto const rows  = basin::data::split_rows(20, 0.5, 1);
  auto const train = basin::data::select_rows(label, rows.train);
  auto const test  = basin::data::select_rows(label, rows.test);
  for (int i = 0; i < 10; ++i) {
    CHECK(parts.train(i, 1) == static_cast<float>(train(i)));
    CHECK(parts.test(i, 0) == static_cast<float>(test(i)));
  }
}

TEST_CASE("a split refuses what leaves nothing", "[data][preprocessing]") {
  CHECK_THROWS_WITH(basin::data::split_rows(10, 1, 1),
                    "basin::data::split: train_fraction must be in (0, 1), got 1.000000");
  CHECK_THROWS_WITH(basin::data::split_rows(3, 0.9, 1),
                    "basin::data::split: train_fraction 0.900000 of 3 samples leaves a part empty");
  CHECK_THROWS_WITH(basin::data::select_rows(basin::data::make_labels(3), {3}),
                    "basin::data::select_rows: row 3 is asked for, there are 3");
}

}  // namespace
