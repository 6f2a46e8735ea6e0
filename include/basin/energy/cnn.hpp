// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_CNN_HPP
#define BASIN_ENERGY_CNN_HPP

#include <basin/energy/classifier.hpp>
#include <basin/energy/network.hpp>
#include <basin/layer/conv2d.hpp>
#include <basin/layer/flatten.hpp>
#include <basin/layer/group_norm.hpp>
#include <basin/layer/pool.hpp>
#include <basin/layer/relu.hpp>
#include <basin/layer/sequence.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/spectral_norm.hpp>

namespace basin::energy {

/// Convolution (SAME), group norm with min(32, Channels) groups, activation.
template <int Channels, int Kernel = 3, int Stride = 2, class Activation = layer::Silu>
using EnergyBlock = layer::Sequence<layer::Conv2d<Channels, Kernel, Stride>,
                                    layer::GroupNorm<(Channels < 32 ? Channels : 32)>, Activation>;

/// EnergyBlock that keeps the shape, and adds its input.
template <int Channels, int Kernel = 3, class Activation = layer::Silu>
using ResidualEnergyBlock = layer::Residual<EnergyBlock<Channels, Kernel, 1, Activation>>;

namespace detail {

template <int Outputs, class Activation, int... Channels>
struct CnnHead {
  static_assert(sizeof...(Channels) > 0,
                "basin::energy::Cnn, DeepCnn: write at least one width, e.g. 32, 64.");
  using type = layer::Dense<Outputs>;
};
template <int Outputs, class Activation, int First, int... Rest>
struct CnnHead<Outputs, Activation, First, Rest...> : CnnHead<Outputs, Activation, Rest...> {};
template <int Outputs, class Activation, int Last>
struct CnnHead<Outputs, Activation, Last> {
  using type = layer::Sequence<layer::MeanPool, layer::Dense<(Last > 1 ? Last / 2 : 1)>, Activation,
                               layer::Dense<Outputs>>;
};

template <int Blocks, int Channels, class Activation, class... Done>
struct DeepStage : DeepStage<(Blocks > 0 ? Blocks - 1 : 0), Channels, Activation, Done...,
                             ResidualEnergyBlock<Channels, 3, Activation>> {
  static_assert(Blocks >= 0, "basin::energy::DeepCnn<Blocks>: Blocks must be >= 0.");
};
template <int Channels, class Activation, class... Done>
struct DeepStage<0, Channels, Activation, Done...> {
  using type = layer::Sequence<EnergyBlock<Channels, 3, 2, Activation>, Done...>;
};

}  // namespace detail

/// The network of the UvA deep learning tutorial 8, for images of about 28x28: a 5x5 convolution
/// with padding 4 and three 3x3 ones with padding 1, all of stride 2, 16, 32, 64 and 64 channels,
/// then Dense<64> and Dense<1>, SiLU throughout, no norm.
template <Real Scalar, ImageShape Shape>
using UvaCnn = Network<Scalar, Shape,  //
                       layer::Conv2d<16, 5, 2, layer::padding::Explicit<4>>, layer::Silu,
                       layer::Conv2d<32, 3, 2, layer::padding::Explicit<1>>, layer::Silu,
                       layer::Conv2d<64, 3, 2, layer::padding::Explicit<1>>, layer::Silu,
                       layer::Conv2d<64, 3, 2, layer::padding::Explicit<1>>, layer::Silu,  //
                       layer::Flatten, layer::Dense<64>, layer::Silu, layer::Dense<1>>;

/// A convolutional energy: an EnergyBlock of stride 2 for each width, the mean over the positions,
/// a Dense of half the last width, and a Dense<1>.
///
/// \tparam Scalar    float or double
/// \tparam Shape     an Image
/// \tparam Channels  widths, first to last, for example 32, 64, 128
template <Real Scalar, ImageShape Shape, int... Channels>
using Cnn = Network<Scalar, Shape, EnergyBlock<Channels>...,
                    typename detail::CnnHead<1, layer::Silu, Channels...>::type>;

/// Cnn with a logit for each of the Classes, of which it is a classifier.
template <Real Scalar, ImageShape Shape, int Classes, int... Channels>
using CnnClassifier = Classifier<Scalar, Shape, EnergyBlock<Channels>...,
                                 typename detail::CnnHead<Classes, layer::Silu, Channels...>::type>;

/// A deep convolutional energy: for each width an EnergyBlock of stride 2 and then Blocks
/// ResidualEnergyBlocks, with the head of Cnn.
template <Real Scalar, ImageShape Shape, int Blocks, int... Channels>
using DeepCnn =
    Network<Scalar, Shape, typename detail::DeepStage<Blocks, Channels, layer::Silu>::type...,
            typename detail::CnnHead<1, layer::Silu, Channels...>::type>;

namespace detail {

template <int Channels>
using IgebmConv  = layer::SpectralNorm<layer::Conv2d<Channels, 3>>;
using IgebmLeaky = layer::LeakyRelu<std::ratio<1, 5>>;
template <int Channels>
using IgebmBranch = layer::Sequence<IgebmConv<Channels>, IgebmLeaky, IgebmConv<Channels>>;

}  // namespace detail

/// The residual network of IGEBM for CIFAR-10: a 3x3 convolution, five blocks of two 3x3
/// convolutions with Width, Width, 2 Width, 2 Width and 2 Width channels, of which the first, third
/// and fifth end in 2 x 2 mean pooling, leaky ReLUs of slope 1/5, the sum over the positions,
/// Dense<1>; every convolution is spectrally normalized, without the lower bound of those that the
/// code marks 'zero'. Source: code of Du and Mordatch 2019, arXiv:1903.08689, 'ResNet32', with
/// Width 128.
template <Real Scalar, ImageShape Shape, int Width = 128>
using IgebmResNet = Network<
    Scalar, Shape,  //
    detail::IgebmConv<Width>, detail::IgebmLeaky, layer::Residual<detail::IgebmBranch<Width>>,
    layer::AveragePool<2>, detail::IgebmLeaky, layer::Residual<detail::IgebmBranch<Width>>,
    detail::IgebmLeaky, layer::Sum<detail::IgebmConv<2 * Width>, detail::IgebmBranch<2 * Width>>,
    layer::AveragePool<2>, detail::IgebmLeaky, layer::Residual<detail::IgebmBranch<2 * Width>>,
    detail::IgebmLeaky, layer::Residual<detail::IgebmBranch<2 * Width>>, layer::AveragePool<2>,
    detail::IgebmLeaky,  //
    layer::SumPool, layer::Dense<1>>;

/// E(x) + E'(x / 2) + E''(x / 4): three networks of the same Layers with separate parameters, on
/// the image and on its means over 2 x 2 and 4 x 4 pixels. Source: code of Du et al. 2021,
/// arXiv:2012.01316, 'multiscale'.
template <Real Scalar, ImageShape Shape, class... Layers>
using MultiScale = Network<
    Scalar, Shape,
    layer::Sum<layer::Sequence<Layers...>, layer::Sequence<layer::AveragePool<2>, Layers...>,
               layer::Sequence<layer::AveragePool<4>, Layers...>>>;

}  // namespace basin::energy

#endif
