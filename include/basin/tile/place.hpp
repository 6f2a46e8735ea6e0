// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_PLACE_HPP
#define BASIN_TILE_PLACE_HPP

#include <basin/tile/jet.hpp>

namespace basin::tile {

/// Place of one vector in an array of rows [row][T]: what epilogues and maps are given, so that no
/// layer does index arithmetic. Where V is a jet, a row is [coefficient][T].
template <class V, int T>
struct Place {
  using value_type              = V;
  using scalar_type             = typename V::value_type;
  static constexpr int width    = T;
  static constexpr int row_size = T * (V::order + 1);
  int row;   ///< row of the array
  int lane;  ///< first of the V::lanes chains, in [0, T)

  KOKKOS_FORCEINLINE_FUNCTION V load(scalar_type const* rows) const {
    return tile::load<V>(rows + row * row_size + lane, T);
  }
  KOKKOS_FORCEINLINE_FUNCTION void store(scalar_type* rows, V v) const {
    tile::store(rows + row * row_size + lane, v, T);
  }
  /// One value per row, the same for all chains.
  KOKKOS_FORCEINLINE_FUNCTION V broadcast(scalar_type const* per_row) const {
    return V(per_row[row]);
  }
  KOKKOS_FORCEINLINE_FUNCTION Place at(int other_row) const { return {other_row, lane}; }
};

/// Row-major weights (Rows, Columns) of a matrix product. A handle, not a pointer, so that a
/// context may read packed copies in place of the natural order.
template <class Scalar, int Rows, int Columns>
struct Matrix {
  Scalar const* data;              // (Rows, Columns)
  Scalar const* packed = nullptr;  // see Packing; null: there is none
};

/// As Matrix, for the taps of a convolution.
template <class Scalar>
struct TapWeights {
  Scalar const* data;              // (taps, rows, columns)
  Scalar const* packed = nullptr;  // see Packing; null: there is none

  KOKKOS_FORCEINLINE_FUNCTION TapWeights(Scalar const* w, Scalar const* copies = nullptr)
      : data(w), packed(copies) {}
};
}  // namespace basin::tile

#endif
