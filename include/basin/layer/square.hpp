// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_SQUARE_HPP
#define BASIN_LAYER_SQUARE_HPP

#include <basin/layer/elementwise.hpp>
#include <basin/tile/math.hpp>

namespace basin::layer {

/// Square: f(x) = x^2, f' = 2 x. Smooth. As the last layer it gives an energy that is bounded
/// below.
struct Square {
  static constexpr int smoothness = smooth;
  template <int Order, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void evaluate(V x, V (&f)[Order + 1]) {
    f[0] = x * x;
    if constexpr (Order > 0) f[1] = x + x;
    if constexpr (Order > 1) f[2] = V(2);
    if constexpr (Order > 2) f[3] = V(0);
  }
};

}  // namespace basin::layer

#endif
