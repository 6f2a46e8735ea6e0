// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_PHI4_HPP
#define BASIN_ENERGY_TARGET_PHI4_HPP

#include <basin/energy/target/lattice.hpp>

#include <cmath>
#include <numbers>

namespace basin::energy::target {

template <Real Scalar>
struct Phi4Action {
  Scalar mass_square = 1;  ///< m^2
  Scalar coupling    = 0;  ///< lambda; > 0, or 0 with m^2 > 0

  template <int axes, class V>
  KOKKOS_FUNCTION V energy(V x, V const (&next)[axes]) const {
    V const square = x * x;
    V sum          = square * (V(mass_square) + V(coupling) * square);
    for (int k = 0; k < axes; ++k) {
      V const off = next[k] - x;
      sum         = fma(off, off, sum);
    }
    return sum;
  }

  template <int axes, class V>
  KOKKOS_FUNCTION V slope(V x, V const (&next)[axes], V const (&previous)[axes]) const {
    V sum = x * (V(mass_square) + V(2 * coupling) * (x * x));
    for (int k = 0; k < axes; ++k) sum += (x - next[k]) + (x - previous[k]);
    return V(Scalar(2)) * sum;
  }
};

/// Scalar field theory on a periodic lattice of any size and number of axes,
///
///   S(phi) = sum_x [sum_mu (phi_(x + mu) - phi_x)^2 + m^2 phi_x^2 + lambda phi_x^4]
///
/// Phi4<double, 8, 8>{{.mass_square = -4, .coupling = 8}} is the square lattice of Albergo, Kanwar
/// and Shanahan 2019, arXiv:1904.12072. For any size, at temperature 1 and d axes,
/// 2 (2 d + m^2) <phi^2> + 4 lambda <phi^4> - 4 sum_mu <phi_x phi_(x + mu)> = 1.
template <Real Scalar, int... Sizes>
using Phi4 = LatticeEnergy<Scalar, Lattice<Sizes...>, Phi4Action<Scalar>>;

/// <phi^2> of the free field, lambda = 0: the mean over the waves k of 1 / 2 (m^2 + k^2), see
/// Lattice::momentum_square. m^2 > 0.
template <class Lattice>
double free_field_mean_square(double mass_square) {
  double sum = 0;
  for (int k = 0; k < Lattice::sites; ++k)
    sum += 1 / (2 * (mass_square + Lattice::momentum_square(k)));
  return sum / Lattice::sites;
}

/// ln of the integral of exp(-S) of the free field: sum_k ln(pi / (m^2 + k^2)) / 2. m^2 > 0.
template <class Lattice>
double free_field_log_partition(double mass_square) {
  double sum = 0;
  for (int k = 0; k < Lattice::sites; ++k)
    sum += std::log(std::numbers::pi / (mass_square + Lattice::momentum_square(k))) / 2;
  return sum;
}

}  // namespace basin::energy::target

#endif
