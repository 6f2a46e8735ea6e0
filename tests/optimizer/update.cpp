// SPDX-License-Identifier: Apache-2.0
#include <basin/optimizer/adam.hpp>

#include "support/parameters.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <limits>

namespace {

using basin::optimizer::Adam;
using basin::test::test_gradient;
using basin::tile::Tuning;

using Exec = BASIN_TEST_EXEC;
template <class Scalar>
using Parameters = basin::test::Parameters<Exec, Scalar, 2>;

// A block is 2048 parameters.
static_assert(basin::optimizer::blocks(1) == 1);
static_assert(basin::optimizer::blocks(2048) == 1);
static_assert(basin::optimizer::blocks(2049) == 2);

TEST_CASE("the average is the exponential moving average of the updated parameters",
          "[optimizer][update]") {
  Parameters<double> p(3001);
  auto expected = p.read(p.averaged);
  for (int t = 0; t < 50; ++t) {
    p.set(p.gradient, [t](int k) { return test_gradient(k, t); });
    p.update(Adam{.learning_rate = 0.1}.at<double>(t, 1), 0.9);
    auto const theta = p.read(p.theta);
    for (std::size_t k = 0; k < theta.size(); ++k) expected[k] = 0.9 * expected[k] + 0.1 * theta[k];
  }
  auto const result = p.read(p.averaged);
  // Errors of a few roundings of numbers of order 1 shrink by 0.9 in each update: they sum to 10
  // times.
  for (std::size_t k = 0; k < result.size(); ++k)
    REQUIRE(std::abs(result[k] - expected[k]) <= 1e-14);
  CHECK(p.padding_is_zero());
}

TEST_CASE("an average over 10^8 updates moves in float", "[optimizer][update]") {
  // 1 - 1e-8 would be rounded to 1.
  basin::test::Parameters<Exec, float, 2> p(10);
  p.set(p.averaged, [](int) { return 0; });
  p.update(Adam{.learning_rate = 0}.at<float>(0, 1), 1 - 1e-8);
  auto const theta = p.read(p.theta), result = p.read(p.averaged);
  for (std::size_t k = 0; k < 10; ++k)
    CHECK(std::abs(result[k] - 1e-8 * theta[k]) <= 1e-14 * std::abs(theta[k]));
}

TEST_CASE("without an average none is written", "[optimizer][update]") {
  Parameters<double> p(10);
  auto const before = p.read(p.averaged);
  p.set(p.gradient, [](int) { return 1; });
  p.update(Adam{.learning_rate = 0.1}.at<double>(0, 1));
  CHECK(p.read(p.averaged) == before);
  CHECK(p.read(p.theta) != before);
}

TEST_CASE("the factor scales the gradient", "[optimizer][update]") {
  Parameters<double> scaled(3001), plain(3001);
  scaled.set(scaled.gradient, [](int k) { return test_gradient(k, 0); });
  plain.set(plain.gradient, [](int k) { return 0.25 * test_gradient(k, 0); });
  Kokkos::deep_copy(scaled.factor, 0.25);
  scaled.update(Adam{.epsilon = 0.1}.at<double>(0, 1));
  plain.update(Adam{.epsilon = 0.1}.at<double>(0, 1));
  CHECK(scaled.read(scaled.theta) == plain.read(plain.theta));
  CHECK(scaled.read(scaled.state) == plain.read(plain.state));
}

TEST_CASE("a factor that is not finite changes nothing", "[optimizer][update]") {
  Parameters<double> p(3001);
  p.set(p.gradient, [](int k) { return test_gradient(k, 0); });
  p.update(Adam{.learning_rate = 0.1}.at<double>(0, 1), 0.9);
  auto const theta = p.read(p.theta), state = p.read(p.state), averaged = p.read(p.averaged);
  for (double const factor : {std::nan(""), std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::infinity()}) {
    Kokkos::deep_copy(p.factor, factor);
    p.set(p.gradient, [&](int k) { return k == 5 ? factor : 1; });
    p.update(Adam{.learning_rate = 0.1}.at<double>(1, 1), 0.9);
    CHECK(p.read(p.theta) == theta);
    CHECK(p.read(p.state) == state);
    CHECK(p.read(p.averaged) == averaged);
  }
}

template <class Scalar, Tuning tuning>
std::vector<double> squared_norms(Parameters<Scalar> const& p) {
  typename Parameters<Scalar>::Array const partial("partial", p.blocks), units("units", p.blocks);
  basin::optimizer::squared_norms<tuning>(Exec(), p.gradient.data(), partial.data(), units.data(),
                                          p.blocks);
  CHECK(p.read(units) == std::vector<double>(std::size_t(p.blocks), 1));
  return p.read(partial);
}

TEMPLATE_TEST_CASE("squared norms of integers are exact, wherever the gradient lies",
                   "[optimizer][update]", float, double) {
  int constexpr count = 4999, blocks = 3, line = 64 / sizeof(TestType);
  auto const value = [](int k) { return (k * 7) % 23 - 11; };
  std::vector<double> expected(blocks);
  for (int k = 0; k < count; ++k)
    expected[static_cast<std::size_t>(k / 2048)] += value(k) * value(k);
  // 64 bytes are what Kokkos aligns to; of two places 64 bytes apart one has no better alignment.
  Kokkos::View<TestType*, Exec> const g("g", blocks * 2048 + line), partial("partial", blocks),
      units("units", blocks);
  for (int const first : {0, line}) {
    auto const host = Kokkos::create_mirror_view(g);
    for (int k = 0; k < count; ++k) host(first + k) = static_cast<TestType>(value(k));
    Kokkos::deep_copy(g, host);
    basin::optimizer::squared_norms<Parameters<TestType>::tuning>(
        Exec(), g.data() + first, partial.data(), units.data(), blocks);
    // At most 2048 * 121 < 2^24 in a block: no sum rounds.
    CHECK(Parameters<TestType>::read(partial) == expected);
    Kokkos::deep_copy(g, TestType(0));
  }
}

TEMPLATE_TEST_CASE("squared norms are those of numbers of any size", "[optimizer][update]", float,
                   double) {
  // One block of each size; the last holds numbers of two sizes.
  int const huge = sizeof(TestType) == 4 ? 126 : 1022, tiny = -huge;
  Parameters<TestType> const p(4 * 2048);
  p.set(p.gradient, [&](int k) {
    int const block = k / 2048;
    return std::ldexp(1 + k % 2, block == 0   ? huge - 1
                                 : block == 1 ? tiny
                                 : block == 2 ? huge / 2 + 3
                                 : k % 2      ? 0
                                              : -huge / 2);
  });
  typename Parameters<TestType>::Array const partial("partial", 4), units("units", 4);
  basin::optimizer::squared_norms<Parameters<TestType>::tuning>(Exec(), p.gradient.data(),
                                                                partial.data(), units.data(), 4);
  auto const squares = p.read(partial), unit = p.read(units);
  auto const norm  = [&](std::size_t b) { return std::log2(squares[b]) / 2 + std::log2(unit[b]); };
  double const all = std::log2(1024 * 5) / 2;
  CHECK(std::abs(norm(0) - (huge - 1 + all)) < 1e-6);
  CHECK(std::abs(norm(1) - (tiny + all)) < 1e-6);
  CHECK(std::abs(norm(2) - (huge / 2 + 3 + all)) < 1e-6);
  CHECK((squares[3] == 4096 && unit[3] == 1));
}

TEST_CASE("Adam moves by its learning rate, however large the gradient", "[optimizer][update]") {
  basin::test::Parameters<Exec, float, 2> p(5);
  float const sizes[]{1, 1e10f, 1e20f, 1e38f, -3e38f};
  auto const before = p.read(p.theta);
  for (int t = 0; t < 3; ++t) {
    p.set(p.gradient, [&](int k) { return sizes[k]; });
    p.update(Adam{.learning_rate = 0.125}.at<float>(t, 1));
  }
  auto const after = p.read(p.theta);
  for (std::size_t k = 0; k < 5; ++k)
    CHECK(std::abs(after[k] - before[k] - (k == 4 ? 0.375 : -0.375)) < 1e-5);
}

template <Tuning tuning>
void check_tuning() {
  if (tuning.team > Exec().concurrency()) return;
  CAPTURE(tuning.width, tuning.lanes, tuning.rows, tuning.vectors, tuning.team);
  Parameters<float> p(4999), q(4999);
  for (int t = 0; t < 3; ++t) {
    auto const g = [t](int k) { return test_gradient(k, t); };
    p.set(p.gradient, g);
    q.set(q.gradient, g);
    CHECK(squared_norms<float, p.tuning>(p) == squared_norms<float, tuning>(q));
    p.update(Adam{.learning_rate = 0.1}.at<float>(t, 1), 0.9f);
    q.template update<tuning>(Adam{.learning_rate = 0.1}.at<float>(t, 1), 0.9f);
  }
  CHECK(p.read(p.theta) == q.read(q.theta));
  CHECK(p.read(p.state) == q.read(q.state));
  CHECK(p.read(p.averaged) == q.read(q.averaged));
}

// Tunings without a team are for hosts only, so they must not even be compiled elsewhere.
template <class Space>
void check_tunings() {
  if constexpr (Kokkos::SpaceAccessibility<Space, Kokkos::HostSpace>::accessible) {
    check_tuning<Tuning{16, 8, 6, 2, 0}>();
    check_tuning<Tuning{32, 16, 12, 2, 0}>();
    check_tuning<Tuning{16, 4, 4, 1, 1}>();
    check_tuning<Tuning{8, 1, 3, 2, 2}>();
  } else {
    check_tuning<Tuning{32, 4, 4, 1, 128}>();
    check_tuning<Tuning{8, 1, 3, 2, 32}>();
  }
}

TEST_CASE("norms and updates are bitwise the same for every tuning",
          "[optimizer][update][tuning]") {
  check_tunings<Exec>();
}

}  // namespace
