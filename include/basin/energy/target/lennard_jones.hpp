// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_LENNARD_JONES_HPP
#define BASIN_ENERGY_TARGET_LENNARD_JONES_HPP

#include <basin/energy/target/particles.hpp>

namespace basin::energy::target {

/// u(r) = depth ((m / r)^12 - 2 (m / r)^6), least at r = m with the value -depth.
template <Real Scalar>
struct LennardJonesPair {
  Scalar depth    = 1;  ///< units of E; > 0
  Scalar distance = 1;  ///< m, units of x; > 0

  template <class V>
  KOKKOS_FUNCTION void operator()(V square, V& u, V& slope) const {
    V const inverse = V(Scalar(1)) / square;
    V const s       = V(distance * distance) * inverse;
    V const s3      = s * s * s;
    u               = V(depth) * s3 * (s3 - V(Scalar(2)));
    slope           = V(12 * depth) * inverse * s3 * (V(Scalar(1)) - s3);
  }
};

/// A cluster of Lennard-Jones particles,
///
///   E(x) = sum_(i < j) depth ((m / r_ij)^12 - 2 (m / r_ij)^6) + tether / 2 sum_i |x_i - c|^2
///
/// The LJ13 and LJ55 of samplers' papers sum over ordered pairs, depth 2, with tether 1: write
/// LennardJones<double, 13>{.pair = {.depth = 2}, .tether = 1}. The least energy of 13 particles at
/// depth 1 without tether is -44.326801, an icosahedron (Hoare and Pal 1971, Advances in Physics
/// 20). Source: Koehler, Klein and Noe 2020, arXiv:2006.02425.
template <Real Scalar, int Particles, int Dimensions = 3>
using LennardJones = ParticleEnergy<Scalar, Particles, Dimensions, LennardJonesPair<Scalar>>;

}  // namespace basin::energy::target

#endif
