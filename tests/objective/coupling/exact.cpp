// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/coupling/exact.hpp>
#include <basin/objective/flow_matching.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/matching.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::FlowMatching;
using basin::objective::coupling::Exact;
using Catch::Matchers::WithinAbs;
using Bound  = Exact::bind<double, Exec, basin::tile::default_tuning<Exec, double, 1>()>;
using Points = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

Points rows(std::vector<double> const& values, int dimension) {
  auto const flat = on_device<Exec, double>(values);
  Points const to("points", values.size() / std::size_t(dimension), dimension);
  Kokkos::deep_copy(Kokkos::View<double*, Exec, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(
                        to.data(), values.size()),
                    flat);
  return to;
}

// Row of the sources of each row of the data.
std::vector<int> pairs(Bound const& bound, Points const& sources, Points const& points) {
  int const* const to = bound.pair(Exec(), Exact{}, sources, points, {});
  Exec().fence();
  return on_host(Kokkos::View<int const*, Exec>(to, points.extent(0)));
}

bool is_permutation_of_all(std::vector<int> p) {
  std::sort(p.begin(), p.end());
  for (std::size_t i = 0; i < p.size(); ++i)
    if (p[i] != static_cast<int>(i)) return false;
  return true;
}

TEST_CASE("the duals of an exact coupling prove that its pairs are the best",
          "[objective][coupling]") {
  // More rows than parts of a search, and fewer; rows twice, too.
  for (int const B : {1, 2, 40, 150}) {
    auto x = numbers(2 * std::size_t(B), 3);
    if (B > 2) x[0] = x[2], x[1] = x[3];
    Bound const bound(B, 2);
    auto const pair  = pairs(bound, rows(numbers(2 * std::size_t(B), 4), 2), rows(x, 2));
    auto const duals = on_host(bound.duals());
    auto const costs = on_host(bound.costs());
    CHECK(is_permutation_of_all(pair));
    double over = 0, gap = 0;
    for (std::size_t i = 0; i < pair.size(); ++i)
      for (std::size_t j = 0; j < pair.size(); ++j) {
        double const slack = costs[i * pair.size() + j] - duals[i] - duals[pair.size() + j];
        over               = std::max(over, -slack);
        if (pair[i] == int(j)) gap = std::max(gap, std::abs(slack));
      }
    // Sums of up to B costs of size 1.
    CHECK(over < 1e-13 * B);
    CHECK(gap < 1e-13 * B);
  }
}

TEST_CASE("an exact coupling of numbers is that of their order", "[objective][coupling]") {
  std::size_t constexpr B = 100;
  auto const x = numbers(B, 5), y = numbers(B, 6, 3);
  auto const pair = pairs(Bound(B, 1), rows(y, 1), rows(x, 1));
  std::vector<std::size_t> of_x(B), of_y(B);
  std::iota(of_x.begin(), of_x.end(), 0);
  of_y = of_x;
  std::sort(of_x.begin(), of_x.end(), [&](auto a, auto b) { return x[a] < x[b]; });
  std::sort(of_y.begin(), of_y.end(), [&](auto a, auto b) { return y[a] < y[b]; });
  int differ = 0;
  for (std::size_t n = 0; n < B; ++n) differ += pair[of_x[n]] != static_cast<int>(of_y[n]);
  CHECK(differ == 0);
}

TEST_CASE("an exact coupling finds points again that were shifted and shuffled",
          "[objective][coupling]") {
  int constexpr B = 60, D = 3;
  auto const x = numbers(D * B, 7);
  std::vector<double> y(x.size());
  basin::Permutation const shuffle(B, {.seed = 2});
  for (std::uint32_t n = 0; n < B; ++n)
    for (std::uint32_t d = 0; d < D; ++d) y[D * shuffle(n) + d] = x[D * n + d] + 50.0 * (d + 1);
  auto const pair = pairs(Bound(B, D), rows(y, D), rows(x, D));
  int differ      = 0;
  for (std::uint32_t n = 0; n < B; ++n) differ += pair[n] != static_cast<int>(shuffle(n));
  CHECK(differ == 0);
}

TEST_CASE("an exact coupling is two kernels, without a fence or memory of its own",
          "[objective][coupling]") {
  basin::bench::watch_kokkos();
  Bound const bound(30, 2);
  auto const x = rows(numbers(60, 1), 2), y = rows(numbers(60, 2), 2);
  auto const t = basin::bench::count(Exec(), 5, [&] { bound.pair(Exec(), Exact{}, y, x, {}); });
  CHECK(t.launches == 10);
  CHECK(t.fences == 0);
  CHECK(t.allocations == 0);
}

TEST_CASE("flow matching on exact pairs learns the slope of the map in order",
          "[objective][coupling]") {
  // -d (1 + d / 2) / (1 + d + d^2 / 3), d = sqrt(1.7) - 1. Sorted, the sources differ from the
  // quantiles by the fluctuation of 500 draws: their variance alone has a relative deviation of
  // sqrt(2 / 500) in a batch, 0.014 over 20, and beta follows its root by half of that, 0.007 (1 +
  // |beta|).
  auto const at = root<Exec>(FlowMatching<Exact>{}, normal_quantiles(500), 20);
  CHECK_THAT(at, WithinAbs(-0.26225, 0.02));
}

}  // namespace
