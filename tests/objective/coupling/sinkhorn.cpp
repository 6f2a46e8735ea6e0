// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/coupling/exact.hpp>
#include <basin/objective/coupling/sinkhorn.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::coupling::Exact;
using basin::objective::coupling::Sinkhorn;
using Catch::Matchers::WithinAbs;
constexpr auto tuning = basin::tile::default_tuning<Exec, double, 1>();
using Entropic        = Sinkhorn::bind<double, Exec, tuning>;
using Points          = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

constexpr int B = 24, D = 2;

Points rows(unsigned seed) {
  auto const values = numbers(B * D, seed);
  Points const to("points", B, D);
  auto const host = Kokkos::create_mirror_view(to);
  std::copy(values.begin(), values.end(), host.data());
  Kokkos::deep_copy(to, host);
  return to;
}

template <class Coupling, class Bound>
std::vector<int> pairs(Coupling const& options, Bound const& bound, std::uint64_t step = 0) {
  int const* const to = bound.pair(Exec(), options, rows(4), rows(3), {.seed = 7, .step = step});
  Exec().fence();
  return on_host(Kokkos::View<int const*, Exec>(to, B));
}

// P of the potentials, (B, B).
std::vector<double> plan(Sinkhorn const& options) {
  Entropic const bound(B, D);
  pairs(options, bound);
  auto const f = on_host(bound.potentials()), costs = on_host(bound.costs());
  double const epsilon = on_host(bound.epsilon())[0];
  double mean          = 0;
  for (double c : costs) mean += c / (B * B);
  CHECK_THAT(epsilon, WithinAbs(options.epsilon * mean, 1e-14));
  std::vector<double> P(B * B);
  for (std::size_t i = 0; i < B; ++i)
    for (std::size_t j = 0; j < B; ++j)
      P[i * B + j] = std::exp((f[i] + f[B + j] - costs[i * B + j]) / epsilon) / B / B;
  return P;
}

TEST_CASE("an entropic coupling has the sums of rows and columns that it should",
          "[objective][coupling]") {
  auto const P = plan({.epsilon = 0.2, .iterations = 500});
  for (std::size_t i = 0; i < B; ++i) {
    double row = 0, column = 0;
    for (std::size_t j = 0; j < B; ++j) {
      row += P[i * B + j];
      column += P[j * B + i];
    }
    // Of rows to rounding, of columns what 500 iterations leave.
    CHECK_THAT(B * row, WithinAbs(1, 1e-12));
    CHECK_THAT(B * column, WithinAbs(1, 1e-6));
  }
}

TEST_CASE("an entropic coupling draws each pair as often as its plan says",
          "[objective][coupling]") {
  Sinkhorn const options{.epsilon = 0.3, .iterations = 4};
  auto const P = plan(options);
  Entropic const bound(B, D);
  int constexpr draws = 1000;
  std::vector<double> count(B * B);
  for (int k = 0; k < draws; ++k) {
    auto const pair = pairs(options, bound, static_cast<std::uint64_t>(k));
    for (std::size_t i = 0; i < B; ++i) count[i * B + std::size_t(pair[i])] += 1;
  }
  // Chi squared of the points that a row expects at least 5 times, the others taken together.
  double squares = 0, freedom = 0;
  for (std::size_t i = 0; i < B; ++i) {
    double rare = 0, expects = 0;
    for (std::size_t j = 0; j < B; ++j) {
      double const expected = draws * B * P[i * B + j], found = count[i * B + j];
      if (expected < 5) {
        rare += found;
        expects += expected;
      } else {
        squares += (found - expected) * (found - expected) / expected;
        freedom += 1;
      }
    }
    if (expects > 0) squares += (rare - expects) * (rare - expects) / expects;
    freedom += (expects > 0 ? 1 : 0) - 1;
  }
  // Its variance is twice its mean; five deviations.
  CHECK_THAT(squares, WithinAbs(freedom, 5 * std::sqrt(2 * freedom)));
}

TEST_CASE("with less and less entropy the pairs are those of the exact coupling",
          "[objective][coupling]") {
  Exact::bind<double, Exec, tuning> const exact(B, D);
  auto const right  = pairs(Exact{}, exact);
  auto const differ = [&](Sinkhorn const& options) {
    auto const found = pairs(options, Entropic(B, D));
    int n            = 0;
    for (std::size_t i = 0; i < B; ++i) n += found[i] != right[i];
    return n;
  };
  CHECK(differ({.epsilon = 1e-3, .iterations = 20000}) == 0);
  // And with much entropy those of no coupling: 1 of B is right by chance, and of B draws of B points
  // a share of 1 - 1 / e are different ones, 15.
  CHECK(differ({.epsilon = 100}) > B / 2);
  auto const far = pairs(Sinkhorn{.epsilon = 100}, Entropic(B, D));
  CHECK(std::set<int>(far.begin(), far.end()).size() > B / 3);
}

TEST_CASE("an entropic coupling allocates nothing and fences nothing", "[objective][coupling]") {
  basin::bench::watch_kokkos();
  Entropic const bound(B, D);
  auto const x = rows(1), y = rows(2);
  auto const t = basin::bench::count(
      Exec(), 5, [&] { bound.pair(Exec(), Sinkhorn{.iterations = 3}, y, x, {}); });
  CHECK(t.launches == 5 * (3 + 2 * 3));
  CHECK(t.fences == 0);
  CHECK(t.allocations == 0);
}

TEST_CASE("an entropic coupling refuses to have no entropy", "[objective][coupling][refusal]") {
  CHECK_THROWS_MATCHES(Sinkhorn{.epsilon = 0}.check(), std::invalid_argument,
                       Catch::Matchers::Message("basin::objective::coupling::Sinkhorn: epsilon "
                                                "must be > 0 and finite, got 0"));
}

}  // namespace
