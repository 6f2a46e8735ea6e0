// SPDX-License-Identifier: Apache-2.0
#include <basin/core/workspace.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <random>

namespace {

using basin::Interval;
using basin::plan_workspace;
using basin::WorkspacePlan;

bool live_together(Interval const& a, Interval const& b) {
  return std::max(a.first, b.first) <= std::min(a.last, b.last);
}

bool share_rows(Interval const& a, Interval const& b) {
  return std::max(a.offset, b.offset) < std::min(a.offset + a.rows, b.offset + b.rows);
}

// No workspace is smaller than all that lives at one time.
template <int N>
int most_alive(WorkspacePlan<N> const& plan) {
  int most = 0;
  for (Interval const& at : plan.array) {
    int alive = 0;
    for (Interval const& a : plan.array)
      if (a.first <= at.first && at.first <= a.last) alive += a.rows;
    most = std::max(most, alive);
  }
  return most;
}

template <int N>
void check_random_plans(int draws) {
  std::mt19937 bits(N);
  auto const below = [&](int n) { return static_cast<int>(bits() % static_cast<unsigned>(n)); };
  for (int draw = 0; draw < draws; ++draw) {
    WorkspacePlan<N> asked;
    int all = 0;
    for (Interval& a : asked.array) {
      // Every eighth array is empty, as the derivative of a linear last layer.
      a.rows  = below(8) == 0 ? 0 : 1 + below(100);
      a.first = below(20);
      a.last  = a.first + below(8);
      all += a.rows;
    }
    auto const plan = plan_workspace(asked);
    int end         = 0;
    for (int i = 0; i < N; ++i) {
      Interval const &a = plan.array[i], &b = asked.array[i];
      REQUIRE((a.rows == b.rows && a.first == b.first && a.last == b.last));
      REQUIRE(a.offset >= 0);
      end = std::max(end, a.offset + a.rows);
      for (int j = 0; j < i; ++j) {
        INFO("arrays " << i << " and " << j << " of draw " << draw);
        REQUIRE(!(live_together(a, plan.array[j]) && share_rows(a, plan.array[j])));
      }
    }
    REQUIRE(plan.rows == end);
    REQUIRE(plan.rows >= most_alive(plan));
    REQUIRE(plan.rows <= all);
  }
}

TEST_CASE("arrays that live at one time never overlap", "[core][workspace]") {
  check_random_plans<1>(20);
  check_random_plans<2>(200);
  check_random_plans<5>(1000);
  check_random_plans<16>(1000);
  check_random_plans<40>(200);
}

TEST_CASE("an array takes the place of one that is dead", "[core][workspace]") {
  // The ends of a life belong to it: the second lives when the first ends.
  constexpr auto plan = plan_workspace(WorkspacePlan<3>{{{100, 0, 1}, {100, 1, 2}, {100, 2, 3}}});
  STATIC_REQUIRE(plan.rows == 200);
  STATIC_REQUIRE(plan.array[0].offset == plan.array[2].offset);
  STATIC_REQUIRE(plan.array[0].offset != plan.array[1].offset);
}

TEST_CASE("a chain of equal layers needs two of them, however long", "[core][workspace]") {
  constexpr auto plan = [] {
    WorkspacePlan<20> p;
    for (int i = 0; i < 20; ++i) p.array[i] = {64, i, i + 1};
    return plan_workspace(p);
  }();
  STATIC_REQUIRE(plan.rows == 128);
}

TEST_CASE("a small array fits into a gap", "[core][workspace]") {
  // 0 and 2 live for ever, 1 only at time 0; the fourth is placed where 1 was.
  constexpr auto plan =
      plan_workspace(WorkspacePlan<4>{{{50, 0, 9}, {40, 0, 0}, {30, 0, 9}, {20, 1, 9}}});
  STATIC_REQUIRE(plan.rows == 120);
  STATIC_REQUIRE(plan.array[3].offset == plan.array[1].offset);
}

}  // namespace
