// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_EVALUATE_HPP
#define BASIN_ENERGY_EVALUATE_HPP

#include <basin/core/check.hpp>
#include <basin/energy/concepts.hpp>
#include <basin/tile/launch.hpp>

namespace basin::energy {

namespace detail {

template <class E, class Points, class Out, bool Gradient>
struct EvaluateTile {
  using scalar_type                   = typename E::scalar_type;
  static constexpr int workspace_rows = E::workspace_rows;

  E energy;
  Points points;  // (points, dimension)
  Out out;        // (points) energies, or (points, dimension) gradients

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type* workspace, int tile) const {
    constexpr int T = Context::width;
    int const count = static_cast<int>(points.extent(0)), first = tile * T;
    c.load_chains(points, first, count, +E::dimension,
                  workspace + E::state_row * Context::row_size);
    load_conditions(c, energy, workspace, first, count);
    if constexpr (Gradient) {
      energy.gradient(c, workspace);
      c.store_chains(workspace + E::gradient_row * Context::row_size, first, count, +E::dimension,
                     out);
    } else {
      energy.energy(c, workspace);
      scalar_type const* const e = workspace + E::energy_row * Context::row_size;
      Out const to               = out;
      c.each(T, [=](int t) {
        if (first + t < count) to(first + t) = e[t];
      });
    }
  }
};

template <bool Gradient, tile::Tuning tuning, class Exec, class E, class Points, class Out>
void evaluate(char const* who, Exec const& exec, E const& energy, Points const& points,
              Out const& out) {
  static_assert(Kokkos::SpaceAccessibility<Exec, typename Points::memory_space>::accessible &&
                    Kokkos::SpaceAccessibility<Exec, typename Out::memory_space>::accessible,
                "basin::energy: points and result must be reachable from exec.");
  static_assert(Points::rank() == 2,
                "basin::energy: points must be a View of rank 2, (points, "
                "dimension).");
  if (!is_extent(points.extent(1), E::dimension))
    refuse(who, "points has second extent ", points.extent(1), ", the energy has dimension ",
           +E::dimension);
  if (out.extent(0) != points.extent(0))
    refuse(who, "the result has first extent ", out.extent(0), ", points has ", points.extent(0));
  if constexpr (Gradient) {
    if (out.extent(1) != points.extent(1))
      refuse(who, "the result has second extent ", out.extent(1), ", points has ",
             points.extent(1));
  }
  int const count = checked_count(who, "points", points.extent(0));
  if (count == 0) return;
  tile::for_each_tile<tuning>(exec, "basin::evaluate", tile::tiles(count, tuning.width),
                              EvaluateTile<E, Points, Out, Gradient>{energy, points, out});
}

}  // namespace detail

/// energies(n) = E(points(n, :)), with dropout off. Asynchronous on exec.
///
/// \param points    (n, dimension of the energy)
/// \param energies  (n)
/// \throws std::invalid_argument if an extent does not fit
template <tile::Tuning tuning, class Exec, class E, class Points, class Out>
void energies(Exec const& exec, E const& energy, Points const& points, Out const& result) {
  if constexpr (check_energy<E>::value)
    detail::evaluate<false, tuning>("basin::energy::energies", exec, energy, points, result);
}
template <class Exec, class E, class Points, class Out>
void energies(Exec const& exec, E const& energy, Points const& points, Out const& result) {
  energies<tile::default_tuning<Exec, typename E::scalar_type, E::workspace_rows>()>(
      exec, energy, points, result);
}

/// gradients(n, :) = dE/dx at points(n, :), with dropout off. Asynchronous on exec.
///
/// \param points     (n, dimension of the energy)
/// \param gradients  (n, dimension of the energy)
/// \throws std::invalid_argument if an extent does not fit
template <tile::Tuning tuning, class Exec, class E, class Points, class Out>
void gradients(Exec const& exec, E const& energy, Points const& points, Out const& result) {
  if constexpr (check_energy<E>::value)
    detail::evaluate<true, tuning>("basin::energy::gradients", exec, energy, points, result);
}
template <class Exec, class E, class Points, class Out>
void gradients(Exec const& exec, E const& energy, Points const& points, Out const& result) {
  gradients<tile::default_tuning<Exec, typename E::scalar_type, E::workspace_rows>()>(
      exec, energy, points, result);
}

}  // namespace basin::energy

#endif
