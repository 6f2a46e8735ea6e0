// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_FRAME_HPP
#define BASIN_LAYER_FRAME_HPP

#include <basin/core/shape.hpp>

namespace basin::layer {

/// What a network gives a layer beside its input, for one tile of chains.
template <class Scalar>
struct Frame {
  Scalar const* theta;  ///< (parameters) of this layer
  Scalar* saved;        ///< (saved_rows, T) from forward to pull_back
  Scalar* scratch;      ///< (scratch_rows, T) during one call
};

/// Where a layer keeps what its parameter gradient needs of every sample.
template <class Scalar>
struct LayerRecord {
  Scalar* rows;  ///< (record_rows, samples) of this layer
  int samples;   ///< the batch padded to full tiles
  int first;     ///< sample in lane 0 of the tile
};

/// What most layers leave out. A bound layer inherits it and hides what is its own.
struct BoundLayer {
  static constexpr int parameters       = 0;
  static constexpr int state            = 0;      ///< numbers kept beside theta from step to step
  static constexpr double multiply_adds = 0;      ///< of forward, or pull_back, for one state
  static constexpr int saved_rows       = 0;      ///< kept from forward to pull_back
  static constexpr int scratch_rows     = 0;      ///< during one call
  static constexpr bool keeps_input     = false;  ///< pull_back reads the input of forward
  static constexpr bool in_place        = false;  ///< pull_back may write where it reads
  static constexpr bool constant_gradient =
      false;                                 ///< one output, whose gradient is a row of theta
  static constexpr int record_rows     = 0;  ///< of each sample, for parameter_gradient
  static constexpr int gradient_blocks = 0;  ///< work items of parameter_gradient
  /// Row of the record that takes dE/dy of every output as the network computes it; -1: the layer
  /// records on its own, in record_gradient.
  static constexpr int gradient_row_of_record = -1;
};

}  // namespace basin::layer

#endif
