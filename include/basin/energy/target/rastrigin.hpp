// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_RASTRIGIN_HPP
#define BASIN_ENERGY_TARGET_RASTRIGIN_HPP

#include <basin/energy/analytic.hpp>

#include <cmath>
#include <numbers>

namespace basin::energy::target {

template <Real Scalar, int Dimension>
struct RastriginFormula {
  using scalar_type              = Scalar;
  static constexpr int dimension = Dimension;

  Scalar amplitude = 10;  ///< A, units of E; >= 0

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[Dimension], V (&dx)[Dimension]) const {
    Scalar constexpr turn = static_cast<Scalar>(2 * std::numbers::pi);
    V sum(amplitude * Scalar(Dimension));
    for (int d = 0; d < Dimension; ++d) {
      V const angle = V(turn) * x[d];
      sum += x[d] * x[d] - V(amplitude) * cos(angle);
      dx[d] = V(Scalar(2)) * x[d] + V(turn * amplitude) * sin(angle);
    }
    return sum;
  }

  /// D ln of the integral over one coordinate, by the trapezoidal rule.
  double log_partition() const { return Dimension * std::log(integrals().sum); }
  double mean(int) const { return 0; }
  double variance(int) const { return integrals().square / integrals().sum; }

 private:
  struct Integrals {
    double sum, square;
  };
  Integrals integrals() const {
    double const A = static_cast<double>(amplitude), step = 1.0 / 256;
    Integrals of{0, 0};
    for (int i = -7 * 256; i <= 7 * 256; ++i) {
      double const x = step * i;
      double const p = std::exp(-x * x - A * (1 - std::cos(2 * std::numbers::pi * x)));
      of.sum += step * p;
      of.square += step * x * x * p;
    }
    return of;
  }
};

/// E(x) = A D + sum_d x_d^2 - A cos 2 pi x_d: one least value, 0 at the origin, among minima near
/// all integers. Source: Rastrigin 1974; Muehlenbein, Schomisch and Born 1991, Parallel Computing
/// 17.
template <Real Scalar, int Dimension>
using Rastrigin = Analytic<RastriginFormula<Scalar, Dimension>>;

}  // namespace basin::energy::target

#endif
