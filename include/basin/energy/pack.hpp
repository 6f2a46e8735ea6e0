// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_PACK_HPP
#define BASIN_ENERGY_PACK_HPP

#include <basin/tile/launch.hpp>

#include <utility>

namespace basin::energy {

namespace detail {

template <class E>
struct PackWeights {
  using scalar_type                   = typename E::scalar_type;
  static constexpr int workspace_rows = 1;  // unused: work without rows is not run in phases
  E source;                                 // not 'energy': teams must not make their own copies
  scalar_type* packed;                      // (packed_numbers)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int) const {
    source.pack(c, packed);
  }
};

}  // namespace detail

/// Length of the weight copies that are worth making once for all kernels of a tuning, 0 for none,
/// see tile::weight_placement: for kernels that need one row besides the energy's, such as Langevin
/// sampling. A kernel that needs more, and cannot stage what those stage, reads theta.
template <class E, tile::Tuning tuning, class Exec>
constexpr int packed_numbers() {
  if constexpr (requires { E::template packed_numbers<tuning>; }) {
    constexpr std::size_t size = sizeof(typename E::scalar_type);
    constexpr std::size_t rows =
        size * (std::size_t(E::workspace_rows) + 1) * static_cast<std::size_t>(tuning.width);
    constexpr std::size_t copies = size * std::size_t(E::template packed_numbers<tuning>);
    if constexpr (tile::weight_placement<Exec, tuning>(rows, copies) ==
                  tile::WeightPlacement::copied)
      return E::template packed_numbers<tuning>;
  }
  return 0;
}

/// packed (E::packed_numbers<tuning>) = copies of the weights of energy, in the layout that kernels
/// of the tuning read. Asynchronous on exec.
/// \returns the energy that reads them
template <tile::Tuning tuning, class Exec, class E>
auto pack(Exec const& exec, E const& energy, typename E::scalar_type* packed) {
  // In phases: as many threads share the copies as there are elements.
  constexpr tile::Tuning all = [] {
    tile::Tuning t = tuning;
    t.strategy     = tile::Strategy::layerwise;
    t.team         = tuning.team > 0 ? tuning.team : 1;
    return t;
  }();
  tile::for_each_tile<all>(exec, "basin::pack", 1, detail::PackWeights<E>{energy, packed});
  return energy.with_copies(
      tile::WeightCopies<typename E::scalar_type, tile::layout_of(tuning)>{packed});
}

namespace detail {

template <class E, tile::Tuning tuning, class Exec>
struct PackedEnergy {
  using type = E;
};
template <class E, tile::Tuning tuning, class Exec>
  requires(packed_numbers<E, tuning, Exec>() > 0)
struct PackedEnergy<E, tuning, Exec> {
  using copies = tile::WeightCopies<typename E::scalar_type, tile::layout_of(tuning)>;
  using type   = decltype(std::declval<E const&>().with_copies(copies{}));
};

}  // namespace detail

/// The energy as kernels of a tuning read it: E itself, or E with copies of its weights.
template <class E, tile::Tuning tuning, class Exec>
using packed_energy = typename detail::PackedEnergy<E, tuning, Exec>::type;

}  // namespace basin::energy

#endif
