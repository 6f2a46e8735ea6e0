// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_GELU_HPP
#define BASIN_LAYER_GELU_HPP

#include <basin/layer/elementwise.hpp>
#include <basin/tile/math.hpp>

namespace basin::layer {

/// GELU: f(x) = x Phi(x), f' = Phi + x phi, Phi and phi the distribution function and density of
/// N(0, 1); the exact form, not the tanh approximation. Smooth.
/// Source: Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2.
struct Gelu {
  static constexpr int smoothness = smooth;
  template <int Order, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void evaluate(V x, V (&f)[Order + 1]) {
    // Beyond it phi is 0, and Phi 0 or 1: no product of 0 with an infinite x or x^2.
    constexpr typename V::value_type end = 40;
    V const y                            = clamp(x, -end, end);
    V density, distribution;
    tile::normal_density_and_distribution(y, density, distribution);
    f[0] = where_less(x, V(-end), V(0), x * distribution);
    if constexpr (Order > 0) f[1] = fma(y, density, distribution);
    if constexpr (Order > 1) f[2] = density * fma(-y, y, V(2));
    if constexpr (Order > 2) f[3] = density * y * fma(y, y, V(-4));
  }
};

}  // namespace basin::layer

#endif
