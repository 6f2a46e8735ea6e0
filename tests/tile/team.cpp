// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/launch.hpp>
#include <basin/tile/team.hpp>

#include "support/tunings.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::tile::Tuning;
using Integers = Kokkos::View<int*, Exec>;
using Floats   = Kokkos::View<float*, Exec>;

constexpr int rows = 4, vectors = 2, lanes = 2;
constexpr int totals_of_item = rows * vectors * lanes;

// A number without a pattern, of a size of its own, so that sums are rounded.
KOKKOS_FUNCTION float number(int item, int part, int row, int k) {
  unsigned h = static_cast<unsigned>(((item * 32 + part) * rows + row) * vectors * lanes + k + 1);
  h *= 2654435761u;
  h ^= h >> 15;
  h *= 2246822519u;
  h ^= h >> 13;
  return (static_cast<float>(h >> 8) * 0x1p-23f - 1) / static_cast<float>(1 << (h & 7u));
}

struct Visits {
  Integers alone;  // (n) calls of f for each item
  Integers split;  // (n, rows) totals that were given, of items that S threads share
  Integers warp;   // (n, 32) calls for each lane of each item
  Floats totals;   // (n, rows, vectors, lanes)
};

template <int S, class Team>
KOKKOS_FUNCTION void visit(Team const& team, Visits const& to, int n) {
  using V = basin::tile::Simd<float, lanes>;
  team.each(n, [=](int i) { Kokkos::atomic_add(&to.alone(i), 1); });
  team.template each_split<S>(n, [=](int i, auto split) {
    using Parts = decltype(split);
    V sums[Parts::slots][rows][vectors];
    split.parts([&](int part, int slot) {
      for (int r = 0; r < rows; ++r)
        for (int j = 0; j < vectors; ++j)
          sums[slot][r][j] = V::generate([&](int l) { return number(i, part, r, j * lanes + l); });
    });
    split.template sum<rows, vectors>(sums, [&](int r, V const(&total)[vectors]) {
      Kokkos::atomic_add(&to.split(i * rows + r), 1);
      for (int j = 0; j < vectors; ++j)
        basin::tile::store(to.totals.data() + i * totals_of_item + (r * vectors + j) * lanes,
                           total[j]);
    });
  });
  team.each_warp(n, [=](int i, auto warp) {
    warp.lanes([&](int lane, int) { Kokkos::atomic_add(&to.warp(i * 32 + lane), 1); });
  });
}

// The team that a tuning has in a kernel.
template <int S>
struct VisitByTeam {
  using scalar_type                   = float;
  static constexpr int workspace_rows = 0;
  Visits visits;
  int n;
  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, float*, int) const {
    visit<S>(c.team(), visits, n);
  }
};

// So many threads with numbers, on a host one after the other or not.
template <int S, Tuning tuning>
struct VisitByThreads {
  Visits visits;
  int n, threads;
  KOKKOS_FUNCTION void operator()(int index) const {
    visit<S>(basin::tile::Threads<tuning>(index, threads), visits, n);
  }
};

template <int S, class Run>
void check_visits(int n, Run const& run) {
  CAPTURE(S, n);
  std::size_t const items = static_cast<std::size_t>(n);
  Visits const visits{Integers("alone", items), Integers("split", items * rows),
                      Integers("warp", items * 32), Floats("totals", items * totals_of_item)};
  run(visits);
  auto const once = [](Integers const& counts) {
    auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, counts);
    int wrong       = 0;
    for (std::size_t i = 0; i < host.size(); ++i) wrong += host(i) != 1;
    return wrong == 0;
  };
  CHECK(once(visits.alone));
  CHECK(once(visits.split));
  CHECK(once(visits.warp));
  auto const totals = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, visits.totals);
  int wrong         = 0;
  for (int i = 0; i < n; ++i)
    for (int r = 0; r < rows; ++r)
      for (int k = 0; k < vectors * lanes; ++k) {
        float p[S];
        for (int part = 0; part < S; ++part) p[part] = number(i, part, r, k);
        for (int half = S / 2; half > 0; half /= 2)
          for (int part = 0; part < half; ++part) p[part] += p[part + half];
        wrong += totals(i * totals_of_item + r * vectors * lanes + k) != p[0];
      }
  CHECK(wrong == 0);
}

template <int S>
void check_teams() {
  for (int const n : {0, 1, 5, 31, 32, 33, 100, 1000}) {
    auto const check = [&]<Tuning tuning>() {
      CAPTURE(tuning.team, tuning.shared);
      check_visits<S>(n, [&](Visits const& visits) {
        basin::tile::for_each_tile<tuning>(Exec(), "test", 1, VisitByTeam<S>{visits, n});
      });
    };
    if constexpr (basin::test::is_host<Exec>) {
      basin::test::detail::run_tunings<Exec, Tuning{4, 4, 4, 1, 1}, Tuning{4, 4, 4, 1, 2}>(check);
      for (int const threads : {1, 2, 3, 7, 64, 2000}) {
        CAPTURE(threads);
        check_visits<S>(n, [&](Visits const& visits) {
          Kokkos::parallel_for(Kokkos::RangePolicy<Exec>(0, threads),
                               VisitByThreads<S, Tuning{4, 4, 4, 1, 1}>{visits, n, threads});
        });
      }
    } else {
      constexpr int shared = basin::tile::shared_memory<Exec>();
      basin::test::detail::run_tunings<Exec, Tuning{4, 4, 4, 1, 64}, Tuning{4, 4, 4, 1, 64, shared},
                                       Tuning{4, 4, 4, 1, 256, shared}>(check);
    }
  }
}

TEST_CASE(
    "a team visits every item once, whole, in parts or as a warp, and adds parts in one order",
    "[tile][team]") {
  check_teams<1>();
  check_teams<2>();
  check_teams<4>();
  check_teams<8>();
  check_teams<32>();
}

TEST_CASE("the order of the sum of four parts can be seen", "[tile][team]") {
  // Else the test above would say nothing of it.
  int seen = 0;
  for (int i = 0; i < 1000; ++i) {
    float const p0 = number(i, 0, 0, 0), p1 = number(i, 1, 0, 0), p2 = number(i, 2, 0, 0),
                p3 = number(i, 3, 0, 0);
    seen += (p0 + p2) + (p1 + p3) != (p0 + p1) + (p2 + p3);
  }
  CHECK(seen > 100);
}

TEST_CASE("iterations of a loop come one after the other", "[tile][team]") {
  int last = -1;
  basin::tile::SerialTeam{}.repeat(5, [&](int k) {
    CHECK(k == last + 1);
    last = k;
  });
  CHECK(last == 4);
}

}  // namespace
