// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_FUNNEL_HPP
#define BASIN_ENERGY_TARGET_FUNNEL_HPP

#include <basin/energy/analytic.hpp>
#include <basin/energy/target/draw.hpp>

#include <cmath>
#include <numbers>

namespace basin::energy::target {

template <Real Scalar, int Dimension>
struct FunnelFormula {
  using scalar_type              = Scalar;
  static constexpr int dimension = Dimension;
  static_assert(Dimension >= 2, "basin::energy::target::Funnel: write a dimension >= 2.");

  Scalar standard_deviation = 3;  ///< s of x_0; > 0

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[Dimension], V (&dx)[Dimension]) const {
    Scalar constexpr half = Scalar(0.5), others = Scalar(Dimension - 1);
    Scalar const precision = 1 / (standard_deviation * standard_deviation);
    V const narrow         = exp(-x[0]);
    V square(0);
    for (int d = 1; d < Dimension; ++d) {
      dx[d]  = narrow * x[d];
      square = fma(x[d], x[d], square);
    }
    V const energy = V(half) * narrow * square;
    dx[0]          = V(precision) * x[0] - energy + V(half * others);
    return V(half) * (V(precision) * x[0] * x[0] + V(others) * x[0]) + energy;
  }

  KOKKOS_FUNCTION void draw(Numbers<Scalar> const& numbers, Scalar (&x)[Dimension]) const {
    numbers.normals(x);
    x[0] *= standard_deviation;
    Scalar const wide = Kokkos::exp(x[0] / 2);
    for (int d = 1; d < Dimension; ++d) x[d] *= wide;
  }

  /// D/2 ln 2 pi + ln s
  double log_partition() const {
    return Dimension / 2.0 * std::log(2 * std::numbers::pi) +
           std::log(static_cast<double>(standard_deviation));
  }
  double mean(int) const { return 0; }
  /// Of x_0 s^2, of the others exp(s^2 / 2): they have a kurtosis of 3 exp(s^2), so that no estimate
  /// of it settles; test ln |x_d| or x_d exp(-x_0 / 2).
  double variance(int d) const {
    double const square =
        static_cast<double>(standard_deviation) * static_cast<double>(standard_deviation);
    return d == 0 ? square : std::exp(square / 2);
  }
};

/// The funnel: x_0 ~ N(0, s^2), the others N(0, exp(x_0)) given x_0,
///
///   E(x) = x_0^2 / 2 s^2 + (D - 1) x_0 / 2 + exp(-x_0) sum_(d >= 1) x_d^2 / 2
///
/// No step size fits both ends. Source: Neal 2003, Annals of Statistics 31(3), section 8, with D =
/// 10 and s = 3.
template <Real Scalar, int Dimension>
using Funnel = Analytic<FunnelFormula<Scalar, Dimension>>;

}  // namespace basin::energy::target

#endif
