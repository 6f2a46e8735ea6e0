// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_SHAPE_HPP
#define BASIN_CORE_SHAPE_HPP

#include <basin/core/arithmetic.hpp>

#include <concepts>

namespace basin {

/// The scalars that energies, samplers and optimizers are written for.
template <class T>
concept Real = std::same_as<T, float> || std::same_as<T, double>;

/// Shape of a state that is a plain vector of Size values.
template <int Size>
struct Vector {
  static_assert(Size > 0, "basin::Vector<Size>: Size must be positive.");
  static constexpr int size = Size;
};

/// Shape of an image, stored row-major as (Height, Width, Channels).
template <int Height, int Width, int Channels = 1>
struct Image {
  static_assert(Height > 0 && Width > 0 && Channels > 0,
                "basin::Image<Height, Width, Channels>: every extent must be positive.");
  static constexpr int height   = Height;
  static constexpr int width    = Width;
  static constexpr int channels = Channels;
  static constexpr int size     = Height * Width * Channels;
};

/// Shape of the input or output of a layer or network: a type that names its size.
template <class S>
concept Shape = requires {
  { S::size } -> std::convertible_to<int>;
};

/// A shape with positions and channels.
template <class S>
concept ImageShape = Shape<S> && requires {
  { S::height } -> std::convertible_to<int>;
  { S::width } -> std::convertible_to<int>;
  { S::channels } -> std::convertible_to<int>;
};

}  // namespace basin

#endif
