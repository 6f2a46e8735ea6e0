// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_PACKED_HPP
#define BASIN_TESTS_SUPPORT_PACKED_HPP

#include <basin/energy/pack.hpp>

#include "support/all_derivatives.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>

#include <limits>
#include <vector>

namespace basin::test {

/// Copies of the weights of net for a tuning.
template <class Exec, tile::Tuning tuning, class Net>
Kokkos::View<typename Net::scalar_type*, Exec> copies_of(Net const& net) {
  using Scalar = typename Net::scalar_type;
  Kokkos::View<Scalar*, Exec> const copies("copies", +Net::template packed_numbers<tuning>);
  // What pack leaves out would be seen.
  Kokkos::deep_copy(copies, std::numeric_limits<Scalar>::quiet_NaN());
  energy::pack<tuning>(Exec(), net, copies.data());
  return copies;
}

/// The energy that reads copies made for a tuning; null: theta.
template <tile::Tuning tuning, class Net>
auto read(Net const& net, typename Net::scalar_type const* copies) {
  return net.with_copies(
      tile::WeightCopies<typename Net::scalar_type, tile::layout_of(tuning)>{copies});
}

/// A network has the same bits with and without packed weights, and reads them.
template <class Exec, class Net, tile::Tuning tuning>
void check_packed() {
  using Scalar = typename Net::scalar_type;
  if (!has_threads<Exec>(tuning)) return;
  CAPTURE(tuning.width, tuning.rows, tuning.team);
  Model<Exec, Net> const model(parameters_of<Net>(1));
  auto const plain  = all_derivatives<Exec, tuning>(read<tuning>(model.net(), nullptr));
  auto const copies = copies_of<Exec, tuning>(model.net());
  CHECK(all_derivatives<Exec, tuning>(read<tuning>(model.net(), copies.data())) == plain);
  // They are read: other copies are another energy.
  auto const other = on_host(copies);
  std::vector<double> doubled(other.begin(), other.end());
  for (double& w : doubled) w *= 2;
  auto const wrong     = on_device<Exec, Scalar>(doubled);
  auto const changed   = all_derivatives<Exec, tuning>(read<tuning>(model.net(), wrong.data()));
  bool constexpr reads = (tuning.rows & (tuning.rows - 1)) == 0;
  for (std::size_t kind = 0; kind < plain.size(); ++kind) {
    CAPTURE(kind);
    // A GPU's block makes copies of its own where they fit, and reads these.
    if constexpr (is_host<Exec>) CHECK((changed[kind] != plain[kind]) == reads);
  }
}

/// Tunings in which products read packed copies: all that a network does in a tile, and in phases.
template <class Exec>
inline constexpr tile::Tuning in_tiles =
    is_host<Exec> ? tile::Tuning{16, 4, 4, 1, 1}
                  : tile::Tuning{16, 4, 4, 2, 128, tile::shared_memory<Exec>()};
template <class Exec>
inline constexpr tile::Tuning in_phases =
    is_host<Exec> ? layerwise(tile::Tuning{16, 8, 2, 1, 2})
                  : layerwise(tile::Tuning{16, 4, 2, 1, 64, tile::shared_memory<Exec>()});

}  // namespace basin::test

#endif
