// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_CONV2D_HPP
#define BASIN_LAYER_CONV2D_HPP

#include <basin/core/policy.hpp>
#include <basin/core/shape.hpp>
#include <basin/layer/dense.hpp>
#include <basin/layer/detail/taps.hpp>
#include <basin/layer/initializer.hpp>
#include <basin/layer/tensor.hpp>

#include <type_traits>
#include <vector>

namespace basin::layer {

struct padding_axis {};
struct bias_axis {};

/// How a convolution treats the border: what lies outside counts as zero.
namespace padding {

/// Output ceil(in / stride); the padding is split between both sides, the odd one at the end, as in
/// TensorFlow and Flax.
struct Same {
  using axis = padding_axis;
  template <int In, int Kernel, int Stride>
  static constexpr int output = (In + Stride - 1) / Stride;
  template <int In, int Kernel, int Stride>
  static constexpr int before = ((output<In, Kernel, Stride> - 1) * Stride + Kernel - In > 0
                                     ? (output<In, Kernel, Stride> - 1) * Stride + Kernel - In
                                     : 0) /
                                2;
};

/// Border zeros on both sides in both directions, as PyTorch's padding=Border.
template <int Border>
struct Explicit {
  static_assert(Border >= 0, "basin::layer::padding::Explicit<Border>: Border must be >= 0.");
  using axis = padding_axis;
  template <int In, int Kernel, int Stride>
  static constexpr int output =
      In + 2 * Border < Kernel ? 0 : (In + 2 * Border - Kernel) / Stride + 1;
  template <int In, int Kernel, int Stride>
  static constexpr int before = Border;
};

/// None: the kernel stays inside the image.
using Valid = Explicit<0>;

}  // namespace padding

namespace bias {

/// A bias for each output channel.
struct With {
  using axis = bias_axis;
};
/// No bias, for example because a normalization after the layer would remove it.
struct Without {
  using axis = bias_axis;
};

}  // namespace bias

namespace detail {

// What a convolution reads. What does not fit counts as an image that does, so that the sentence
// stands alone.
template <Shape Input, int Kernel, int Stride, class Padding>
struct ConvolutionInput {
  static constexpr bool is_image = ImageShape<Input>;
  static_assert(is_image,
                "basin::layer::Conv2d: a convolution needs an image before it, "
                "basin::Image<Height, Width, Channels>; Input is what it has.");
  static constexpr bool fits = [] {
    if constexpr (ImageShape<Input>)
      return Padding::template output<Input::height, Kernel, Stride> > 0 &&
             Padding::template output<Input::width, Kernel, Stride> > 0;
    return true;
  }();
  static_assert(fits,
                "basin::layer::Conv2d: the kernel is larger than the padded image, so that no "
                "output is left; Input and Kernel say how large they are.");
  using type = std::conditional_t<is_image && fits, Input, Image<Kernel, Kernel>>;
};

}  // namespace detail

/// Convolution of an image: y[p][o] = b[o] + sum over taps k and channels i of W[k][o][i] x[q][i],
/// where tap k of position p reads position q; a cross-correlation, as in all learning libraries. In
/// PyTorch Conv2d, whose weight is (out, in, height, width); with padding::Same where that is uneven
/// the one of benchmarks/peers/torch_modules.py.
///
/// \tparam Channels  output channels
/// \tparam Kernel    height and width of the kernel
/// \tparam Stride    distance of two outputs, in both directions
/// \tparam Policies  in any order: padding::Same (default), padding::Valid or padding::Explicit;
///                   bias::With (default) or bias::Without; an initializer comes with Init
template <int Channels, int Kernel, int Stride = 1, class... Policies>
struct Conv2d {
  static_assert(Channels > 0 && Kernel > 0 && Stride > 0,
                "basin::layer::Conv2d<Channels, Kernel, Stride>: each must be positive.");
  static_assert((Policy<Policies> && ...) &&
                    (has_axis<Policies, padding_axis, bias_axis, initializer_axis> && ...) &&
                    policies_of<padding_axis, Policies...> <= 1 &&
                    policies_of<bias_axis, Policies...> <= 1 &&
                    policies_of<initializer_axis, Policies...> <= 1,
                "basin::layer::Conv2d: after the stride write at most one padding::, one bias:: "
                "and one initializer:: policy.");

  template <Real Scalar, Shape Before>
  struct bind : BoundLayer {
    using Padding = pick<padding_axis, padding::Same, Policies...>;
    using Input   = typename detail::ConvolutionInput<Before, Kernel, Stride, Padding>::type;
    using Init    = pick<initializer_axis, initializer::FanIn, Policies...>;
    static constexpr bool biased =
        std::same_as<pick<bias_axis, bias::With, Policies...>, bias::With>;

    static constexpr int height = Padding::template output<Input::height, Kernel, Stride>;
    static constexpr int width  = Padding::template output<Input::width, Kernel, Stride>;
    using Y                     = detail::TapAxis<Input::height, height, Kernel, Stride,
                                                  Padding::template before<Input::height, Kernel, Stride>>;
    using X                     = detail::TapAxis<Input::width, width, Kernel, Stride,
                                                  Padding::template before<Input::width, Kernel, Stride>>;
    using output_taps           = detail::OutputTaps<Y, X>;
    using input_taps            = detail::InputTaps<Y, X>;

