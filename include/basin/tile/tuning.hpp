// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_TUNING_HPP
#define BASIN_TILE_TUNING_HPP

#include <basin/core/shape.hpp>

#include <Kokkos_Core.hpp>

namespace basin::tile {

/// How a backend cuts the work. Results do not depend on it: tests run several and compare bits.
struct Tuning {
  int width;    ///< T, chains of a tile
  int lanes;    ///< values of a pack, a power of two of at most 64 bytes; divides width
  int rows;     ///< rows of the register block of a matrix product
  int vectors;  ///< packs of the register block; lanes * vectors divides width
  int team;     ///< threads that share a tile; 0: one thread, no barriers
};

/// The tuning of an execution space, by architecture, for work that needs workspace_rows rows a
/// tile.
///
/// Host: two packs a row, and as many rows as leave registers for a broadcast and two packs of x:
/// 12 accumulators of 16 registers, or 24 of 32. Fewer do not hide the latency of a multiply-add;
/// one pack a row loads a broadcast for every multiply-add. With 32 registers the narrow tile is
/// nearly as fast, and faster where the wide one does not fit the second cache, taken as 1 MiB.
template <class Exec, Real Scalar, int workspace_rows = 0>
constexpr Tuning default_tuning() {
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
#if defined(__AVX512F__)
    constexpr int lanes = 64 / static_cast<int>(sizeof(Scalar));
    if (workspace_rows > (1 << 20) / 128)
      return {.width = lanes, .lanes = lanes, .rows = 24, .vectors = 1, .team = 0};
    return {.width = 2 * lanes, .lanes = lanes, .rows = 12, .vectors = 2, .team = 0};
#elif defined(__AVX2__)
    constexpr int lanes = 32 / static_cast<int>(sizeof(Scalar));
    return {.width = 2 * lanes, .lanes = lanes, .rows = 6, .vectors = 2, .team = 0};
#else
    constexpr int lanes = 16 / static_cast<int>(sizeof(Scalar));
    return {.width = 4 * lanes, .lanes = lanes, .rows = 6, .vectors = 2, .team = 0};
#endif
  } else {
    return {.width = 16, .lanes = 4, .rows = 4, .vectors = 1, .team = 256};
  }
}

/// The tuning for jets of an order: with as many registers of accumulators, one pack of chains
/// wide.
constexpr Tuning jet_tuning(Tuning t, int order) {
  if (order == 0) return t;
  int const rows = t.rows * t.vectors / (order + 1);
  return {.width   = t.team == 0 ? t.lanes : t.width,
          .lanes   = t.lanes,
          .rows    = rows > 0 ? rows : 1,
          .vectors = 1,
          .team    = t.team};
}

}  // namespace basin::tile

#endif
