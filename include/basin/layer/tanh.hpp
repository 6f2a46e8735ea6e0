// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_TANH_HPP
#define BASIN_LAYER_TANH_HPP

#include <basin/layer/elementwise.hpp>
#include <basin/tile/math.hpp>

namespace basin::layer {

/// Hyperbolic tangent: f(x) = tanh x, f' = 1 - f^2. Smooth.
struct Tanh {
  static constexpr int smoothness = smooth;
  template <int Order, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void evaluate(V x, V (&f)[Order + 1]) {
    f[0] = tile::tanh(x);
    if constexpr (Order > 0) f[1] = fma(-f[0], f[0], V(1));
    if constexpr (Order > 1) f[2] = V(-2) * f[0] * f[1];
    if constexpr (Order > 2) f[3] = V(-2) * fma(f[1], f[1], f[0] * f[2]);
  }
};

}  // namespace basin::layer

#endif
