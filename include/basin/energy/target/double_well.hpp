// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_DOUBLE_WELL_HPP
#define BASIN_ENERGY_TARGET_DOUBLE_WELL_HPP

#include <basin/energy/analytic.hpp>

#include <cmath>
#include <numbers>

namespace basin::energy::target {

template <Real Scalar, int Dimension>
struct DoubleWellFormula {
  using scalar_type              = Scalar;
  static constexpr int dimension = Dimension;

  Scalar barrier   = 4;  ///< h, units of E; > 0
  Scalar stiffness = 1;  ///< k of the other coordinates, units of E / x^2; > 0

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[Dimension], V (&dx)[Dimension]) const {
    V const well = fma(x[0], x[0], V(Scalar(-1)));
    dx[0]        = V(4 * barrier) * well * x[0];
    V square(0);
    for (int d = 1; d < Dimension; ++d) {
      dx[d]  = V(stiffness) * x[d];
      square = fma(x[d], x[d], square);
    }
    return V(barrier) * well * well + V(Scalar(0.5) * stiffness) * square;
  }

  /// By the trapezoidal rule, which is exact to rounding for a function that decays as this one.
  double log_partition() const { return integrals().log_partition; }
  double mean(int) const { return 0; }
  double variance(int d) const {
    return d == 0 ? integrals().variance : 1 / static_cast<double>(stiffness);
  }

 private:
  struct Integrals {
    double log_partition, variance;
  };
  Integrals integrals() const {
    double const h    = static_cast<double>(barrier);
    double const end  = std::sqrt(1 + std::sqrt(40 / h));  // there E = 40
    int const points  = 4000;
    double const step = 2 * end / points;
    double sum = 0, square = 0;
    for (int i = 0; i <= points; ++i) {
      double const x = -end + step * i, well = x * x - 1, p = std::exp(-h * well * well);
      sum += p;
      square += x * x * p;
    }
    return {
        std::log(sum * step) +
            (Dimension - 1) / 2.0 * std::log(2 * std::numbers::pi / static_cast<double>(stiffness)),
        square / sum};
  }
};

/// E(x) = h (x_0^2 - 1)^2 + k / 2 sum_(d >= 1) x_d^2: two wells at x_0 = -1 and 1 with a barrier h
/// between them, which a chain crosses at a rate of about exp(-h).
template <Real Scalar, int Dimension = 1>
using DoubleWell = Analytic<DoubleWellFormula<Scalar, Dimension>>;

}  // namespace basin::energy::target

#endif
