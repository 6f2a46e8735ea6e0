// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_PLACEMENT_HPP
#define BASIN_TILE_PLACEMENT_HPP

#include <basin/tile/library.hpp>
#include <basin/tile/tuning.hpp>

#include <cstddef>
#include <type_traits>

namespace basin::tile {

/// Where the products of a kernel read weights, in the order of preference on a GPU.
enum class WeightPlacement {
  natural,  ///< in main memory, in the order of theta: hosts, and products of a library
  staged,   ///< copies that every block makes in its own shared memory
  copied,   ///< copies in main memory that are made once per update, see energy::pack
};

/// Where copies start behind a workspace in shared memory, in bytes.
constexpr std::size_t copies_offset(std::size_t workspace) { return (workspace + 127) / 128 * 128; }

/// The one decision about weights, for kernels and for who makes copies.
///
/// \param workspace  bytes of a tile's workspace
/// \param copies     bytes of all copies of weights in the layout of the tuning; 0: there are none
template <class Exec, Tuning tuning>
constexpr WeightPlacement weight_placement(std::size_t workspace, std::size_t copies) {
  if (!has_blocks<Exec> || tuning.shared == 0 || copies == 0) return WeightPlacement::natural;
  if (tuning.strategy == Strategy::layerwise)
    return std::is_same_v<library_of<Exec>, NoLibrary> ? WeightPlacement::copied
                                                       : WeightPlacement::natural;
  std::size_t const shared = static_cast<std::size_t>(tuning.shared);
  // A workspace that does not fit lies in main memory and leaves shared memory to the weights.
  std::size_t const at = workspace <= shared ? copies_offset(workspace) : 0;
  return at + copies <= shared ? WeightPlacement::staged : WeightPlacement::copied;
}

}  // namespace basin::tile

#endif
