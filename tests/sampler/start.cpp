// SPDX-License-Identifier: Apache-2.0
#include <basin/sampler/start.hpp>

#include "support/many_rows.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace {

namespace start = basin::sampler::start;
using basin::Stream;
using Catch::Matchers::WithinAbs;

using Exec = BASIN_TEST_EXEC;
template <class Scalar>
using Chains = Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec>;

// The chains as one vector, chain by chain.
template <class Scalar>
std::vector<double> values(Chains<Scalar> const& chains) {
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), chains);
  return std::vector<double>(host.data(), host.data() + host.size());
}

template <class Start, class Scalar>
std::vector<double> started(Start const& start, int chains, int dimension, Stream const& stream,
                            Chains<Scalar> const& pool) {
  constexpr basin::tile::Tuning tuning = basin::tile::default_tuning<Exec, Scalar>();
  Chains<Scalar> const x("x", chains, dimension);
  basin::sampler::start_chains<tuning>(Exec(), start, x, pool, stream);
  return values(x);
}

// Rows far apart: coordinate d of row r is 100 r + d.
template <class Scalar>
Chains<Scalar> rows(int count, int dimension) {
  Chains<Scalar> const pool("rows", count, dimension);
  auto const host = Kokkos::create_mirror_view(pool);
  for (int r = 0; r < count; ++r)
    for (int d = 0; d < dimension; ++d) host(r, d) = static_cast<Scalar>(100 * r + d);
  Kokkos::deep_copy(pool, host);
  return pool;
}

// No extent is a multiple of the 4 draws of a block.
constexpr int count = 4001, dimension = 7;

struct Moments {
  double mean = 0, square = 0, fourth = 0;  // about the center
  // Mean products: of neighbors, of the same place in the next block of 4 draws, of the same
  // coordinate in the next chain.
  double neighbors = 0, blocks = 0, chains = 0;
  Moments(std::vector<double> const& x, double center) {
    double const n = static_cast<double>(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      double const a = x[i] - center, a2 = a * a;
      mean += a / n;
      square += a2 / n;
      fourth += a2 * a2 / n;
      neighbors += a * (x[(i + 1) % x.size()] - center) / n;
      blocks += a * (x[(i + 4) % x.size()] - center) / n;
      chains += a * (x[(i + dimension) % x.size()] - center) / n;
    }
  }
};

// Of N draws of N(0, v) the mean has standard error sqrt(v / N), the mean square v sqrt(2 / N), the
// mean fourth power v^2 sqrt(96 / N), the mean product of neighbors v / sqrt(N); 5 of each.
void check_normal(std::vector<double> const& x, double center, double v) {
  Moments const m(x, center);
  double const five = 5 / std::sqrt(static_cast<double>(x.size()));
  CHECK_THAT(m.mean, WithinAbs(0, five * std::sqrt(v)));
  CHECK_THAT(m.square, WithinAbs(v, five * std::sqrt(2.) * v));
  CHECK_THAT(m.fourth, WithinAbs(3 * v * v, five * std::sqrt(96.) * v * v));
  for (double const product : {m.neighbors, m.blocks, m.chains})
    CHECK_THAT(product, WithinAbs(0, five * v));
}

TEMPLATE_TEST_CASE("Uniform starts are uniform on their range", "[sampler][start]", float, double) {
  start::Uniform const policy{.lower = -0.5, .upper = 2};
  auto const x = started<start::Uniform, TestType>(policy, count, dimension, {.seed = 1}, {});
  auto const [least, largest] = std::minmax_element(x.begin(), x.end());
  CHECK(*least >= policy.lower);
  CHECK(*largest <= policy.upper);
  // The extremes of N draws are within range / N of the ends, with probability 1 - e^-10 within 10
  // of it.
  double const N = count * dimension, range = policy.upper - policy.lower;
  CHECK_THAT(*least, WithinAbs(policy.lower, 10 * range / N));
  CHECK_THAT(*largest, WithinAbs(policy.upper, 10 * range / N));
  // About the center: mean 0, square range^2 / 12, fourth power range^4 / 80; their standard errors
  // are the root of (next even moment - square of this one) / N; 5 of each.
  Moments const m(x, 0.75);
  double const v = range * range / 12, five = 5 / std::sqrt(N);
  CHECK_THAT(m.mean, WithinAbs(0, five * std::sqrt(v)));
  CHECK_THAT(m.square, WithinAbs(v, five * range * range * std::sqrt(1. / 80 - 1. / 144)));
  for (double const product : {m.neighbors, m.blocks, m.chains})
    CHECK_THAT(product, WithinAbs(0, five * v));
}

