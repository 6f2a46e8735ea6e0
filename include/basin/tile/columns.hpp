// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_COLUMNS_HPP
#define BASIN_TILE_COLUMNS_HPP

namespace basin::tile {

/// Columns [begin, end) of arrays whose rows are stride values long: the terms of sums over
/// samples.
struct Columns {
  int begin, end, stride;
};

}  // namespace basin::tile

#endif
