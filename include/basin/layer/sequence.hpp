// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_SEQUENCE_HPP
#define BASIN_LAYER_SEQUENCE_HPP

namespace basin::layer {

/// Layers one after the other, as if they were written out: a name for a block that is reused. So it
/// is in the names of PyTorch's modules: no Sequential of its own.
///
///   template <int Channels>
///   using Block = Sequence<Conv2d<Channels, 3>, GroupNorm<8>, Silu>;
template <class... Layers>
struct Sequence {
  static_assert(sizeof...(Layers) > 0, "basin::layer::Sequence: write at least one layer.");
};

}  // namespace basin::layer

#endif