TEMPLATE_TEST_CASE("Gaussian starts are normal with their mean and deviation", "[sampler][start]",
                   float, double) {
  auto const x = started<start::Gaussian, TestType>({.mean = 3, .standard_deviation = 0.5}, count,
                                                    dimension, {.seed = 2}, {});
  check_normal(x, 3, 0.25);
}

TEST_CASE("a Gaussian start of deviation 0 is its mean", "[sampler][start]") {
  auto const x =
      started<start::Gaussian, double>({.mean = 3, .standard_deviation = 0}, 5, 3, {}, {});
  CHECK(x == std::vector<double>(15, 3.));
}

TEST_CASE("Data starts are rows of the data, every row about equally often", "[sampler][start]") {
  int constexpr row_count = 60;
  auto const x =
      started(start::Data{}, count, dimension, {.seed = 3}, rows<float>(row_count, dimension));
  std::vector<double> drawn(row_count);
  int repeats = 0, last = -1;
  for (int n = 0; n < count; ++n) {
    double const* const chain = x.data() + n * dimension;
    int const row             = static_cast<int>(chain[0]) / 100;
    REQUIRE((row >= 0 && row < row_count));
    for (int d = 0; d < dimension; ++d) REQUIRE(chain[d] == 100 * row + d);
    drawn[static_cast<std::size_t>(row)] += 1;
    repeats += row == last;
    last = row;
  }
  // Chi-square with row_count - 1 degrees of freedom: mean df, variance 2 df; 5 standard
  // deviations.
  double chi_square     = 0;
  double const expected = double(count) / row_count, df = row_count - 1;
  for (double const n : drawn) chi_square += (n - expected) * (n - expected) / expected;
  CHECK_THAT(chi_square, WithinAbs(df, 5 * std::sqrt(2 * df)));
  // A chain draws the row of the chain before it with probability 1 / row_count.
  CHECK_THAT(repeats, WithinAbs(expected, 5 * std::sqrt(expected)));
}

TEST_CASE("Data starts with noise are normal about a row", "[sampler][start]") {
  auto const pool    = rows<double>(60, dimension);
  auto const x       = started(start::Data{.noise = 0.5}, count, dimension, {.seed = 3}, pool);
  auto const centers = started(start::Data{}, count, dimension, {.seed = 3}, pool);
  std::vector<double> noise(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) noise[i] = x[i] - centers[i];
  check_normal(noise, 0, 0.25);
}

TEST_CASE("Positives start each chain at its own row, plus noise", "[sampler][start]") {
  auto const pool    = rows<double>(count + 1, dimension);
  auto const centers = values(pool);
  auto x             = started(start::Positives{}, count, dimension, {.seed = 4}, pool);
  CHECK(std::equal(x.begin(), x.end(), centers.begin()));
  x = started(start::Positives{.noise = 0.5}, count, dimension, {.seed = 4}, pool);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] -= centers[i];
  check_normal(x, 0, 0.25);
}

TEST_CASE("a start is a function of seed, step and chain alone", "[sampler][start]") {
  auto const at = [](int chains, Stream const& stream) {
    return started<start::Uniform, float>({}, chains, dimension, stream, {});
  };
  auto const x = at(50, {.seed = 5, .step = 6});
  CHECK(x == at(50, {.seed = 5, .step = 6}));
  CHECK(x == at(50, {.seed = 5, .purpose = basin::Purpose::dropout, .step = 6}));
  CHECK(x != at(50, {.seed = 5, .step = 7}));
  CHECK(x != at(50, {.seed = 6, .step = 6}));
  auto const few = at(3, {.seed = 5, .step = 6});
  CHECK(std::equal(few.begin(), few.end(), x.begin()));

  // Another tuning of the same backend.
  bool constexpr host = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;
  basin::tile::Tuning constexpr other{16, 4, 4, 1, host ? 1 : 64};
  Chains<float> const again("again", 50, dimension);
  basin::sampler::start_chains<other>(Exec(), start::Uniform{}, again, Chains<float>(),
                                      {.seed = 5, .step = 6});
  CHECK(x == values(again));
}

