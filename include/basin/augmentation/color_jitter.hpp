// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_AUGMENTATION_COLOR_JITTER_HPP
#define BASIN_AUGMENTATION_COLOR_JITTER_HPP

#include <basin/augmentation/concepts.hpp>
#include <basin/augmentation/gray.hpp>
#include <basin/core/field.hpp>

#include <Kokkos_MathematicalFunctions.hpp>

namespace basin::augmentation {

/// Brightness, contrast, saturation and hue, in a random order, each of them followed by a limit to
/// [0, 1]:
///
///   brightness  f x                         contrast  f x + (1 - f) mean luma of the image
///   saturation  f x + (1 - f) luma of the pixel       hue  turned by h of the color circle
///
/// on colors that are (x - lower) / (upper - lower). f is uniform on [max(0, 1 - a), 1 + a] with a the
/// field, h on [-hue, hue]. Source: Chen et al. 2020, arXiv:2002.05709, appendix A; the operations are those
/// of torchvision, the numbers those of the buffer of Du et al. 2021, arXiv:2012.01316, for CIFAR-10.
struct ColorJitter {
  static constexpr char const* name = "color_jitter";
  double probability                = 0.8;  ///< of a sample; in [0, 1]
  double brightness                 = 0.8;  ///< >= 0
  double contrast                   = 0.8;  ///< >= 0
  double saturation                 = 0.8;  ///< >= 0
  double hue                        = 0.4;  ///< of a turn; in [0, 0.5]
  double lower                      = 0;    ///< black, units of x
  double upper                      = 1;    ///< full color, units of x; > lower

  template <class Shape>
  static constexpr bool check_shape() {
    static_assert(Shape::channels == 3,
                  "basin::augmentation::ColorJitter: an image of red, green and blue has three "
                  "channels; leave this operation out.");
    return true;
  }
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"probability", "1", "that the colors of a sample change"}, self.probability,
      range::closed(0, 1));
    f(Field{"brightness", "1", "its factor is up to so much from 1"}, self.brightness,
      range::at_least(0).finite());
    f(Field{"contrast", "1", "its factor is up to so much from 1"}, self.contrast,
      range::at_least(0).finite());
    f(Field{"saturation", "1", "its factor is up to so much from 1"}, self.saturation,
      range::at_least(0).finite());
    f(Field{"hue", "turns", "up to which colors are turned"}, self.hue, range::closed(0, 0.5));
    f(Field{"lower", "x", "black"}, self.lower, range::any.finite());
    f(Field{"upper", "x", "full color, > lower"}, self.upper, range::any.finite());
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::augmentation::ColorJitter";
    check_fields(who, *this);
    if (!(lower < upper)) refuse(who, "lower must be < upper, got ", lower, " and ", upper);
  }

  template <class Shape, class Context, class Scalar>
  KOKKOS_FUNCTION void operator()(Context const& c, Shape, Draws const& draws, Scalar const* from,
                                  Scalar* to) const {
    constexpr int positions = Shape::height * Shape::width;
    Scalar const least = static_cast<Scalar>(lower), span = static_cast<Scalar>(upper - lower);
    c.each(+Shape::size, [=](int i) { to[i] = (from[i] - least) / span; });
    // One of 24 orders: of those that are left the one with a number.
    unsigned left = 0xF;
    for (int stage = 0; stage < 4; ++stage) {
      int skip = draws.below(stage, 4 - stage), which = 0;
      while (!(left >> which & 1U) || skip-- > 0) ++which;
      left &= ~(1U << which);
      Scalar const f = static_cast<Scalar>(factor(which, draws));
      Scalar const mean =
          which == 1 ? mean_luma(static_cast<Scalar const*>(to), positions) : Scalar(0);
      if (which == 1) c.barrier();
      c.each(positions, [=](int p) {
        Scalar* const x = to + 3 * p;
        if (which == 3) return turn(x, f);
        Scalar const other = which == 0 ? Scalar(0) : which == 1 ? mean : luma(x[0], x[1], x[2]);
        for (int k = 0; k < 3; ++k) x[k] = limited(f * x[k] + (1 - f) * other);
      });
    }
    c.each(+Shape::size, [=](int i) { to[i] = least + span * to[i]; });
  }

 private:
  KOKKOS_FUNCTION double factor(int which, Draws const& draws) const {
    if (which == 3) return draws.between(7, -hue, hue);
    double const a = which == 0 ? brightness : which == 1 ? contrast : saturation;
    return draws.between(4 + which, a < 1 ? 1 - a : 0, 1 + a);
  }
  template <class Scalar>
  static KOKKOS_FUNCTION Scalar mean_luma(Scalar const* x, int positions) {
    Scalar sum = 0;
    for (int p = 0; p < positions; ++p) sum += luma(x[3 * p], x[3 * p + 1], x[3 * p + 2]);
    return sum / static_cast<Scalar>(positions);
  }
  template <class Scalar>
  static KOKKOS_FORCEINLINE_FUNCTION Scalar limited(Scalar x) {
    return x < 0 ? Scalar(0) : x > 1 ? Scalar(1) : x;
  }
  // The hexagon of hues: red 0, green 1/3, blue 2/3; the value and the chroma stay.
  template <class Scalar>
  static KOKKOS_FUNCTION void turn(Scalar* x, Scalar by) {
    Scalar const r = x[0], g = x[1], b = x[2];
    Scalar const most  = r > g ? (r > b ? r : b) : (g > b ? g : b);
    Scalar const least = r < g ? (r < b ? r : b) : (g < b ? g : b), chroma = most - least;
    Scalar sixth = 0;  // of the hexagon, in [0, 6)
    if (chroma > 0)
      sixth = most == r   ? (g - b) / chroma
              : most == g ? 2 + (b - r) / chroma
                          : 4 + (r - g) / chroma;
    sixth += 6 * by;
    sixth -= 6 * Kokkos::floor(sixth / 6);
    // Of each color: 1 within a sixth of its place, 0 from two sixths on.
    auto const of = [=](Scalar place) {
      Scalar const away = Kokkos::abs(sixth - place), near = away > 3 ? 6 - away : away;
      return limited(most - chroma * limited(near - 1));
    };
    x[0] = of(0), x[1] = of(2), x[2] = of(4);
  }
};

}  // namespace basin::augmentation

#endif
