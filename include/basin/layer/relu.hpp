// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_RELU_HPP
#define BASIN_LAYER_RELU_HPP

#include <basin/layer/elementwise.hpp>
#include <basin/tile/math.hpp>

#include <ratio>

namespace basin::layer {

/// Leaky rectifier: f(x) = x for x > 0, else Slope x; f' = 1 or Slope, and Slope at 0. Continuous
/// only. Source: Maas, Hannun and Ng 2013, "Rectifier nonlinearities improve neural network
/// acoustic models", ICML workshop, eq. 2, with Slope = 1/100 there; JEM uses 1/5.
///
/// \tparam Slope  a std::ratio
template <class Slope = std::ratio<1, 100>>
struct LeakyRelu {
  static constexpr int smoothness = 0;
  template <int Order, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void evaluate(V x, V (&f)[Order + 1]) {
    using T           = typename V::value_type;
    constexpr T slope = static_cast<T>(Slope::num) / static_cast<T>(Slope::den);
    if constexpr (Slope::num == 0)
      f[0] = where_less(x, V(0), V(0), x);  // no product: that of 0 and -inf is NaN
    else
      f[0] = where_less(V(0), x, x, V(slope) * x);
    // NaN is below neither.
    if constexpr (Order > 0) f[1] = where_less(V(0), x, V(1), where_less(x, V(1), V(slope), x));
  }
};

/// Rectifier: f(x) = max(x, 0); f' = 0 at 0.
using Relu = LeakyRelu<std::ratio<0>>;

}  // namespace basin::layer

#endif
