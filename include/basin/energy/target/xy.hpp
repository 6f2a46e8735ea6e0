// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_XY_HPP
#define BASIN_ENERGY_TARGET_XY_HPP

#include <basin/core/check.hpp>
#include <basin/energy/target/lattice.hpp>

#include <cmath>
#include <numbers>

namespace basin::energy::target {

template <Real Scalar>
struct XyAction {
  Scalar coupling = 1;  ///< J, units of E

  template <int axes, class V>
  KOKKOS_FUNCTION V energy(V x, V const (&next)[axes]) const {
    V sum(0);
    for (int k = 0; k < axes; ++k) sum += cos(next[k] - x);
    return V(-coupling) * sum;
  }

  template <int axes, class V>
  KOKKOS_FUNCTION V slope(V x, V const (&next)[axes], V const (&previous)[axes]) const {
    V sum(0);
    for (int k = 0; k < axes; ++k) sum += sin(x - next[k]) + sin(x - previous[k]);
    return V(coupling) * sum;
  }
};

/// The XY model, an angle at each site of a periodic lattice:
///
///   E(x) = -J sum_bonds cos(x_i - x_j)
///
/// A chain moves on the whole line; angles are modulo 2 pi. Xy<double, 16, 16>{{.coupling = 1}} is
/// a square lattice, Xy<double, 16> a ring. Source: Kosterlitz and Thouless 1973, J. Phys. C 6.
template <Real Scalar, int... Sizes>
using Xy = LatticeEnergy<Scalar, Lattice<Sizes...>, XyAction<Scalar>>;

/// I_n(x) of modified Bessel functions, by their integral over [0, pi], to the rounding of double
/// times exp(|x|).
inline double bessel_i(int n, double x) {
  // The trapezoidal rule of a periodic function: exact past the last frequency that counts.
  int const points = 64 + 2 * std::abs(n) + static_cast<int>(8 * std::abs(x));
  double sum       = 0;
  for (int i = 0; i < points; ++i) {
    double const angle = 2 * std::numbers::pi * i / points;
    sum += std::exp(x * std::cos(angle)) * std::cos(n * angle);
  }
  return sum / points;
}

/// Exact results of a ring at temperature 1.
struct XyRing {
  double log_partition;  ///< over the angles in [0, 2 pi)
  double mean_cosine;    ///< of a bond
};

/// Z = (2 pi)^L sum_n I_n(J)^L of a ring of L sites, and <cos> = d ln Z / dJ / L. Source: Mattis
/// 1984, Physics Letters A 104.
///
/// \throws std::invalid_argument if sites < 2 or the coupling is not finite
inline XyRing xy_ring(int sites, double coupling) {
  char const* who = "basin::energy::target::xy_ring";
  if (sites < 2) refuse(who, "sites must be >= 2, got ", sites);
  if (!std::isfinite(coupling)) refuse(who, "coupling must be finite, got ", coupling);
  double const largest = bessel_i(0, coupling);
  double sum = 0, slope = 0;
  int const most = 16 + static_cast<int>(8 * std::abs(coupling));
  for (int n = -most; n <= most; ++n) {
    double const ratio = bessel_i(n, coupling) / largest;
    double const mean  = (bessel_i(n - 1, coupling) + bessel_i(n + 1, coupling)) / 2 / largest;
    sum += std::pow(ratio, sites);
    slope += std::pow(ratio, sites - 1) * mean;
  }
  return {sites * std::log(2 * std::numbers::pi * largest) + std::log(sum), slope / sum};
}

}  // namespace basin::energy::target

#endif