TEST_CASE("starts refuse numbers that mean nothing, and say them", "[sampler][start]") {
  double const infinity = std::numeric_limits<double>::infinity(), nan = std::nan("");
  CHECK_THROWS_WITH(
      (start::Uniform{.lower = 1, .upper = 1}.check()),
      "basin::sampler::start::Uniform: lower must be < upper and both finite, got 1 and 1");
  CHECK_THROWS_WITH(
      start::Uniform{.lower = -infinity}.check(),
      "basin::sampler::start::Uniform: lower must be < upper and both finite, got -inf and 1");
  CHECK_THROWS_WITH(
      start::Uniform{.upper = nan}.check(),
      "basin::sampler::start::Uniform: lower must be < upper and both finite, got -1 and nan");
  CHECK_THROWS_WITH(
      start::Gaussian{.standard_deviation = -1}.check(),
      "basin::sampler::start::Gaussian: standard_deviation must be >= 0 and finite, got -1");
  CHECK_THROWS_WITH(
      start::Gaussian{.standard_deviation = infinity}.check(),
      "basin::sampler::start::Gaussian: standard_deviation must be >= 0 and finite, got inf");
  CHECK_THROWS_WITH(start::Gaussian{.mean = nan}.check(),
                    "basin::sampler::start::Gaussian: mean must be finite, got nan");
  CHECK_THROWS_WITH(start::Gaussian{.mean = -infinity}.check(),
                    "basin::sampler::start::Gaussian: mean must be finite, got -inf");
  CHECK_THROWS_WITH(start::Data{.noise = infinity}.check(),
                    "basin::sampler::start::Data: noise must be >= 0 and finite, got inf");
  CHECK_THROWS_WITH(start::Positives{.noise = nan}.check(),
                    "basin::sampler::start::Positives: noise must be >= 0 and finite, got nan");
}

TEST_CASE("start_chains refuses a pool that the chains do not fit", "[sampler][start]") {
  Stream const stream{};
  CHECK_THROWS_WITH(started(start::Data{}, 4, 3, stream, Chains<double>("pool", 9, 2)),
                    "basin::sampler::start_chains: pool has second extent 2, chains has 3");
  CHECK_THROWS_WITH(started(start::Data{}, 4, 3, stream, Chains<double>("pool", 0, 3)),
                    "basin::sampler::start_chains: pool has first extent 0, it must hold a row");
  CHECK_THROWS_WITH(started(start::Positives{}, 4, 3, stream, Chains<double>("pool", 3, 3)),
                    "basin::sampler::start_chains: pool has 3 rows, fewer than the 4 chains that "
                    "start from them");
  CHECK_THROWS_WITH(
      started(start::Positives{.noise = -1}, 4, 3, stream, Chains<double>("pool", 4, 3)),
      "basin::sampler::start::Positives: noise must be >= 0 and finite, got -1");
}

TEST_CASE("more chains than an int holds, or rows to start from, are refused", "[sampler][start]") {
  using namespace basin::test;
  for (std::size_t const rows : many_rows) {
    auto const many = absent<Chains<double>>(rows, std::size_t(3));
    CHECK_THROWS_WITH(started(start::Data{}, 4, 3, {}, many),
                      too_many("basin::sampler::start_chains", "pool", rows));
    constexpr basin::tile::Tuning tuning = basin::tile::default_tuning<Exec, double>();
    CHECK_THROWS_WITH(basin::sampler::start_chains<tuning>(Exec(), start::Data{}, many,
                                                           Chains<double>("pool", 1, 3), Stream{}),
                      too_many("basin::sampler::start_chains", "chains", rows));
  }
}

}  // namespace
