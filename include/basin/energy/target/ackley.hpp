// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_ACKLEY_HPP
#define BASIN_ENERGY_TARGET_ACKLEY_HPP

#include <basin/energy/analytic.hpp>

#include <numbers>

namespace basin::energy::target {

template <Real Scalar, int Dimension>
struct AckleyFormula {
  using scalar_type              = Scalar;
  static constexpr int dimension = Dimension;

  Scalar depth = 20;           ///< a, units of E; > 0
  Scalar decay = Scalar(0.2);  ///< b, units of 1 / x; > 0

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[Dimension], V (&dx)[Dimension]) const {
    Scalar constexpr turn = static_cast<Scalar>(2 * std::numbers::pi),
                     e = static_cast<Scalar>(std::numbers::e), each = Scalar(1) / Dimension,
                     least = Scalar(1e-30);
    V square(0), cosines(0);
    for (int d = 0; d < Dimension; ++d) {
      square = fma(x[d], x[d], square);
      cosines += cos(V(turn) * x[d]);
    }
    V const mean   = V(each) * square;
    V const root   = sqrt(where_less(mean, V(least), V(least), mean));
    V const cone   = V(depth) * exp(V(-decay) * root);
    V const waves  = exp(V(each) * cosines);
    V const inward = V(decay * each) * cone / root;
    for (int d = 0; d < Dimension; ++d)
      dx[d] = inward * x[d] + V(turn * each) * waves * sin(V(turn) * x[d]);
    return V(depth + e) - cone - waves;
  }
};

/// Ackley's function,
///
///   E(x) = a + e - a exp(-b sqrt(mean_d x_d^2)) - exp(mean_d cos 2 pi x_d)
///
/// with one least value, 0 at the origin, where it has a cusp (its gradient counts as 0), among
/// minima near all integers; for optimizers. E is bounded: exp(-E) has no integral. Source: Ackley
/// 1987, A Connectionist Machine for Genetic Hillclimbing.
template <Real Scalar, int Dimension>
using Ackley = Analytic<AckleyFormula<Scalar, Dimension>>;

}  // namespace basin::energy::target

#endif
