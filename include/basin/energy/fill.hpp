// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_FILL_HPP
#define BASIN_ENERGY_FILL_HPP

#include <basin/energy/concepts.hpp>
#include <basin/energy/derivatives.hpp>

namespace basin::energy {

// A fill defines the points at which a ParameterGradient records an energy. It is a struct that is
// copied into kernels, with
//
//   static constexpr int further_rows;  // rows that it needs after those of the energy
//   template <class Context, class E> KOKKOS_FUNCTION auto operator()(
//       Context const& c, E const& energy, scalar_type* workspace, int first,
//       Stream const& pass) const;
//
// that writes the states of samples first, first + 1, ... into the rows from E::state_row on (their
// jets in a context of jets), then calls basin::load_conditions, and returns the context to record
// the energy in: c, or one that reuses results of the fill, see tile/kept_products.hpp. 'pass' is
// the dropout stream of this step, for a fill that evaluates the energy itself; its own random
// numbers come from a stream that it holds.

/// The points themselves.
template <class Points>
struct FillPoints {
  static constexpr int further_rows = 0;
  Points points;  // (count, dimension)

  template <class Context, class E>
  KOKKOS_FUNCTION Context const& operator()(Context const& c, E const& energy,
                                            typename E::scalar_type* workspace, int first,
                                            Stream const&) const {
    int const count = static_cast<int>(points.extent(0));
    c.load_chains(points, first, count, +E::dimension,
                  workspace + E::state_row * Context::row_size);
    load_conditions(c, energy, workspace, first, count);
    return c;
  }
};

/// The jets points + e directions.
template <class Points, class Directions>
struct FillJets {
  static constexpr int further_rows = 0;
  Points points;          // (count, dimension)
  Directions directions;  // (count, dimension)

  template <class Context, class E>
  KOKKOS_FUNCTION Context const& operator()(Context const& c, E const& energy,
                                            typename E::scalar_type* workspace, int first,
                                            Stream const&) const {
    int const count = static_cast<int>(points.extent(0));
    detail::load_jets(c, points, directions, first, count, +E::dimension,
                      workspace + E::state_row * Context::row_size);
    load_conditions(c, energy, workspace, first, count);
    return c;
  }
};

}  // namespace basin::energy

#endif
