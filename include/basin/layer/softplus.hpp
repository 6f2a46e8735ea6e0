// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_SOFTPLUS_HPP
#define BASIN_LAYER_SOFTPLUS_HPP

#include <basin/layer/elementwise.hpp>
#include <basin/tile/math.hpp>

namespace basin::layer {

/// Softplus: f(x) = ln(1 + e^x), f' the logistic function. Smooth.
/// Source: Dugas et al. 2001, "Incorporating second-order functional knowledge", NIPS 13, eq. 1.
struct Softplus {
  static constexpr int smoothness = smooth;
  template <int Order, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void evaluate(V x, V (&f)[Order + 1]) {
    f[0] = tile::softplus(x);
    if constexpr (Order > 0) f[1] = tile::sigmoid(x);
    if constexpr (Order > 1) f[2] = f[1] * (V(1) - f[1]);
    if constexpr (Order > 2) f[3] = f[2] * (V(1) - f[1] - f[1]);
  }
};

}  // namespace basin::layer

#endif
