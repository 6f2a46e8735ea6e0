// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_SCALING_HPP
#define BASIN_TILE_SCALING_HPP

#include <basin/tile/jet.hpp>

// Sums of squares of any finite numbers. A square leaves the range of the scalar where the number
// is beyond 1.8e19 or below 1e-19 in float; there all are divided by a power of two first, which
// rounds nothing. Where the plain sum is in range it is used as it is, to the bit.

namespace basin::tile {

/// A power of two and its reciprocal.
template <class V>
struct Unit {
  V size{typename V::value_type(1)}, inverse{typename V::value_type(1)};
};

/// The largest power of two that is not above |a|, limited so that it and its reciprocal are normal
/// numbers. Of 0 the smallest.
template <class T, int N>
KOKKOS_FORCEINLINE_FUNCTION Unit<Simd<T, N>> unit_of(Simd<T, N> a) {
  using I                = detail::signed_of<T>;
  constexpr int mantissa = sizeof(T) == 8 ? 52 : 23;
  constexpr I top        = sizeof(T) == 8 ? 2045 : 253;  // 2^1022 or 2^126
  Simd<I, N> e           = bits<I>(abs(a)) >> mantissa;
  e                      = where_less(e, Simd<I, N>(I(1)), Simd<I, N>(I(1)), e);
  e                      = where_less(Simd<I, N>(top), e, Simd<I, N>(top), e);
  return {bits<T>(e << mantissa), bits<T>((Simd<I, N>(I(top + 1)) - e) << mantissa)};
}

/// A sum of squares in range: of numbers whose squares have neither overflowed nor lost digits.
template <class T>
struct SquareRange {
  static constexpr T least = sizeof(T) == 8 ? T(0x1p-960) : T(0x1p-80f);
  static constexpr T most  = sizeof(T) == 8 ? T(0x1p1000) : T(0x1p120f);
};

/// sum a^2 = squares unit.size^2
template <class V>
struct ScaledSquares {
  V squares;
  Unit<V> unit;
};

/// The squares of n numbers whose plain sum of squares is 'sum', lane by lane; element(k) is number
/// k, and is asked again only if a lane is out of range. NaN gives NaN, and an infinite number
/// infinite squares.
template <class V, class F>
KOKKOS_FORCEINLINE_FUNCTION ScaledSquares<V> scaled_squares(V sum, int n, F const& element) {
  using T     = typename V::value_type;
  using range = SquareRange<T>;
  // Copied: a static member that is passed by reference would need a definition on a device.
  constexpr T least = range::least, most = range::most;
  bool plain = true;
  for (int l = 0; l < V::lanes; ++l) plain = plain && sum[l] > least && sum[l] < most;
  if (plain) return {sum, {}};
  V largest(T(0));
  for (int k = 0; k < n; ++k) {
    V const a = abs(element(k));
    largest   = where_less(largest, a, a, largest);
  }
  Unit<V> const scaled = unit_of(largest);
  V squares(T(0));
  for (int k = 0; k < n; ++k) {
    V const a = scaled.inverse * element(k);
    squares   = squares + a * a;
  }
  auto const choose = [&](V in_range, V outside) {
    return where_less(V(least), sum, where_less(sum, V(most), in_range, outside), outside);
  };
  V const one(T(1));
  return {choose(sum, squares), {choose(one, scaled.size), choose(one, scaled.inverse)}};
}

/// |a|_2 = norm unit.size
template <class V>
struct ScaledNorm {
  V norm;
  Unit<V> unit;
};

/// The norm, otherwise as scaled_squares.
template <class V, class F>
KOKKOS_FORCEINLINE_FUNCTION ScaledNorm<V> scaled_norm(V sum, int n, F const& element) {
  ScaledSquares<V> const of = scaled_squares(sum, n, element);
  return {sqrt(of.squares), of.unit};
}

/// Adds sums of squares of different units, in the largest of them.
template <class T>
struct AddSquares {
  T squares = 0, unit = sizeof(T) == 8 ? T(0x1p-1022) : T(0x1p-126f);

  KOKKOS_FORCEINLINE_FUNCTION void add(T s, T u) {
    if (u > unit) {
      T const r = unit / u;
      squares   = squares * r * r + s;
      unit      = u;
    } else {
      T const r = u / unit;
      squares += s * r * r;
    }
  }
};

}  // namespace basin::tile

#endif
