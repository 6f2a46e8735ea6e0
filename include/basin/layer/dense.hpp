// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_DENSE_HPP
#define BASIN_LAYER_DENSE_HPP

#include <basin/core/shape.hpp>
#include <basin/layer/frame.hpp>
#include <basin/layer/initializer.hpp>
#include <basin/layer/tensor.hpp>
#include <basin/tile/context.hpp>

#include <vector>

namespace basin::layer {

namespace detail {

// An epilogue whose sums start from a bias; the outer epilogue knows nothing of it.
template <class Scalar, class Epilogue>
struct StartFromBias {
  Scalar const* bias;  // (rows)
  Epilogue epilogue;
  KOKKOS_FORCEINLINE_FUNCTION Scalar initial(int row) const { return bias[row]; }
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(Place at, V v) const {
    epilogue(at, v);
  }
};

template <class Scalar, class Epilogue>
struct StartFromZero {
  Epilogue epilogue;
  KOKKOS_FORCEINLINE_FUNCTION Scalar initial(int) const { return 0; }
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(Place at, V v) const {
    epilogue(at, v);
  }
};

}  // namespace detail

/// Fully connected layer: y = W x + b.
///
/// A policy: it holds no data and states only its width. A network binds it to its scalar and to
/// the shape of the layer before it. In PyTorch Linear, of an image behind Flatten.
///
/// \tparam Width  outputs, the rows of W
/// \tparam Init   an initializer
template <int Width, Initializer Init = initializer::FanIn>
struct Dense {
  static_assert(Width > 0, "basin::layer::Dense<Width>: Width must be positive.");

  template <Real Scalar, Shape Input>
  struct bind : BoundLayer {
    using output_shape              = Vector<Width>;
    static constexpr int inputs     = Input::size;
    static constexpr int outputs    = Width;
    static constexpr int parameters = Width * inputs + Width;
    static constexpr int taps = 1, in = inputs, out = outputs;  ///< W as that of a convolution
    static constexpr bool one_product     = true;
    static constexpr double multiply_adds = double(Width) * inputs;

    // theta = [ W (outputs, inputs) row-major | b (outputs) ]

    static std::vector<ParameterBlock> parameter_blocks() {
      return {{"weight", outputs, inputs, Init::weight(inputs, outputs)},
              {"bias", outputs, 1, Init::bias(inputs, outputs)}};
    }
    static std::vector<Tensor> tensors(Features const& read) {
      std::vector<Axis> weight{{outputs, inputs}};
      for (Axis const& axis : read.axes()) weight.push_back(axis);
      return {{"weight", {outputs, inputs}, weight},
              {"bias", {outputs}, {{outputs, 1}}, outputs * inputs}};
    }

    /// y = W x + b: epilogue(place, y) for each of the outputs.
    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void forward(Context const& c, Frame<Scalar> const& frame,
                                                    Scalar const* x,  // (inputs, T)
                                                    Epilogue const& epilogue) {
      c.template gemm<outputs, inputs>(
          tile::Matrix<Scalar, outputs, inputs>{frame.theta, frame.packed}, x,
          detail::StartFromBias<Scalar, Epilogue>{frame.theta + outputs * inputs, epilogue});
    }

    /// dE/dx = W^T dE/dy: epilogue(place, dE/dx) for each of the inputs.
    template <class Context, class Epilogue>
    static KOKKOS_FORCEINLINE_FUNCTION void pull_back(Context const& c, Frame<Scalar> const& frame,
                                                      Scalar const*,
                                                      Scalar const* g,  // (outputs, T)
                                                      Epilogue const& epilogue) {
      c.template gemm_t<inputs, outputs>(
          tile::Matrix<Scalar, outputs, inputs>{frame.theta, frame.packed}, g,
          detail::StartFromZero<Scalar, Epilogue>{epilogue});
    }

    /// With one output dy/dx does not depend on x: it is this row of 'inputs' values.
    static constexpr bool constant_gradient = outputs == 1;
    static KOKKOS_FORCEINLINE_FUNCTION Scalar const* gradient_row(Scalar const* theta) {
      return theta;
    }

    // A record holds the inputs in panels, then dE/dy.
    static constexpr int panel_rows =
        (inputs + tile::max_panel - 1) / tile::max_panel * tile::max_panel;
    static constexpr int record_rows            = panel_rows + outputs;
    static constexpr int gradient_row_of_record = panel_rows;

    template <class Context>
    static KOKKOS_FORCEINLINE_FUNCTION void record_input(Context const& c, Frame<Scalar> const&,
                                                         Scalar const* x,
                                                         LayerRecord<Scalar> const& record) {
      record.store_input_panels(c, +inputs, x, record.rows);
    }

    // Rows of W per work item: enough to reuse a panel of inputs several times, few enough that all
    // threads have work.
    static constexpr int block_rows      = outputs < 192 ? 16 : 24;
    static constexpr int gradient_blocks = (outputs + block_rows - 1) / block_rows;

    /// dW = sum_n w[n] g[:][n] x[n][:], db = sum_n w[n] g[:][n], for the rows of one block. Scales
    /// the rows of g by w in place.
    ///
    /// \param w  (slice.end) weight of each column of the record
    template <class Context>
    static KOKKOS_FORCEINLINE_FUNCTION void parameter_gradient(Context const& c, int block,
                                                               LayerRecord<Scalar> const& record,
                                                               Scalar const* w, Slice slice,
                                                               Scalar* dtheta) {
      auto const terms = record.terms(slice);
      int const first  = block * block_rows;
      int const rows   = outputs - first < +block_rows ? outputs - first : +block_rows;
      Scalar* const mine =
          record.rows + static_cast<std::size_t>(panel_rows + first) * terms.stride;
      c.scale_rows(rows, w, terms, mine);
      c.outer(rows, +inputs, mine, record.rows, terms, dtheta + first * inputs);
      c.row_sums(rows, mine, record.terms_at_0(slice), dtheta + outputs * inputs + first);
    }
  };
};

}  // namespace basin::layer

#endif
