// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_SILU_HPP
#define BASIN_LAYER_SILU_HPP

#include <basin/layer/elementwise.hpp>
#include <basin/tile/math.hpp>

namespace basin::layer {

/// SiLU or Swish: f(x) = x s(x), f' = s + x s', s the logistic function, s' = s (1 - s). Smooth.
/// Source: Ramachandran, Zoph and Le 2017, arXiv:1710.05941, eq. 1 with beta = 1.
struct Silu {
  static constexpr int smoothness = smooth;
  template <int Order, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void evaluate(V x, V (&f)[Order + 1]) {
    using T = typename V::value_type;
    // Beyond it s is 0 or 1, and what follows is constant: no product of 0 with an infinite x.
    constexpr T end = sizeof(T) == 8 ? 800 : 88;
    V const s = tile::sigmoid(x), y = clamp(x, -end, end);
    f[0] = where_less(x, V(-end), V(0), x * s);
    if constexpr (Order > 0) f[1] = fma(y * s, V(1) - s, s);
    if constexpr (Order > 1) {
      V const s1 = s * (V(1) - s), s2 = s1 * (V(1) - s - s);
      f[2] = fma(y, s2, s1 + s1);
      if constexpr (Order > 2) f[3] = fma(y, s2 * (V(1) - s - s) - (s1 + s1) * s1, V(3) * s2);
    }
  }
};

}  // namespace basin::layer

#endif
