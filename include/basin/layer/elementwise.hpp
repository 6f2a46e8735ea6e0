// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_ELEMENTWISE_HPP
#define BASIN_LAYER_ELEMENTWISE_HPP

#include <basin/core/philox.hpp>
#include <basin/tile/jet.hpp>

#include <concepts>
#include <utility>

namespace basin::layer {

/// A pass that samples or scores: layers that are random in training are off.
struct Inference {};

/// A pass that trains: the draws of random layers.
struct Training {
  Stream stream;                   ///< purpose is set by the layer
  std::uint32_t first_sample = 0;  ///< index of the sample in lane 0 of the tile
};

/// The site of an elementwise layer: which element of which samples, in which pass.
template <class Pass>
struct Site {
  Pass pass;
  int layer;   ///< index of the layer in the network
  int row;     ///< element
  int sample;  ///< first sample of the vector, counted from the tile's
};

/// An elementwise layer y = f(x), as a map of one value: it has no weights and mixes no elements,
/// so that a network fuses it into the layer before it.
///
/// 'template <int Order, class V> static void evaluate(V x, V (&f)[Order + 1])' writes f and, for
/// larger Order, f', f'' and f''' as far as it goes; V is a tile::Simd. Orders past 1 are asked for
/// jets, of layers with 'static constexpr int smoothness': how many derivatives of f are
/// continuous, or layer::smooth.
template <class L>
concept PureElementwise = requires(tile::Simd<float, 1> x, tile::Simd<float, 1> (&f)[2]) {
  L::template evaluate<1>(x, f);
};

/// An elementwise layer that depends on its site: 'evaluate(site, x, f)'.
template <class L>
concept SitedElementwise =
    requires(Site<Training> site, tile::Simd<float, 1> x, tile::Simd<float, 1> (&f)[2]) {
      L::template evaluate<1>(site, x, f);
    };

template <class L>
concept Elementwise = PureElementwise<L> || SitedElementwise<L>;

/// The smoothness of a function that has all derivatives.
inline constexpr int smooth = 1 << 20;

/// Continuous derivatives of an elementwise layer; a layer that does not name them has none.
template <class L>
inline constexpr int smoothness_of = 0;
template <class L>
  requires requires { +L::smoothness; }
inline constexpr int smoothness_of<L> = L::smoothness;

/// The composition of elementwise layers, first to last: f = f_n(... f_1(x)), f' by the chain rule.
template <Elementwise... Layers>
struct Composition {
  static constexpr bool identity  = sizeof...(Layers) == 0;
  static constexpr int smoothness = [] {
    int least = smooth;
    ((least = smoothness_of<Layers> < least ? smoothness_of<Layers> : least), ...);
    return least;
  }();

  /// f(x) and, with Order 1, f'(x); of a jet x as jets.
  template <int Order, class Pass, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void evaluate([[maybe_unused]] Site<Pass> site, V x,
                                                   V (&f)[Order + 1]) {
    static_assert(Order <= 1);
    f[0] = x;
    if constexpr (Order > 0 && identity) f[1] = V(1);
    apply<Order>(site, f, std::index_sequence_for<Layers...>{});
  }

 private:
  template <int Order, class Pass, class V, int Size, std::size_t... I>
  static KOKKOS_FORCEINLINE_FUNCTION void apply([[maybe_unused]] Site<Pass>& site, V (&f)[Size],
                                                std::index_sequence<I...>) {
    (apply_one<Layers, Order, (I == 0)>(site, f), ...);
  }

  template <class L, int Order, bool first, class Pass, class V, int Size>
  static KOKKOS_FORCEINLINE_FUNCTION void apply_one(Site<Pass>& site, V (&f)[Size]) {
    constexpr int most = Order + V::order;  // derivatives that are needed
    static_assert(
        most <= 1 || smoothness_of<L> >= most,
        "basin::layer: this evaluation needs further derivatives of the elementwise layer "
        "L than it has; write a smooth one, for example layer::Silu. A layer of your own "
        "names its 'static constexpr int smoothness' and writes f'' and f'''.");
    typename V::simd_type g[most + 1];
    if constexpr (PureElementwise<L>)
      L::template evaluate<most>(tile::coefficient(f[0], 0), g);
    else
      L::template evaluate<most>(site, tile::coefficient(f[0], 0), g);
    [[maybe_unused]] V const x = f[0];
    if constexpr (V::order == 0) {
      f[0] = g[0];
      if constexpr (Order > 0) f[1] = first ? g[1] : f[1] * g[1];
    } else {
      f[0] = tile::compose(x, g);
      if constexpr (Order > 0) {
        V const slope = tile::compose(x, g + 1);
        if constexpr (first)
          f[1] = slope;
        else
          f[1] = f[1] * slope;
      }
    }
    ++site.layer;
  }
};

}  // namespace basin::layer

#endif
