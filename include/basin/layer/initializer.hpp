// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_LAYER_INITIALIZER_HPP
#define BASIN_LAYER_INITIALIZER_HPP

#include <basin/core/arithmetic.hpp>

#include <cmath>
#include <concepts>

namespace basin::layer {

/// Law that one block of parameters is drawn from: uniform on [-scale, scale], or normal with
/// standard deviation scale, about center. Scale 0 gives center alone.
struct Law {
  enum class Shape { uniform, normal } shape = Shape::uniform;
  double scale                               = 0;
  double center                              = 0;
};

/// A block of parameters of one layer: its name, shape and initial law.
struct ParameterBlock {
  char const* name;  ///< within the layer, e.g. "weight"
  int rows;
  int columns;
  Law law;
};

/// An initializer gives the laws of a weight matrix and of its bias.
template <class I>
concept Initializer = requires(int fan_in, int fan_out) {
  { I::weight(fan_in, fan_out) } -> std::same_as<Law>;
  { I::bias(fan_in, fan_out) } -> std::same_as<Law>;
};

struct initializer_axis {};

namespace initializer {

/// Weights and biases uniform on +-1 / sqrt(fan_in): variance 1 / (3 fan_in), the default of
/// PyTorch's Linear.
struct FanIn {
  using axis = initializer_axis;
  static Law weight(int fan_in, int) {
    return {Law::Shape::uniform, 1 / std::sqrt(double(fan_in))};
  }
  static Law bias(int fan_in, int) { return {Law::Shape::uniform, 1 / std::sqrt(double(fan_in))}; }
};

/// Weights N(0, 1 / fan_in), biases 0: keeps the variance of a linear layer. Source: LeCun, Bottou,
/// Orr and Mueller 1998, "Efficient BackProp", section 4.6.
struct LeCunNormal {
  using axis = initializer_axis;
  static Law weight(int fan_in, int) { return {Law::Shape::normal, 1 / std::sqrt(double(fan_in))}; }
  static Law bias(int, int) { return {}; }
};

/// Weights uniform on +-sqrt(6 / (fan_in + fan_out)), biases 0. Source: Glorot and Bengio 2010,
/// AISTATS, eq. 16.
struct GlorotUniform {
  using axis = initializer_axis;
  static Law weight(int fan_in, int fan_out) {
    return {Law::Shape::uniform, std::sqrt(6.0 / (double(fan_in) + fan_out))};
  }
  static Law bias(int, int) { return {}; }
};

/// Weights N(0, 2 / (fan_in + fan_out)), biases 0. Source: Glorot and Bengio 2010, AISTATS, eq. 12.
struct GlorotNormal {
  using axis = initializer_axis;
  static Law weight(int fan_in, int fan_out) {
    return {Law::Shape::normal, std::sqrt(2.0 / (double(fan_in) + fan_out))};
  }
  static Law bias(int, int) { return {}; }
};

/// Weights N(0, 2 / fan_in), biases 0: for rectifiers. Source: He, Zhang, Ren and Sun 2015, ICCV,
/// eq. 10.
struct HeNormal {
  using axis = initializer_axis;
  static Law weight(int fan_in, int) { return {Law::Shape::normal, std::sqrt(2.0 / fan_in)}; }
  static Law bias(int, int) { return {}; }
};

/// Weights uniform on +-sqrt(6 / fan_in), biases 0: HeNormal's variance.
struct HeUniform {
  using axis = initializer_axis;
  static Law weight(int fan_in, int) { return {Law::Shape::uniform, std::sqrt(6.0 / fan_in)}; }
  static Law bias(int, int) { return {}; }
};

/// All zero: for a last layer that starts as E(x) = 0.
struct Zeros {
  using axis = initializer_axis;
  static Law weight(int, int) { return {}; }
  static Law bias(int, int) { return {}; }
};

}  // namespace initializer
}  // namespace basin::layer

#endif
