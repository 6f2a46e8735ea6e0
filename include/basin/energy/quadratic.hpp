// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_QUADRATIC_HPP
#define BASIN_ENERGY_QUADRATIC_HPP

#include <basin/energy/analytic.hpp>

namespace basin::energy {

namespace detail {

template <Real Scalar, int Dimension>
struct QuadraticFormula {
  using scalar_type              = Scalar;
  static constexpr int dimension = Dimension;

  Scalar stiffness = 1;

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[Dimension], V (&dx)[Dimension]) const {
    V square(0);
    for (int d = 0; d < Dimension; ++d) {
      dx[d]  = V(stiffness) * x[d];
      square = fma(x[d], x[d], square);
    }
    return V(Scalar(0.5) * stiffness) * square;
  }
};

}  // namespace detail

/// E(x) = k |x|^2 / 2: exp(-E/T) is proportional to the density of N(0, T/k). Write k as
/// Quadratic<float, 2>{{.stiffness = 4}}.
template <Real Scalar, int Dimension>
using Quadratic = Analytic<detail::QuadraticFormula<Scalar, Dimension>>;

}  // namespace basin::energy

#endif
