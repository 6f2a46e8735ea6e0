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
    using T     = typename V::value_type;
    T const end = tile::detail::exp_end<T>;
    V const y   = where_less(x, V(-end), V(-end), x);  // there s is 0: no product of 0 and -inf
    V const s   = V(1) / (V(1) + tile::detail::exp_up_to_end(-y));
    f[0]        = y * s;
    if constexpr (Order > 0) f[1] = fma(f[0], V(1) - s, s);
    if constexpr (Order > 1) {
      V const s1 = s * (V(1) - s), s2 = s1 * (V(1) - s - s);
      f[2] = fma(y, s2, s1 + s1);
      if constexpr (Order > 2) f[3] = fma(y, s2 * (V(1) - s - s) - (s1 + s1) * s1, V(3) * s2);
    }
  }
};

}  // namespace basin::layer

#endif
