// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_RESIDUAL_HPP
#define BASIN_LAYER_RESIDUAL_HPP

#include <basin/layer/conv2d.hpp>
#include <basin/layer/dense.hpp>

namespace basin::layer {

namespace detail {

template <Shape From, Shape To>
struct Projection {
  using type = Dense<To::size>;
};
template <ImageShape From, ImageShape To>
struct Projection<From, To> {
  static constexpr int stride = (From::height + To::height - 1) / To::height;
  static_assert(
      (From::height + stride - 1) / stride == To::height &&
          (From::width + stride - 1) / stride == To::width,
      "basin::layer::Residual: no 1x1 projection leads from the image before the block to "
      "the one behind it; give the layers inside one stride for both directions.");
  using type = Conv2d<To::channels, 1, stride>;
};

}  // namespace detail

/// y = F(x) + x, where F is the chain of Layers; if F changes the shape, y = F(x) + P x with a
/// learned 1x1 convolution P whose stride fits (a Dense for vectors).
/// Source: He, Zhang, Ren and Sun 2016, CVPR, eqs. 1 and 2.
///
/// The network runs the layers inside as its own: they fuse as elsewhere, and the sum is part of
/// the last one's pass. In PyTorch a module with 'body', a Sequential, and 'projection'.
///
/// \tparam Layers  F, first to last; elementwise layers and blocks as well
template <class... Layers>
struct Residual {
  static_assert(sizeof...(Layers) > 0, "basin::layer::Residual: write at least one layer.");
  template <Shape From, Shape To>
  using projection = typename detail::Projection<From, To>::type;
};

}  // namespace basin::layer

#endif
