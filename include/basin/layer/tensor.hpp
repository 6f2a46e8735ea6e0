// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_TENSOR_HPP
#define BASIN_LAYER_TENSOR_HPP

#include <basin/core/shape.hpp>

#include <vector>

namespace basin::layer {

/// One axis of a strided array.
struct Axis {
  int extent;
  int stride;  ///< elements of theta between neighbors
};

/// A tensor that PyTorch's module has for a layer, as a strided part of the layer's parameters: its
/// elements in row-major order are those of the axes, the last one fastest.
struct Tensor {
  char const* name;        ///< within the module, e.g. "weight"
  std::vector<int> shape;  ///< in PyTorch, of as many elements as the axes have
  std::vector<Axis> axes;
  int offset = 0;  ///< of its first element in the layer's parameters
};

/// How PyTorch orders the elements that a layer reads. Here they are (positions, channels); there an
/// image is (channels, height, width), and so is the vector that a Flatten makes of it. Any other
/// vector has one position.
struct Features {
  int positions;
  int channels;

  /// The axes of all elements in PyTorch's order.
  std::vector<Axis> axes(int stride = 1) const {
    if (positions == 1) return {{channels, stride}};
    return {{channels, stride}, {positions, channels * stride}};
  }
  friend bool operator==(Features const&, Features const&) = default;
};

/// Of a vector that is no flattened image, or of an image.
template <Shape S>
Features features_of() {
  if constexpr (ImageShape<S>) {
    constexpr int positions = S::height * S::width, channels = S::channels;
    // One channel: both orders are the same.
    if (channels > 1) return {positions, channels};
  }
  return {1, S::size};
}

}  // namespace basin::layer

#endif
