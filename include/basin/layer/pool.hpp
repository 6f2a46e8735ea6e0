// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_POOL_HPP
#define BASIN_LAYER_POOL_HPP

#include <basin/core/shape.hpp>
#include <basin/layer/detail/taps.hpp>
#include <basin/layer/frame.hpp>
#include <basin/tile/context.hpp>

namespace basin::layer {

namespace detail {

// What a pool reads. What is no image counts as one value, so that only the sentence is reported.
template <Shape Input>
struct PoolInput : Image<1, 1> {
  static constexpr bool is_image = ImageShape<Input>;  // no notes on the concept
  static_assert(is_image,
                "basin::layer: a pooling layer needs an image before it, "
                "basin::Image<Height, Width, Channels>; Input is what it has.");
};
template <ImageShape Input>
struct PoolInput<Input> : Image<Input::height, Input::width, Input::channels> {};

// y[c] = factor sum_p x[p][c]
template <Real Scalar, Shape Before, bool mean>
struct BoundGlobalPool : BoundLayer {
  using Input                    = PoolInput<Before>;
  static constexpr int positions = Input::height * Input::width;
  static constexpr int channels  = Input::channels;
  using output_shape             = Vector<channels>;
  static constexpr int inputs    = Input::size;
  static constexpr int outputs   = channels;
  static constexpr Scalar factor = mean ? Scalar(1) / positions : Scalar(1);

  template <class Context, class Epilogue>
  static KOKKOS_FORCEINLINE_FUNCTION void forward(Context const& c, Frame<Scalar> const&,
                                                  Scalar const* x, Epilogue const& epilogue) {
    using V         = typename Context::value_type;
    using Place     = typename Context::place_type;
    Scalar const by = factor;
    c.template reduce_groups<1, channels, 1, positions>(
        [=](Place at, int, V(&t)[1]) { t[0] = at.load(x); },
        [=](int channel, int lane, V const(&sum)[1]) {
          epilogue(Place{channel, lane}, V(by) * sum[0]);
        });
  }
  template <class Context, class Epilogue>
  static KOKKOS_FORCEINLINE_FUNCTION void pull_back(Context const& c, Frame<Scalar> const&,
                                                    Scalar const*, Scalar const* g,
                                                    Epilogue const& epilogue) {
    using V         = typename Context::value_type;
    Scalar const by = factor;
    c.map(+inputs, [=](auto at) { epilogue(at, V(by) * at.at(at.row % channels).load(g)); });
  }
};

// Sums over windows, in both directions; the taps are those of a convolution without padding.
template <Real Scalar, Shape Input, int Height, int Width, int Kernel, int Stride>
struct BoundWindow : BoundLayer {
  using Y                       = TapAxis<Input::height, Height, Kernel, Stride, 0>;
  using X                       = TapAxis<Input::width, Width, Kernel, Stride, 0>;
  static constexpr int channels = Input::channels;

  // target[p][c] = factor sum over the taps of p of source[q][c]
  template <class Taps, class Context, class Epilogue>
  static KOKKOS_FORCEINLINE_FUNCTION void gather(Context const& c, Scalar factor,
                                                 Scalar const* source, Epilogue const& epilogue) {
    using V = typename Context::value_type;
    c.map(Taps::positions * channels, [=](auto at) {
      int const position = at.row / channels, channel = at.row % channels;
      V sum(Scalar(0));
      Taps::for_each(position,
                     [&](int, int q) { sum = sum + at.at(q * channels + channel).load(source); });
      epilogue(at, V(factor) * sum);
    });
  }
};

template <Real Scalar, Shape Input, int Size, int Stride>
using AverageWindow =
    BoundWindow<Scalar, PoolInput<Input>, (PoolInput<Input>::height - Size) / Stride + 1,
                (PoolInput<Input>::width - Size) / Stride + 1, Size, Stride>;

// Its output is what an AveragePool<Factor> would read.
template <Real Scalar, Shape Input, int Factor>
using UpsampleWindow =
    BoundWindow<Scalar,
                Image<PoolInput<Input>::height * Factor, PoolInput<Input>::width * Factor,
                      PoolInput<Input>::channels>,
                PoolInput<Input>::height, PoolInput<Input>::width, Factor, Factor>;

}  // namespace detail

/// Mean over all positions: y[c] = mean_p x[p][c].
struct MeanPool {
  template <Real Scalar, Shape Input>
  using bind = detail::BoundGlobalPool<Scalar, Input, true>;
};

/// Sum over all positions: y[c] = sum_p x[p][c]. The energy is then extensive: it grows with the
/// size of the image.
struct SumPool {
  template <Real Scalar, Shape Input>
  using bind = detail::BoundGlobalPool<Scalar, Input, false>;
};

/// Mean over windows of Size x Size, Stride apart, that lie inside the image.
template <int Size, int Stride = Size>
struct AveragePool {
  static_assert(Size > 0 && Stride > 0,
                "basin::layer::AveragePool<Size, Stride>: each must be positive.");

  template <Real Scalar, Shape Input>
  struct bind : detail::AverageWindow<Scalar, Input, Size, Stride> {
    static_assert(!ImageShape<Input> || (Size <= detail::PoolInput<Input>::height &&
                                         Size <= detail::PoolInput<Input>::width),
                  "basin::layer::AveragePool<Size>: the window is larger than the image; Input "
                  "says how large it is.");
    using window = detail::AverageWindow<Scalar, Input, Size, Stride>;
    using typename window::X;
    using typename window::Y;
    using output_shape             = Image<Y::out, X::out, window::channels>;
    static constexpr int inputs    = Input::size;
    static constexpr int outputs   = output_shape::size;
    static constexpr Scalar factor = Scalar(1) / (Size * Size);

    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void forward(Context const& c, Frame<Scalar> const&,
                                                    Scalar const* x, Epilogue const& epilogue) {
      bind::template gather<detail::OutputTaps<Y, X>>(c, +factor, x, epilogue);
    }
    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void pull_back(Context const& c, Frame<Scalar> const&,
                                                      Scalar const*, Scalar const* g,
                                                      Epilogue const& epilogue) {
      bind::template gather<detail::InputTaps<Y, X>>(c, +factor, g, epilogue);
    }
  };
};

/// Every Stride-th position in both directions, from the first on.
template <int Stride>
using Downsample = AveragePool<1, Stride>;

/// Repeats every position Factor x Factor times: y[p] = x[p / Factor], the nearest neighbor.
template <int Factor>
struct Upsample {
  static_assert(Factor > 0, "basin::layer::Upsample<Factor>: Factor must be positive.");

  template <Real Scalar, Shape Input>
  struct bind : detail::UpsampleWindow<Scalar, Input, Factor> {
    using window = detail::UpsampleWindow<Scalar, Input, Factor>;
    using typename window::X;
    using typename window::Y;
    using output_shape           = Image<Y::in, X::in, window::channels>;
    static constexpr int inputs  = Input::size;
    static constexpr int outputs = output_shape::size;

    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void forward(Context const& c, Frame<Scalar> const&,
                                                    Scalar const* x, Epilogue const& epilogue) {
      bind::template gather<detail::InputTaps<Y, X>>(c, Scalar(1), x, epilogue);
    }
    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void pull_back(Context const& c, Frame<Scalar> const&,
                                                      Scalar const*, Scalar const* g,
                                                      Epilogue const& epilogue) {
      bind::template gather<detail::OutputTaps<Y, X>>(c, Scalar(1), g, epilogue);
    }
  };
};

}  // namespace basin::layer

#endif
