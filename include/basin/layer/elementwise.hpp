// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_ELEMENTWISE_HPP
#define BASIN_LAYER_ELEMENTWISE_HPP

#include <basin/core/philox.hpp>
#include <basin/tile/pack.hpp>

#include <concepts>

namespace basin::layer {

/// A pass that samples or scores: layers that are random in training are off.
struct Inference {};

/// A pass that trains: the draws of random layers.
struct Training {
  Stream stream;                   ///< purpose is set by the layer
  std::uint32_t first_sample = 0;  ///< number of the sample in lane 0 of the tile
};

/// Where an elementwise layer stands: which element of which samples, in which pass.
template <class Pass>
struct Site {
  Pass pass;
  int layer;   ///< number of the layer in the network
  int row;     ///< element
  int sample;  ///< first sample of the pack, counted from the tile's
};

/// An elementwise layer y = f(x), as a map of one number: it has no weights and mixes no elements,
/// so that a network fuses it into the layer before it.
///
/// 'template <int Order, class V> static void evaluate(V x, V (&f)[Order + 1])' writes f and, for
/// Order 1, f'; V is a tile::Pack.
template <class L>
concept PureElementwise = requires(tile::Pack<float, 1> x, tile::Pack<float, 1> (&f)[2]) {
  L::template evaluate<1>(x, f);
};

/// An elementwise layer that asks where it stands: 'evaluate(site, x, f)'.
template <class L>
concept SitedElementwise = requires(Site<Training> site, tile::Pack<float, 1> x,
                                    tile::Pack<float, 1> (&f)[2]) {
  L::template evaluate<1>(site, x, f);
};

template <class L>
concept Elementwise = PureElementwise<L> || SitedElementwise<L>;

/// The composition of elementwise layers, first to last: f = f_n(... f_1(x)), f' by the chain rule.
template <Elementwise... Layers>
struct Composition {
  static constexpr bool identity = sizeof...(Layers) == 0;

  template <int Order, class Pass, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void evaluate([[maybe_unused]] Site<Pass> site, V x,
                                                   V (&f)[Order + 1]) {
    static_assert(Order <= 1);
    f[0] = x;
    if constexpr (Order > 0) f[1] = V(1);
    (apply<Layers, Order>(site, f), ...);
  }

 private:
  template <class L, int Order, class Pass, class V, int Size>
  static KOKKOS_FORCEINLINE_FUNCTION void apply(Site<Pass>& site, V (&f)[Size]) {
    V g[Size];
    if constexpr (PureElementwise<L>)
      L::template evaluate<Order>(f[0], g);
    else
      L::template evaluate<Order>(site, f[0], g);
    f[0] = g[0];
    if constexpr (Order > 0) f[1] = f[1] * g[1];
    ++site.layer;
  }
};

}  // namespace basin::layer

#endif
