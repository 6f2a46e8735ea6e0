// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_LATTICE_HPP
#define BASIN_ENERGY_TARGET_LATTICE_HPP

#include <basin/energy/concepts.hpp>

#include <Kokkos_Core.hpp>

#include <cmath>
#include <numbers>

namespace basin::energy::target {

/// A periodic lattice of Sizes sites along its axes; the last axis is contiguous. Along an axis of
/// two sites both bonds join the same pair, and count twice.
template <int... Sizes>
struct Lattice {
  static_assert(sizeof...(Sizes) > 0 && ((Sizes >= 2) && ...),
                "basin::energy::target::Lattice: write at least one axis, each of 2 sites or "
                "more.");
  static constexpr int axes  = sizeof...(Sizes);
  static constexpr int sites = (Sizes * ...);

  KOKKOS_FUNCTION static constexpr int size(int axis) {
    int const sizes[axes] = {Sizes...};
    return sizes[axis];
  }
  /// Sites between neighbors along an axis.
  KOKKOS_FUNCTION static constexpr int stride(int axis) {
    int product = 1;
    for (int a = axis + 1; a < axes; ++a) product *= size(a);
    return product;
  }
  KOKKOS_FUNCTION static constexpr int coordinate(int site, int axis) {
    return site / stride(axis) % size(axis);
  }
  KOKKOS_FUNCTION static constexpr int forward(int site, int axis) {
    bool const last = coordinate(site, axis) == size(axis) - 1;
    return site + stride(axis) * (last ? 1 - size(axis) : 1);
  }
  KOKKOS_FUNCTION static constexpr int backward(int site, int axis) {
    return site + stride(axis) * (coordinate(site, axis) == 0 ? size(axis) - 1 : -1);
  }

  /// sum over axes of 4 sin^2(k / 2), the eigenvalue of the negative Laplacian for the wave k =
  /// 2 pi n / L whose numbers n are the coordinates of a site.
  static double momentum_square(int site) {
    double sum = 0;
    for (int a = 0; a < axes; ++a) {
      double const s = std::sin(std::numbers::pi * coordinate(site, a) / size(a));
      sum += 4 * s * s;
    }
    return sum;
  }
};

/// An energy of one number at each site of a lattice and of its neighbors, whose state is site
/// after site. A tile is worked on site by site from the rows of its workspace, so that any size
/// fits.
///
/// \tparam Action  'template <int axes, class V> KOKKOS_FUNCTION V energy(V x, V const (&next)[axes])
///                 const', E of a site and of its bonds forward, and 'slope(x, next, previous)',
///                 dE/dx
template <Real Scalar_, class Lattice, class Action>
struct LatticeEnergy {
  using scalar_type                   = Scalar_;
  using Scalar                        = Scalar_;
  using lattice                       = Lattice;
  static constexpr int dimension      = Lattice::sites;
  static constexpr int state_row      = 0;
  static constexpr int gradient_row   = dimension;
  static constexpr int energy_row     = 2 * dimension;
  static constexpr int workspace_rows = 2 * dimension + 1;

  Action action{};

  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    using V               = typename Context::value_type;
    constexpr int size    = Context::row_size;
    Scalar const* const x = workspace + state_row * size;   // (sites, T)
    Scalar* const e       = workspace + energy_row * size;  // (1, T)
    Action const a        = action;
    c.reduce(
        1, +Lattice::sites,
        [=](auto at) {
          V next[Lattice::axes];
          for (int k = 0; k < Lattice::axes; ++k)
            next[k] = at.at(Lattice::forward(at.row, k)).load(x);
          return a.energy(at.load(x), next);
        },
        [=](auto at, V sum) { at.store(e, sum); });
  }

  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace) const {
    using V               = typename Context::value_type;
    constexpr int size    = Context::row_size;
    Scalar const* const x = workspace + state_row * size;     // (sites, T)
    Scalar* const dx      = workspace + gradient_row * size;  // (sites, T)
    Action const a        = action;
    c.map(+Lattice::sites, [=](auto at) {
      V next[Lattice::axes], previous[Lattice::axes];
      for (int k = 0; k < Lattice::axes; ++k) {
        next[k]     = at.at(Lattice::forward(at.row, k)).load(x);
        previous[k] = at.at(Lattice::backward(at.row, k)).load(x);
      }
      at.store(dx, a.slope(at.load(x), next, previous));
    });
  }

  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const& c, Scalar* workspace) const {
    energy(c, workspace);
    gradient(c, workspace);
  }
};

}  // namespace basin::energy::target

#endif
