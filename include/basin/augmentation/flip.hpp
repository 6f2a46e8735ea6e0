// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_AUGMENTATION_FLIP_HPP
#define BASIN_AUGMENTATION_FLIP_HPP

#include <basin/augmentation/concepts.hpp>
#include <basin/core/field.hpp>

namespace basin::augmentation {

/// Left and right exchanged.
struct Flip {
  static constexpr char const* name = "flip";
  double probability                = 0.5;  ///< of a sample; in [0, 1]

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"probability", "1", "that a sample is flipped"}, self.probability, range::closed(0, 1));
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::augmentation::Flip", *this); }

  template <class Shape, class Context, class Scalar>
  KOKKOS_FUNCTION void operator()(Context const& c, Shape, Draws const&, Scalar const* from,
                                  Scalar* to) const {
    constexpr int C = Shape::channels, W = Shape::width;
    c.each(+Shape::size, [=](int i) {
      int const column = i / C % W;
      to[i]            = from[i + (W - 1 - 2 * column) * C];
    });
  }
};

}  // namespace basin::augmentation

#endif
