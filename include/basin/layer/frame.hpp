// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_FRAME_HPP
#define BASIN_LAYER_FRAME_HPP

#include <basin/core/shape.hpp>
#include <basin/tile/columns.hpp>
#include <basin/tile/jet.hpp>

#include <cstddef>

namespace basin::layer {

/// What a network gives a layer beside its input, for one tile of chains.
template <class Scalar>
struct Frame {
  Scalar const* theta;             ///< (parameters) of this layer
  Scalar* saved;                   ///< (saved_rows, T) from forward to pull_back
  Scalar* scratch;                 ///< (scratch_rows, T) during one call
  Scalar const* packed = nullptr;  ///< the context's copies of the weights, see tile::Packing
};

/// Columns [begin, end) of a record: which terms of its sums over samples a work item adds.
struct Slice {
  int begin, end;
};

/// Where a layer keeps what its parameter gradient needs of every sample.
///
/// With jets the parameter gradient is the last coefficient of a product of series, and a product's
/// last coefficient pairs ascending coefficients of one factor with descending ones of the other:
///
///   [e^K] g(e) h(e) = sum_k g_(K-k) h_k
///
/// so that coefficients count as further samples: ascending for inputs, descending for gradients.
template <class Scalar>
struct LayerRecord {
  Scalar* rows;    ///< (record_rows, series, samples) of this layer
  int samples;     ///< the batch padded to full tiles
  int first;       ///< sample in lane 0 of the tile
  int series = 1;  ///< coefficients of a sample that are kept

  /// Values of a row.
  KOKKOS_FORCEINLINE_FUNCTION int columns() const { return samples * series; }
  /// The terms of a slice of sums over samples: of this layer's whole series, or those at place 0.
  KOKKOS_FORCEINLINE_FUNCTION tile::Columns terms(Slice slice) const {
    return {slice.begin, slice.end < columns() ? slice.end : columns(), columns()};
  }
  KOKKOS_FORCEINLINE_FUNCTION tile::Columns terms_at_0(Slice slice) const {
    return {slice.begin, slice.end < samples ? slice.end : samples, columns()};
  }

  /// An input: coefficient k at series place k.
  template <class V>
  KOKKOS_FORCEINLINE_FUNCTION void store_input(int row, int lane, V v) const {
    Scalar* const to = rows + static_cast<std::size_t>(row) * columns() + first + lane;
    BASIN_UNROLL for (int k = 0; k <= V::order; ++k) {
      if (k < series) tile::store(to + k * samples, tile::coefficient(v, k));
    }
  }
  /// A gradient: coefficient k at series place K - k.
  template <class V>
  KOKKOS_FORCEINLINE_FUNCTION void store_gradient(int row, int lane, V v) const {
    Scalar* const to = rows + static_cast<std::size_t>(row) * columns() + first + lane;
    BASIN_UNROLL for (int k = 0; k <= V::order; ++k) {
      if (k < series) tile::store(to + k * samples, tile::coefficient(v, V::order - k));
    }
  }
  /// A term that is summed over the samples unchanged: its last coefficient, at place 0.
  template <class V>
  KOKKOS_FORCEINLINE_FUNCTION void store_term(int row, int lane, V v) const {
    tile::store(rows + static_cast<std::size_t>(row) * columns() + first + lane, tile::last(v));
  }

  /// Rows x [row][coefficient][T] of inputs as panels, see Context::store_panels.
  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION void store_input_panels(Context const& c, int features,
                                                      Scalar const* x, Scalar* panels) const {
    for (int k = 0; k <= Context::order && k < series; ++k)
      c.store_panels(features, x + k * Context::width, first + k * samples, columns(), panels);
  }
  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION void store_gradient_panels(Context const& c, int features,
                                                         Scalar const* g, Scalar* panels,
                                                         int positions) const {
    for (int k = 0; k <= Context::order && k < series; ++k)
      c.store_panels(features, g + (Context::order - k) * Context::width, first + k * samples,
                     columns(), panels, positions);
  }
};

/// Defaults of a bound layer, which inherits them and hides what it defines itself.
struct BoundLayer {
  static constexpr int parameters       = 0;
  static constexpr int state            = 0;      ///< values kept beside theta from step to step
  static constexpr double multiply_adds = 0;      ///< of forward, or pull_back, for one state
  static constexpr int saved_rows       = 0;      ///< kept from forward to pull_back
  static constexpr int scratch_rows     = 0;      ///< during one call
  static constexpr bool keeps_input     = false;  ///< pull_back reads the input of forward
  /// forward and pull_back are one product with theta each, and an epilogue for every result. Then
  /// theta starts with weights (taps, out, in), whose extents the layer names.
  static constexpr bool one_product = false;
  static constexpr int taps = 0, out = 0, in = 0;
  static constexpr bool in_place = false;  ///< pull_back may write where it reads
  /// Output i belongs to input i, so that their order in PyTorch is the same, see layer::Features.
  static constexpr bool keeps_order = false;
  static constexpr bool constant_gradient =
      false;                                 ///< one output, whose gradient is a row of theta
  static constexpr int record_rows     = 0;  ///< of each sample, for parameter_gradient
  static constexpr int gradient_blocks = 0;  ///< work items of parameter_gradient
  /// Row of the record that receives dE/dy of every output as the network computes it; -1: the
  /// layer records it in record_gradient.
  static constexpr int gradient_row_of_record = -1;
};

}  // namespace basin::layer

#endif
