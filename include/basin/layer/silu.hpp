// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_SILU_HPP
#define BASIN_LAYER_SILU_HPP

#include <basin/layer/elementwise.hpp>
#include <basin/tile/math.hpp>

namespace basin::layer {

/// SiLU or Swish: f(x) = x s(x), f' = s + x s (1 - s), s the logistic function. Smooth.
/// Source: Ramachandran, Zoph and Le 2017, arXiv:1710.05941, eq. 1 with beta = 1.
struct Silu {
  template <int Order, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void evaluate(V x, V (&f)[Order + 1]) {
    V const s = tile::sigmoid(x);
    f[0]      = x * s;
    if constexpr (Order > 0) f[1] = fma(f[0], V(1) - s, s);
  }
};

}  // namespace basin::layer

#endif
