// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_AUGMENTATION_SHIFT_HPP
#define BASIN_AUGMENTATION_SHIFT_HPP

#include <basin/augmentation/concepts.hpp>
#include <basin/core/field.hpp>

namespace basin::augmentation {

/// By whole pixels, uniformly by -most, ..., most down and to the right, each for itself; what comes in
/// is reflected at the first or last pixel, which is not repeated. As a crop of a padded image, code of
/// Grathwohl et al. 2020, arXiv:1912.03263, with most = 4.
template <int most>
struct Shift {
  static_assert(most > 0, "basin::augmentation::Shift: write a number of pixels > 0.");
  static constexpr char const* name = "shift";
  double probability                = 1;  ///< of a sample; in [0, 1]

  template <class Shape>
  static constexpr bool check_shape() {
    static_assert(
        most < Shape::height && most < Shape::width,
        "basin::augmentation::Shift: an image is shifted by fewer pixels than it has rows "
        "and columns; write a smaller number.");
    return true;
  }
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"probability", "1", "that a sample is shifted"}, self.probability, range::closed(0, 1));
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::augmentation::Shift", *this); }

  template <class Shape, class Context, class Scalar>
  KOKKOS_FUNCTION void operator()(Context const& c, Shape, Draws const& draws, Scalar const* from,
                                  Scalar* to) const {
    constexpr int C = Shape::channels, W = Shape::width, H = Shape::height;
    int const down  = draws.below(0, 2 * most + 1) - most;
    int const right = draws.below(1, 2 * most + 1) - most;
    c.each(+Shape::size, [=](int i) {
      int const row = reflected(i / (C * W) - down, H), column = reflected(i / C % W - right, W);
      to[i] = from[element<Shape>(row, column, i % C)];
    });
  }
};

}  // namespace basin::augmentation

#endif
