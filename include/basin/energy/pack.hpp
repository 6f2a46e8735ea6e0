// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_PACK_HPP
#define BASIN_ENERGY_PACK_HPP

#include <basin/tile/launch.hpp>

namespace basin::energy {

namespace detail {

template <class E>
struct PackWeights {
  using scalar_type                   = typename E::scalar_type;
  static constexpr int workspace_rows = 1;  // not used: works without rows are not run in phases
  E packs;                                  // not 'energy': teams must not pack on their own
  scalar_type* packed;                      // (packed_numbers)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int) const {
    packs.pack(c, packed);
  }
};

}  // namespace detail

/// Numbers of the copies of weights that are worth making once for all kernels of a tuning, 0 for
/// none: on a GPU, where they do not fit a team's memory beside its workspace, unless a library
/// makes the products.
template <class E, tile::Tuning tuning, class Exec>
constexpr int packed_numbers() {
  if constexpr (requires { E::template packed_numbers<tuning>; }) {
    constexpr bool library = tuning.strategy == tile::Strategy::layerwise &&
                             !std::is_same_v<tile::library_of<Exec>, tile::NoLibrary>;
    constexpr std::size_t bytes = sizeof(typename E::scalar_type) *
                                  (std::size_t(E::template packed_numbers<tuning>) +
                                   std::size_t(E::workspace_rows) * std::size_t(tuning.width));
    if constexpr (tile::has_blocks<Exec> && tuning.shared > 0 && !library &&
                  (tuning.strategy == tile::Strategy::layerwise ||
                   bytes > std::size_t(tuning.shared)))
      return E::template packed_numbers<tuning>;
  }
  return 0;
}

/// packed (E::packed_numbers<tuning>) = the copies of its weights that energy.with_packed(packed)
/// reads in kernels of the tuning. Asynchronous on exec.
template <tile::Tuning tuning, class Exec, class E>
void pack(Exec const& exec, E const& energy, typename E::scalar_type* packed) {
  // As phases: the copies are shared by as many threads as there are numbers.
  constexpr tile::Tuning all = [] {
    tile::Tuning t = tuning;
    t.strategy     = tile::Strategy::layerwise;
    t.team         = tuning.team > 0 ? tuning.team : 1;
    return t;
  }();
  tile::for_each_tile<all>(exec, "basin::pack", 1, detail::PackWeights<E>{energy, packed});
}

}  // namespace basin::energy

#endif
