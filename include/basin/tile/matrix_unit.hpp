// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_MATRIX_UNIT_HPP
#define BASIN_TILE_MATRIX_UNIT_HPP

#include <basin/tile/team.hpp>

#include <Kokkos_BitManipulation.hpp>

#include <cstdint>
#include <type_traits>

// NVIDIA's matrix units (tensor cores): c += a b of a 16 x k by a k x 8 matrix, k = 8 (tf32) or 16
// (bf16), spread over the threads of a warp. Which thread holds what: PTX ISA 8.5, section
// 9.7.14.5, "Matrix Fragments for mma.m16n8k8" and "mma.m16n8k16". Everywhere else one thread
// emulates the warp, so that the same results can be computed, and tested, on any machine.

namespace basin::tile {

/// x rounded to the precision of a product's inputs, to nearest: tf32 with ties away from 0, as
/// cvt.rna, bf16 with ties to even, as cvt.rn.
KOKKOS_FORCEINLINE_FUNCTION float rounded(float x, Precision precision) {
  std::uint32_t const b = Kokkos::bit_cast<std::uint32_t>(x);
  if (precision == Precision::full || (b & 0x7f800000u) == 0x7f800000u) return x;
  if (precision == Precision::tf32) return Kokkos::bit_cast<float>((b + 0x1000u) & 0xffffe000u);
  return Kokkos::bit_cast<float>((b + 0x7fffu + ((b >> 16) & 1u)) & 0xffff0000u);
}

/// Whether products of values V, of which they read Read, have a tuning's reduced precision; those
/// of jets do not.
template <Tuning tuning, class V, class Read>
inline constexpr bool reads_reduced =
    tuning.precision != Precision::full && V::order == 0 && std::is_same_v<Read, V>;

/// Two bf16 values in one register, the first in the lower half.
KOKKOS_FORCEINLINE_FUNCTION std::uint32_t bf16_pair(float first, float second) {
  std::uint32_t const low = Kokkos::bit_cast<std::uint32_t>(rounded(first, Precision::bf16));
  return (Kokkos::bit_cast<std::uint32_t>(rounded(second, Precision::bf16)) & 0xffff0000u) |
         (low >> 16);
}

/// Which elements the registers of a fragment hold, for lane 4 g + q of a warp.
template <Precision precision>
struct Fragments {
  static_assert(precision != Precision::full);
  static constexpr bool pairs = precision == Precision::bf16;  ///< values in a register: 2 or 1
  static constexpr int rows = 16, columns = 8, steps = pairs ? 16 : 8;
  /// Distance from the first to the second step of a register. Any order of steps is right as long
  /// as a and b agree; with this one neighboring threads read neighboring rows of b, not every
  /// second.
  static constexpr int second = 4;

  /// Row and (first) step of register i < 4 of a.
  static KOKKOS_FORCEINLINE_FUNCTION constexpr int row_of_a(int lane, int i) {
    return lane / 4 + i % 2 * 8;
  }
  static KOKKOS_FORCEINLINE_FUNCTION constexpr int step_of_a(int lane, int i) {
    return lane % 4 + i / 2 * steps / 2;
  }
  /// (First) step and column of register i < 2 of b.
  static KOKKOS_FORCEINLINE_FUNCTION constexpr int step_of_b(int lane, int i) {
    return lane % 4 + i * steps / 2;
  }
  static KOKKOS_FORCEINLINE_FUNCTION constexpr int column_of_b(int lane) { return lane / 4; }
  /// Row and column of register i < 4 of c.
  static KOKKOS_FORCEINLINE_FUNCTION constexpr int row_of_c(int lane, int i) {
    return lane / 4 + i / 2 * 8;
  }
  static KOKKOS_FORCEINLINE_FUNCTION constexpr int column_of_c(int lane, int i) {
    return lane % 4 * 2 + i % 2;
  }

  /// The register of one or two values of a or b.
  static KOKKOS_FORCEINLINE_FUNCTION std::uint32_t encode(float first, float second) {
#if BASIN_MATRIX_UNITS
    if constexpr (pairs) return unit_bf16(first, second);
    return unit_tf32(first);
#else
    if constexpr (pairs) return bf16_pair(first, second);
    return Kokkos::bit_cast<std::uint32_t>(rounded(first, Precision::tf32));
#endif
  }

  /// c += a b
  template <class W>
  static KOKKOS_FORCEINLINE_FUNCTION void multiply_add(W const&, float (&c)[W::slots][4],
                                                       std::uint32_t const (&a)[W::slots][4],
                                                       std::uint32_t const (&b)[W::slots][2]) {
    if constexpr (W::slots == 1) {
#if BASIN_MATRIX_UNITS
      if constexpr (pairs)
        unit_multiply_bf16(c[0], a[0], b[0]);
      else
        unit_multiply_tf32(c[0], a[0], b[0]);
#endif
    } else {
      float whole_a[rows][steps], whole_b[steps][columns];
      for (int l = 0; l < 32; ++l) {
        for (int i = 0; i < 4; ++i)
          for (int h = 0; h <= int(pairs); ++h)
            whole_a[row_of_a(l, i)][step_of_a(l, i) + h * second] = decode(a[l][i], h);
        for (int i = 0; i < 2; ++i)
          for (int h = 0; h <= int(pairs); ++h)
            whole_b[step_of_b(l, i) + h * second][column_of_b(l)] = decode(b[l][i], h);
      }
      for (int l = 0; l < 32; ++l)
        for (int i = 0; i < 4; ++i)
          for (int k = 0; k < steps; ++k)
            c[l][i] =
                Kokkos::fma(whole_a[row_of_c(l, i)][k], whole_b[k][column_of_c(l, i)], c[l][i]);
    }
  }

 private:
  static KOKKOS_FORCEINLINE_FUNCTION float decode(std::uint32_t r, int second) {
    if constexpr (pairs) return Kokkos::bit_cast<float>(second ? r & 0xffff0000u : r << 16);
    return Kokkos::bit_cast<float>(r);
  }
};

}  // namespace basin::tile

#endif
