// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_COUPLING_DETAIL_SQUARED_COSTS_HPP
#define BASIN_OBJECTIVE_COUPLING_DETAIL_SQUARED_COSTS_HPP

#include <basin/core/arithmetic.hpp>

#include <Kokkos_Core.hpp>

#include <cstddef>

namespace basin::objective::coupling::detail {

// costs(i, j) = |points_i - sources_j|^2 / 2, in double.
template <class Scalar, class Points>
struct SquaredCosts {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Points sources, points;  // (B, dimension)
  double* costs;           // (B, B)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int i) const {
    SquaredCosts const s = *this;
    int const B = static_cast<int>(points.extent(0)), D = static_cast<int>(points.extent(1));
    c.each(B, [=](int j) {
      double sum = 0;
      for (int d = 0; d < D; ++d) {
        double const apart =
            static_cast<double>(s.points(i, d)) - static_cast<double>(s.sources(j, d));
        sum += apart * apart;
      }
      // Finite, so that there is always a shortest path.
      s.costs[static_cast<std::size_t>(i) * B + j] = sum < 1e300 ? sum / 2 : 1e300;
    });
  }
};

}  // namespace basin::objective::coupling::detail

#endif
