// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_AUGMENTATION_CONCEPTS_HPP
#define BASIN_AUGMENTATION_CONCEPTS_HPP

#include <basin/core/philox.hpp>
#include <basin/core/policy.hpp>
#include <basin/core/shape.hpp>
#include <basin/tile/context.hpp>

#include <concepts>
#include <cstdint>

namespace basin::augmentation {

struct augmentation_axis {};

/// The uniforms of one operation on one sample: functions of (seed, step, number of the sample, place of
/// the operation in its pipeline) alone.
struct Draws {
  Stream stream;
  std::uint32_t sample;
  std::uint32_t first;  ///< element of number 0

  static constexpr int count = 63;  ///< an operation has

  /// Number i in [0, count), uniform on (0, 1).
  KOKKOS_FUNCTION double operator()(int i) const {
    return unit_uniform<double>(random_word(stream, first + static_cast<std::uint32_t>(i), sample));
  }
  /// Number i, uniform on [low, high].
  KOKKOS_FUNCTION double between(int i, double low, double high) const {
    return low + (high - low) * (*this)(i);
  }
  /// Number i, an integer uniform on {0, ..., n - 1}.
  KOKKOS_FUNCTION int below(int i, int n) const {
    int const k = static_cast<int>((*this)(i)*n);
    return k < n ? k : n - 1;
  }
};

/// Element (row, column, channel) of an image of a shape, stored as basin::Image says.
template <ImageShape Shape>
KOKKOS_FORCEINLINE_FUNCTION constexpr int element(int row, int column, int channel) {
  return (row * Shape::width + column) * Shape::channels + channel;
}

/// The position in [0, n) that a position in (-n, 2 n - 1) is after reflection at the first and the last,
/// which are not repeated.
KOKKOS_FORCEINLINE_FUNCTION constexpr int reflected(int at, int n) {
  return at < 0 ? -at : at >= n ? 2 * (n - 1) - at : at;
}

/// One operation on a sample of a shape: a struct with
///
///   static constexpr char const* name;                   // among the fields of a pipeline
///   // to = from, changed, both (Shape::size); 'to' is no part of 'from'
///   template <class Shape, class Context, class Scalar> KOKKOS_FUNCTION void operator()(
///       Context const& c, Shape, augmentation::Draws const& draws, Scalar const* from,
///       Scalar* to) const;
///   double probability;                                  // optional: of being applied; else always
///   template <class Shape> static constexpr bool check_shape();  // optional: static_asserts
///   void check() const;  // if it has options to validate; throws std::invalid_argument
///
/// written with c.each(n, f), f(i) for i in [0, n) shared by a team, and then a barrier. All threads of a
/// team run what is outside of it.
template <class Operation>
concept Augmentation =
    requires(Operation const& o,
             basin::tile::Context<tile::SerialTeam<>, tile::Simd<float, 1>, 1, 1, 1> const& c,
             Draws const& draws, float const* from, float* to) {
      { Operation::name } -> std::convertible_to<char const*>;
      o(c, Image<3, 3, 3>{}, draws, from, to);
    };

/// The requirements of Augmentation as an error message.
template <class Operation>
struct check_augmentation {
  static_assert(
      Augmentation<Operation>,
      "basin::augmentation: an operation has 'static constexpr char const* name' and "
      "'template <class Shape, class Context, class Scalar> KOKKOS_FUNCTION void "
      "operator()(Context const& c, Shape, basin::augmentation::Draws const& draws, Scalar "
      "const* from, Scalar* to) const'.");
  static constexpr bool value = Augmentation<Operation>;
};

}  // namespace basin::augmentation

#endif
