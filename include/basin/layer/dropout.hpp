// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_DROPOUT_HPP
#define BASIN_LAYER_DROPOUT_HPP

#include <basin/layer/elementwise.hpp>
#include <basin/tile/random.hpp>

#include <ratio>
#include <type_traits>

namespace basin::layer {

/// Inverted dropout. Training: f(x) = m x / (1 - p), m ~ Bernoulli(1 - p) for each element of each
/// sample; sampling and scoring: f(x) = x.
/// Source: Srivastava et al. 2014, JMLR 15, section 4, scaled in training (section 10).
///
/// \tparam Probability  p, a std::ratio in [0, 1)
template <class Probability = std::ratio<1, 2>>
struct Dropout {
  static_assert(Probability::num >= 0 && Probability::num < Probability::den,
                "basin::layer::Dropout<Probability>: Probability must be in [0, 1).");

  static constexpr int smoothness = smooth;

  template <int Order, class Pass, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void evaluate(Site<Pass> site, V x, V (&f)[Order + 1]) {
    using T = typename V::value_type;
    V factor(1);
    f[0] = x;
    if constexpr (std::is_same_v<Pass, Training>) {
      constexpr T p = static_cast<T>(Probability::num) / static_cast<T>(Probability::den);
      constexpr T keep =
          static_cast<T>(Probability::den) / static_cast<T>(Probability::den - Probability::num);
      Stream stream  = site.pass.stream;
      stream.purpose = Purpose::dropout;
      // The layer's index is in the bits above the step: training ends far below 2^32 steps.
      stream.step |= static_cast<std::uint64_t>(site.layer) << 32;
      V u[4];
      tile::uniform_block(stream, static_cast<std::uint32_t>(site.row / 4),
                          site.pass.first_sample + site.sample, u);
      V const mine = site.row % 4 == 0   ? u[0]
                     : site.row % 4 == 1 ? u[1]
                     : site.row % 4 == 2 ? u[2]
                                         : u[3];
      factor       = where_less(mine, V(p), V(0), V(keep));
      f[0]         = where_less(mine, V(p), V(0), x * V(keep));  // 0 of an infinite x too
    }
    if constexpr (Order > 0) f[1] = factor;
    BASIN_UNROLL for (int k = 2; k <= Order; ++k) f[k] = V(0);
  }
};

}  // namespace basin::layer

#endif
