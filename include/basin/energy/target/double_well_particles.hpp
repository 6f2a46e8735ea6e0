// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_DOUBLE_WELL_PARTICLES_HPP
#define BASIN_ENERGY_TARGET_DOUBLE_WELL_PARTICLES_HPP

#include <basin/energy/target/particles.hpp>

namespace basin::energy::target {

/// u(r) = a (r - d) + b (r - d)^2 + c (r - d)^4; the slope of a pair at one place counts as 0.
template <Real Scalar>
struct DoubleWellPair {
  Scalar linear    = 0;            ///< a, units of E / x
  Scalar quadratic = -4;           ///< b, units of E / x^2
  Scalar quartic   = Scalar(0.9);  ///< c, units of E / x^4
  Scalar distance  = 4;            ///< d, units of x

  template <class V>
  KOKKOS_FUNCTION void operator()(V square, V& u, V& slope) const {
    Scalar constexpr least = Scalar(1e-30);
    V const r              = sqrt(where_less(square, V(least), V(least), square));
    V const off = r - V(distance), off2 = off * off;
    u     = off * (V(linear) + off * (V(quadratic) + V(quartic) * off2));
    slope = (V(linear) + off * (V(2 * quadratic) + V(4 * quartic) * off2)) / r;
  }
};

/// Particles in the plane with a double well between every two, DW4 with four of them:
///
///   E(x) = sum_(i < j) 0.9 (r_ij - 4)^4 - 4 (r_ij - 4)^2
///
/// It does not depend on the center of mass, see ParticleEnergy::center. At temperature 1 the mean
/// energy of four is -22.536(4), by long runs of Metropolis chains. Source: Koehler, Klein and Noe
/// 2020, arXiv:2006.02425, section 6, which writes each pair twice at half the strength; parameters
/// of Klein, Kraemer and Noe 2023, arXiv:2306.15030.
template <Real Scalar, int Particles = 4, int Dimensions = 2>
using DoubleWellParticles = ParticleEnergy<Scalar, Particles, Dimensions, DoubleWellPair<Scalar>>;

}  // namespace basin::energy::target

#endif
