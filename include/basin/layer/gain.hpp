// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_GAIN_HPP
#define BASIN_LAYER_GAIN_HPP

#include <basin/core/shape.hpp>
#include <basin/layer/frame.hpp>
#include <basin/layer/initializer.hpp>
#include <basin/layer/tensor.hpp>
#include <basin/tile/context.hpp>

#include <ratio>
#include <vector>

namespace basin::layer {

/// y = gamma x with one learned scalar gamma. With gamma = 0 a residual block starts as x.
///
/// \tparam Start  gamma at first, a std::ratio
template <class Start = std::ratio<0>>
struct Gain {
  template <Real Scalar, Shape Input>
  struct bind : BoundLayer {
    using output_shape                   = Input;
    static constexpr int inputs          = Input::size;
    static constexpr int outputs         = Input::size;
    static constexpr int parameters      = 1;
    static constexpr bool keeps_input    = true;
    static constexpr bool in_place       = true;
    static constexpr bool keeps_order    = true;
    static constexpr int record_rows     = 1;
    static constexpr int gradient_blocks = 1;

    static std::vector<ParameterBlock> parameter_blocks() {
      return {{"gain", 1, 1, {Law::Shape::uniform, 0, double(Start::num) / double(Start::den)}}};
    }
    static std::vector<Tensor> tensors(Features const&) { return {{"gain", {1}, {{1, 1}}}}; }

    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void forward(Context const& c, Frame<Scalar> const& frame,
                                                    Scalar const* x, Epilogue const& epilogue) {
      using V                   = typename Context::value_type;
      Scalar const* const gamma = frame.theta;
      c.map(+inputs, [=](auto at) { epilogue(at, V(*gamma) * at.load(x)); });
    }
    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void pull_back(Context const& c, Frame<Scalar> const& frame,
                                                      Scalar const*, Scalar const* g,
                                                      Epilogue const& epilogue) {
      forward(c, frame, g, epilogue);
    }

    // A record holds the sum of dE/dy x.
    template <class Context>
    static KOKKOS_FORCEINLINE_FUNCTION void record_input(Context const&, Frame<Scalar> const&,
                                                         Scalar const*,
                                                         LayerRecord<Scalar> const&) {}
    template <class Context>
    static KOKKOS_FORCEINLINE_FUNCTION void record_gradient(Context const& c, Frame<Scalar> const&,
                                                            Scalar const* x, Scalar const* g,
                                                            LayerRecord<Scalar> const& record) {
      using V = typename Context::value_type;
      c.reduce(
          1, +inputs, [=](auto at) { return at.load(g) * at.load(x); },
          [=](auto at, V sum) { record.store_term(0, at.lane, sum); });
    }

    /// dgamma = sum_n w[n] sum_i dE/dy[n][i] x[n][i].
    template <class Context>
    static KOKKOS_FORCEINLINE_FUNCTION void parameter_gradient(Context const& c, int,
                                                               LayerRecord<Scalar> const& record,
                                                               Scalar const* w, Slice slice,
                                                               Scalar* dtheta) {
      c.scale_rows(1, w, record.terms_at_0(slice), record.rows);
      c.row_sums(1, record.rows, record.terms_at_0(slice), dtheta);
    }
  };
};

}  // namespace basin::layer

#endif
