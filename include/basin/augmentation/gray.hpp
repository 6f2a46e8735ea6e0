// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_AUGMENTATION_GRAY_HPP
#define BASIN_AUGMENTATION_GRAY_HPP

#include <basin/augmentation/concepts.hpp>
#include <basin/core/field.hpp>

namespace basin::augmentation {

/// The luma of a color: 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601).
template <class Scalar>
KOKKOS_FORCEINLINE_FUNCTION Scalar luma(Scalar red, Scalar green, Scalar blue) {
  return Scalar(0.299) * red + Scalar(0.587) * green + Scalar(0.114) * blue;
}

/// All three channels the luma.
struct Gray {
  static constexpr char const* name = "gray";
  double probability                = 0.2;  ///< of a sample; in [0, 1]

  template <class Shape>
  static constexpr bool check_shape() {
    static_assert(Shape::channels == 3,
                  "basin::augmentation::Gray: an image of red, green and blue has three channels; "
                  "leave this operation out.");
    return true;
  }
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"probability", "1", "that a sample is without color"}, self.probability,
      range::closed(0, 1));
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::augmentation::Gray", *this); }

  template <class Shape, class Context, class Scalar>
  KOKKOS_FUNCTION void operator()(Context const& c, Shape, Draws const&, Scalar const* from,
                                  Scalar* to) const {
    c.each(Shape::height * Shape::width, [=](int p) {
      Scalar const* const rgb = from + 3 * p;
      to[3 * p] = to[3 * p + 1] = to[3 * p + 2] = luma(rgb[0], rgb[1], rgb[2]);
    });
  }
};

}  // namespace basin::augmentation

#endif
