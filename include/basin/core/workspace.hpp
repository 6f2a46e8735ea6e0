// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_WORKSPACE_HPP
#define BASIN_CORE_WORKSPACE_HPP

#include <basin/core/arithmetic.hpp>

namespace basin {

/// An array of rows and its lifetime, both ends inclusive.
struct Interval {
  int rows   = 0;
  int first  = 0;
  int last   = -1;
  int offset = 0;  ///< first row in the workspace; set by plan_workspace
};

/// Offsets of N arrays in one workspace. A C array, so that device code may read it in a constant
/// expression.
template <int N>
struct WorkspacePlan {
  Interval array[N];
  int rows = 0;  ///< rows of the whole workspace
};

/// Assigns offsets such that arrays whose lifetimes overlap do not overlap in memory: largest
/// first, each at the lowest free offset. Greedy, so the workspace is not always the smallest.
template <int N>
constexpr WorkspacePlan<N> plan_workspace(WorkspacePlan<N> plan) {
  int order[N]{};
  for (int i = 0; i < N; ++i) order[i] = i;
  for (int i = 0; i < N; ++i)
    for (int j = i + 1; j < N; ++j)
      if (plan.array[order[j]].rows > plan.array[order[i]].rows) {
        int const other = order[i];
        order[i]        = order[j];
        order[j]        = other;
      }
  for (int i = 0; i < N; ++i) {
    Interval& a = plan.array[order[i]];
    a.offset    = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (int j = 0; j < i; ++j) {
        Interval const& b   = plan.array[order[j]];
        bool const together = a.first <= b.last && b.first <= a.last;
        bool const overlap  = a.offset < b.offset + b.rows && b.offset < a.offset + a.rows;
        if (together && overlap) {
          a.offset = b.offset + b.rows;
          moved    = true;
        }
      }
    }
    if (a.offset + a.rows > plan.rows) plan.rows = a.offset + a.rows;
  }
  return plan;
}

}  // namespace basin

#endif
