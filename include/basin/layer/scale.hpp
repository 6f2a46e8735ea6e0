// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_SCALE_HPP
#define BASIN_LAYER_SCALE_HPP

#include <basin/layer/elementwise.hpp>
#include <basin/tile/math.hpp>

#include <ratio>

namespace basin::layer {

/// Fixed scaling: f(x) = Factor x + Shift, f' = Factor; in front of a network it brings data into
/// the range that the weights are initialized for: Scale<std::ratio<2>, std::ratio<-1>> maps [0, 1]
/// to [-1, 1].
///
/// \tparam Factor, Shift  std::ratio
template <class Factor, class Shift = std::ratio<0>>
struct Scale {
  static_assert(Factor::num != 0, "basin::layer::Scale<Factor, Shift>: Factor must not be zero.");

  static constexpr int smoothness = smooth;

  template <int Order, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void evaluate(V x, V (&f)[Order + 1]) {
    using T            = typename V::value_type;
    constexpr T factor = static_cast<T>(Factor::num) / static_cast<T>(Factor::den);
    constexpr T shift  = static_cast<T>(Shift::num) / static_cast<T>(Shift::den);
    f[0]               = fma(V(factor), x, V(shift));
    if constexpr (Order > 0) f[1] = V(factor);
    BASIN_UNROLL for (int k = 2; k <= Order; ++k) f[k] = V(0);
  }
};

}  // namespace basin::layer

#endif
