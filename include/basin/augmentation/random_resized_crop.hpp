// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_AUGMENTATION_RANDOM_RESIZED_CROP_HPP
#define BASIN_AUGMENTATION_RANDOM_RESIZED_CROP_HPP

#include <basin/augmentation/concepts.hpp>
#include <basin/core/field.hpp>

#include <Kokkos_MathematicalFunctions.hpp>

namespace basin::augmentation {

/// A rectangle of random area and ratio of sides, as large as the whole by bilinear interpolation, pixels
/// being the centers of unit squares and its border repeated.
///
/// The area is uniform between two shares of the image, width / height log-uniform between two ratios, the
/// place uniform. A rectangle that does not fit is drawn again; after ten it is the largest one in the
/// middle with a ratio in range. Source: Szegedy et al. 2015, arXiv:1409.4842, section 6; numbers of
/// torchvision, and of the buffer of Du et al. 2021, arXiv:2012.01316.
struct RandomResizedCrop {
  static constexpr char const* name = "random_resized_crop";
  double least_area                 = 0.08;     ///< share of the image; in (0, 1]
  double most_area                  = 1;        ///< in [least_area, 1]
  double least_ratio                = 3. / 4.;  ///< width / height; > 0
  double most_ratio                 = 4. / 3.;  ///< width / height; >= least_ratio

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"least_area", "1", "share of the image that is kept"}, self.least_area,
      range::left_open(0, 1));
    f(Field{"most_area", "1", "share of the image that is kept, >= least_area"}, self.most_area,
      range::left_open(0, 1));
    f(Field{"least_ratio", "1", "width / height of what is kept"}, self.least_ratio,
      range::above(0).finite());
    f(Field{"most_ratio", "1", "width / height of what is kept, >= least_ratio"}, self.most_ratio,
      range::above(0).finite());
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::augmentation::RandomResizedCrop";
    check_fields(who, *this);
    if (least_area > most_area)
      refuse(who, "least_area must be <= most_area, got ", least_area, " and ", most_area);
    if (least_ratio > most_ratio)
      refuse(who, "least_ratio must be <= most_ratio, got ", least_ratio, " and ", most_ratio);
  }

  /// What is kept.
  struct Rectangle {
    int row, column, height, width;
  };
  KOKKOS_FUNCTION Rectangle rectangle(int H, int W, Draws const& draws) const {
    for (int attempt = 0; attempt < 10; ++attempt) {
      double const area  = H * W * draws.between(4 * attempt, least_area, most_area);
      double const ratio = Kokkos::exp(
          draws.between(4 * attempt + 1, Kokkos::log(least_ratio), Kokkos::log(most_ratio)));
      int const w = static_cast<int>(Kokkos::sqrt(area * ratio) + 0.5);
      int const h = static_cast<int>(Kokkos::sqrt(area / ratio) + 0.5);
      if (w > 0 && h > 0 && w <= W && h <= H)
        return {draws.below(4 * attempt + 2, H - h + 1), draws.below(4 * attempt + 3, W - w + 1), h,
                w};
    }
    double const ratio = double(W) / H;
    int w = W, h = H;
    if (ratio < least_ratio) h = static_cast<int>(W / least_ratio + 0.5);
    if (ratio > most_ratio) w = static_cast<int>(H * most_ratio + 0.5);
    h = h < 1 ? 1 : h, w = w < 1 ? 1 : w;
    return {(H - h) / 2, (W - w) / 2, h, w};
  }

  template <class Shape, class Context, class Scalar>
  KOKKOS_FUNCTION void operator()(Context const& c, Shape, Draws const& draws, Scalar const* from,
                                  Scalar* to) const {
    constexpr int C = Shape::channels, W = Shape::width, H = Shape::height;
    Rectangle const r = rectangle(H, W, draws);
    c.each(+Shape::size, [=](int i) {
      Weighted const y = between(i / (C * W), H, r.height), x = between(i / C % W, W, r.width);
      auto const at = [&](int row, int column) {
        return from[element<Shape>(r.row + row, r.column + column, i % C)];
      };
      auto const mix = [](Scalar a, Scalar b, double t) {
        return a + static_cast<Scalar>(t) * (b - a);
      };
      to[i] = mix(mix(at(y.first, x.first), at(y.first, x.second), x.t),
                  mix(at(y.second, x.first), at(y.second, x.second), x.t), y.t);
    });
  }

 private:
  struct Weighted {
    int first, second;
    double t;  // of the second
  };
  // Where pixel i of n is among those of a stretch of 'length'.
  static KOKKOS_FORCEINLINE_FUNCTION Weighted between(int i, int n, int length) {
    double const last = length - 1, x = (i + 0.5) * length / n - 0.5;
    double const in = x < 0 ? 0 : x > last ? last : x;
    int const first = static_cast<int>(in);
    return {first, first + 1 < length ? first + 1 : first, in - first};
  }
};

}  // namespace basin::augmentation

#endif
