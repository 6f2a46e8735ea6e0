// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_DETAIL_POLYNOMIAL_HPP
#define BASIN_TILE_DETAIL_POLYNOMIAL_HPP

#include <basin/tile/simd.hpp>

namespace basin::tile::detail {

// The polynomial with these coefficients, that of the highest power first.
template <class T, int N, int Terms>
KOKKOS_FORCEINLINE_FUNCTION Simd<T, N> horner(Simd<T, N> x, T const (&coefficients)[Terms]) {
  Simd<T, N> p(coefficients[0]);
  BASIN_UNROLL for (int i = 1; i < Terms; ++i) p = fma(p, x, Simd<T, N>(coefficients[i]));
  return p;
}

}  // namespace basin::tile::detail

#endif
