// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_FLATTEN_HPP
#define BASIN_LAYER_FLATTEN_HPP

#include <basin/core/shape.hpp>
#include <basin/layer/elementwise.hpp>

namespace basin::layer {

/// An image as a vector, row-major (height, width, channels); costs nothing. In PyTorch Flatten, whose
/// vector is (channels, height, width): what layers behind it learn is stored in that order.
struct Flatten {
  template <Shape S>
  using output_shape = Vector<S::size>;

  static constexpr int smoothness = smooth;

  template <int Order, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void evaluate(V x, V (&f)[Order + 1]) {
    f[0] = x;
    if constexpr (Order > 0) f[1] = V(1);
    BASIN_UNROLL for (int k = 2; k <= Order; ++k) f[k] = V(0);
  }
};

}  // namespace basin::layer

#endif
