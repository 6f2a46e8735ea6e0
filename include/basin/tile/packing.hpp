// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_PACKING_HPP
#define BASIN_TILE_PACKING_HPP

#include <basin/tile/matrix_unit.hpp>

#include <cstddef>
#include <type_traits>

namespace basin::tile {

/// What of a tuning decides how copies of weights are laid out.
struct CopyLayout {
  Precision precision;
  int rows;  ///< rows of the register block; 0 with reduced precision

  bool operator==(CopyLayout const&) const = default;
};
constexpr CopyLayout layout_of(Tuning t) {
  return {t.precision, t.precision == Precision::full ? t.rows : 0};
}

/// Copies of an energy's weights in main memory, as energy::pack leaves them. Their layout is part
/// of the type, so that no kernel reads them in another one.
template <class Scalar, CopyLayout layout_of_copies>
struct WeightCopies {
  static constexpr CopyLayout layout = layout_of_copies;
  Scalar const* data                 = nullptr;  ///< aligned to 16 bytes
};
/// There are none: kernels read theta, or make copies of their own.
struct NoCopies {};

/// Copies of weights W (taps, rows, columns), in the order in which the teams of a tuning read
/// them: for products with W, then for products with W^T. A copy is aligned to 16 bytes where its
/// array is.
///
/// Of a product with R rows per thread, thread g of G = ceil(rows / R) has the rows g, g + G, ...:
///
///   packed[tap][k][g][r] = W[tap][g + r G][k], 0 past the last row,
///
/// so that neighboring threads read neighboring values and write neighboring rows. With reduced
/// precision the fragments of a matrix unit:
///
///   packed[tap][tile of 16 rows][tile of steps][lane][register]
template <class Scalar, CopyLayout copy_layout>
struct Packing {
  static constexpr CopyLayout layout = copy_layout;
  static constexpr bool fragments    = layout.precision != Precision::full;
  static_assert(!fragments || std::is_same_v<Scalar, float>,
                "basin::tile::Precision: tf32 and bf16 are for float networks; write "
                "Precision::full.");

  /// Numbers of the copy of a matrix with which products have 'rows' results and 'steps' terms.
  static constexpr KOKKOS_FUNCTION int numbers(int rows, int steps) {
    if constexpr (fragments) {
      constexpr int k = Fragments<layout.precision>::steps;
      return (rows + 15) / 16 * ((steps + k - 1) / k) * 128;
    } else {
      return steps * ((rows + layout.rows - 1) / layout.rows) * layout.rows;
    }
  }
  /// Numbers of both copies.
  static constexpr KOKKOS_FUNCTION int numbers(int taps, int rows, int columns) {
    return taps * (numbers(rows, columns) + numbers(columns, rows));
  }
  /// Offset of the copy for products with W^T.
  static constexpr KOKKOS_FUNCTION int transposed(int taps, int rows, int columns) {
    return taps * numbers(rows, columns);
  }

  /// Writes both copies, the work shared by the team of c. Ends without a barrier.
  ///
  /// \param w       (taps, rows, columns)
  /// \param packed  (numbers(taps, rows, columns))
  template <class Context>
  static KOKKOS_FUNCTION void fill(Context const& c, int taps, int rows, int columns,
                                   Scalar const* w, Scalar* packed) {
    int const one = numbers(rows, columns), other = numbers(columns, rows);
    c.team().each(taps * one, [=](int i) {
      Scalar const* const of_tap = w + static_cast<std::size_t>(i / one) * rows * columns;
      packed[i]                  = element(i % one, rows, columns, of_tap, columns, 1);
    });
    Scalar* const second = packed + static_cast<std::size_t>(taps) * one;
    c.team().each(taps * other, [=](int i) {
      Scalar const* const of_tap = w + static_cast<std::size_t>(i / other) * rows * columns;
      second[i]                  = element(i % other, columns, rows, of_tap, 1, columns);
    });
  }

 private:
  static KOKKOS_FUNCTION Scalar element(int i, int rows, int steps, Scalar const* w, int row_stride,
                                        int step_stride) {
    auto const at = [=](int row, int k) {
      return row < rows && k < steps ? w[row * row_stride + k * step_stride] : Scalar(0);
    };
    if constexpr (fragments) {
      using F        = Fragments<layout.precision>;
      int const lane = i / 4 % 32, reg = i % 4, tiles = (steps + F::steps - 1) / F::steps;
      int const row      = i / 128 / tiles * 16 + F::row_of_a(lane, reg);
      int const k        = i / 128 % tiles * F::steps + F::step_of_a(lane, reg);
      std::uint32_t bits = F::encode(at(row, k), F::pairs ? at(row, k + F::second) : 0);
      return Kokkos::bit_cast<float>(bits);
    } else {
      constexpr int R = layout.rows;
      int const G     = (rows + R - 1) / R;
      return at(i / R % G + i % R * G, i / R / G);
    }
  }
};

}  // namespace basin::tile

#endif
