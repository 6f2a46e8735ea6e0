// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_BANANA_HPP
#define BASIN_ENERGY_TARGET_BANANA_HPP

#include <basin/energy/analytic.hpp>
#include <basin/energy/target/draw.hpp>

#include <cmath>
#include <numbers>

namespace basin::energy::target {

template <Real Scalar, int Dimension>
struct BananaFormula {
  using scalar_type              = Scalar;
  static constexpr int dimension = Dimension;
  static_assert(Dimension >= 2, "basin::energy::target::Banana: write a dimension >= 2.");

  Scalar curvature          = Scalar(0.03);  ///< b, units of 1 / x
  Scalar standard_deviation = 10;            ///< s of x_0; > 0

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[Dimension], V (&dx)[Dimension]) const {
    Scalar const square = standard_deviation * standard_deviation;
    V const slope       = V(1 / square) * x[0];
    V const off         = x[1] - V(curvature) * (x[0] * x[0] - V(square));
    V sum               = fma(off, off, slope * x[0]);
    dx[0]               = slope - V(2 * curvature) * x[0] * off;
    dx[1]               = off;
    for (int d = 2; d < Dimension; ++d) {
      dx[d] = x[d];
      sum   = fma(x[d], x[d], sum);
    }
    return V(Scalar(0.5)) * sum;
  }

  KOKKOS_FUNCTION void draw(Numbers<Scalar> const& numbers, Scalar (&x)[Dimension]) const {
    numbers.normals(x);
    x[0] *= standard_deviation;
    x[1] += curvature * (x[0] * x[0] - standard_deviation * standard_deviation);
  }

  /// D/2 ln 2 pi + ln s
  double log_partition() const {
    return Dimension / 2.0 * std::log(2 * std::numbers::pi) +
           std::log(static_cast<double>(standard_deviation));
  }
  double mean(int) const { return 0; }
  /// s^2, 1 + 2 b^2 s^4, then 1
  double variance(int d) const {
    double const b = static_cast<double>(curvature), s = static_cast<double>(standard_deviation);
    return d == 0 ? s * s : d == 1 ? 1 + 2 * b * b * s * s * s * s : 1;
  }
};

/// The banana, a bent Gaussian: x_0 ~ N(0, s^2), x_1 ~ N(b (x_0^2 - s^2), 1) given x_0, the others
/// N(0, 1):
///
///   E(x) = x_0^2 / 2 s^2 + (x_1 - b (x_0^2 - s^2))^2 / 2 + sum_(d >= 2) x_d^2 / 2
///
/// Source: Haario, Saksman and Tamminen 1999, Computational Statistics 14, with s = 10 and b = 0.03
/// (moderate) or 0.1 (strong).
template <Real Scalar, int Dimension = 2>
using Banana = Analytic<BananaFormula<Scalar, Dimension>>;

}  // namespace basin::energy::target

#endif