    using output_shape = Image<height, width, Channels>;
    /// The pairs (output position, input position) of one tap.
    static KOKKOS_FORCEINLINE_FUNCTION detail::TapPairs<Y, X> pairs_of(int tap) {
      return {tap / Kernel, tap % Kernel};
    }

    static constexpr int in           = Input::channels;
    static constexpr int out          = Channels;
    static constexpr int taps         = Kernel * Kernel;
    static constexpr int inputs       = Input::size;
    static constexpr int outputs      = output_shape::size;
    static constexpr int weights      = taps * out * in;
    static constexpr int parameters   = weights + (biased ? out : 0);
    static constexpr bool one_product = true;
    /// Taps that fall outside the image are not computed and not counted.
    static constexpr double multiply_adds = Y::count() * X::count() * in * out;

    // theta = [ W (taps, out, in) | b (out) ]

    static std::vector<ParameterBlock> parameter_blocks() {
      int const fan_in = taps * in, fan_out = taps * out;
      std::vector<ParameterBlock> blocks{{"weight", taps * out, in, Init::weight(fan_in, fan_out)}};
      if (biased) blocks.push_back({"bias", out, 1, Init::bias(fan_in, fan_out)});
      return blocks;
    }
    static std::vector<Tensor> tensors(Features const&) {
      std::vector<Tensor> all{
          {"weight",
           {out, in, Kernel, Kernel},
           {{out, in}, {in, 1}, {Kernel, Kernel * out * in}, {Kernel, out * in}}}};
      if (biased) all.push_back({"bias", {out}, {{out, 1}}, weights});
      return all;
    }

    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void forward(Context const& c, Frame<Scalar> const& frame,
                                                    Scalar const* x,  // (positions, in, T)
                                                    Epilogue const& epilogue) {
      tile::TapWeights<Scalar> const w(frame.theta, frame.packed);
      if constexpr (biased)
        c.template gemm_taps<out, in, false, output_taps>(
            w, x, detail::StartFromBias<Scalar, Epilogue>{frame.theta + weights, epilogue});
      else
        c.template gemm_taps<out, in, false, output_taps>(
            w, x, detail::StartFromZero<Scalar, Epilogue>{epilogue});
    }

    // With few input channels the sums are scattered over positions, in working memory.
    static constexpr bool few         = in < 4;
    static constexpr int scratch_rows = few ? inputs : 0;

    /// dE/dx[q] = sum over the taps k that lead to q of W_k^T dE/dy[p].
    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void pull_back(Context const& c, Frame<Scalar> const& frame,
                                                      Scalar const*,
                                                      Scalar const* g,  // (positions, out, T)
                                                      Epilogue const& epilogue) {
      if constexpr (few)
        c.template gemm_taps_few<in, out, taps, output_taps, input_taps>(frame.theta, g,
                                                                         frame.scratch, epilogue);
      else
        c.template gemm_taps<in, out, true, input_taps>(
            tile::TapWeights<Scalar>(frame.theta, frame.packed), g,
            detail::StartFromZero<Scalar, Epilogue>{epilogue});
    }

    // A record holds the inputs as rows, then dE/dy of every position in panels.
    static constexpr int panel_rows =
        height * width * ((out + tile::max_panel - 1) / tile::max_panel * tile::max_panel);
    static constexpr int record_rows = inputs + panel_rows;

    template <class Context>
    static KOKKOS_FORCEINLINE_FUNCTION void record_input(Context const& c, Frame<Scalar> const&,
                                                         Scalar const* x,
                                                         LayerRecord<Scalar> const& record) {
      c.map(+inputs, [=](auto at) { record.store_input(at.row, at.lane, at.load(x)); });
    }
    template <class Context>
    static KOKKOS_FORCEINLINE_FUNCTION void record_gradient(Context const& c, Frame<Scalar> const&,
                                                            Scalar const*, Scalar const* g,
                                                            LayerRecord<Scalar> const& record) {
      int const columns    = record.columns();
      Scalar* const panels = record.rows + static_cast<std::size_t>(inputs) * columns;
      record.store_gradient_panels(c, +out, g, panels, height * width);
    }

    // One work item: some output channels of one tap. The last: the bias.
    static constexpr int blocks_of_tap   = (out + tile::max_panel - 1) / tile::max_panel;
    static constexpr int gradient_blocks = taps * blocks_of_tap + (biased ? 1 : 0);

    /// dW_k = sum_n w[n] sum over the pairs (p, q) of tap k of dE/dy[n][p] x[n][q]^T, for some
    /// output channels of one tap; db = sum_n w[n] sum_p dE/dy[n][p].
    template <class Context>
    static KOKKOS_FORCEINLINE_FUNCTION void parameter_gradient(Context const& c, int block,
                                                               LayerRecord<Scalar> const& record,
                                                               Scalar const* w, Slice slice,
                                                               Scalar* dtheta) {
      auto const terms           = record.terms(slice);
      Scalar const* const panels = record.rows + static_cast<std::size_t>(inputs) * terms.stride;
      if (block == taps * blocks_of_tap) {
        c.panel_sums(height * width, +out, panels, w, record.terms_at_0(slice), dtheta + weights);
        return;
      }
      int const tap = block / blocks_of_tap, first = block % blocks_of_tap * tile::max_panel;
      c.outer_taps(pairs_of(tap), +in, +out, first, record.rows, panels, w, terms,
                   dtheta + static_cast<std::size_t>(tap) * out * in);
    }
  };
};

}  // namespace basin::layer

#endif
