// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_WIDE_RESNET_HPP
#define BASIN_ENERGY_WIDE_RESNET_HPP

#include <basin/energy/classifier.hpp>
#include <basin/layer/conv2d.hpp>
#include <basin/layer/pool.hpp>
#include <basin/layer/relu.hpp>
#include <basin/layer/residual.hpp>
#include <basin/layer/sequence.hpp>

namespace basin::energy {

namespace detail {

template <int Channels, int Stride>
using WideConv  = layer::Conv2d<Channels, 3, Stride, layer::padding::Explicit<1>>;
using WideLeaky = layer::LeakyRelu<std::ratio<1, 5>>;

template <int Blocks, int Channels, int Stride, class... Done>
struct WideStage : WideStage<(Blocks > 0 ? Blocks - 1 : 0), Channels, 1, Done...,
                             layer::Residual<WideLeaky, WideConv<Channels, 1>, WideLeaky,
                                             WideConv<Channels, Stride>>> {};
template <int Channels, int Stride, class... Done>
struct WideStage<0, Channels, Stride, Done...> {
  using type = layer::Sequence<Done...>;
};

template <int Depth, int Width>
struct WideBlocks {
  static_assert(
      Depth >= 10 && (Depth - 4) % 6 == 0 && Width > 0,
      "basin::energy::WideResNet<Scalar, Shape, Classes, Depth, Width>: Depth must be 6 n "
      "+ 4 with n blocks in each of three stages, for example 28, and Width >= 1.");
  static constexpr int blocks = Depth >= 10 ? (Depth - 4) / 6 : 1;
  template <int Channels, int Stride>
  using stage = typename WideStage<blocks, Channels, Stride>::type;
};

}  // namespace detail

/// The wide residual network of JEM, a classifier without any normalization: a 3x3 convolution of 16
/// channels, three stages of (Depth - 4) / 6 residual blocks with 16, 32 and 64 times Width channels,
/// the second and third of stride 2, a leaky ReLU, the mean over the positions, a Dense. A block is
/// leaky ReLU, 3x3 convolution, leaky ReLU, 3x3 convolution, which has the stride, beside the input
/// or its 1x1 convolution; slopes 1/5, biases everywhere, no dropout. Source: code of Grathwohl et
/// al. 2020, arXiv:1912.03263, with Depth 28 and Width 10; Zagoruyko and Komodakis 2016,
/// arXiv:1605.07146, with norms.
///
/// \tparam Shape    an Image, 32 x 32 x 3 there
/// \tparam Classes  logits, > 1
/// \tparam Depth    6 n + 4 layers
/// \tparam Width    factor of the channels
template <Real Scalar, ImageShape Shape, int Classes, int Depth = 28, int Width = 10>
using WideResNet =
    Classifier<Scalar, Shape, detail::WideConv<16, 1>,
               typename detail::WideBlocks<Depth, Width>::template stage<16 * Width, 1>,
               typename detail::WideBlocks<Depth, Width>::template stage<32 * Width, 2>,
               typename detail::WideBlocks<Depth, Width>::template stage<64 * Width, 2>,
               detail::WideLeaky, layer::MeanPool, layer::Dense<Classes>>;

}  // namespace basin::energy

#endif
