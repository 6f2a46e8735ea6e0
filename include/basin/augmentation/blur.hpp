// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_AUGMENTATION_BLUR_HPP
#define BASIN_AUGMENTATION_BLUR_HPP

#include <basin/augmentation/concepts.hpp>
#include <basin/core/field.hpp>

#include <Kokkos_MathematicalFunctions.hpp>

namespace basin::augmentation {

/// Convolution with a Gaussian of 'size' x 'size' pixels, each of weight proportional to
/// exp(-(i^2 + j^2) / 2 sigma^2) and all of sum 1, with sigma uniform; the image is reflected at its first
/// and last pixels, which are not repeated. Numbers of Chen et al. 2020, arXiv:2002.05709, appendix A.
template <int size = 5>
struct Blur {
  static_assert(size > 1 && size % 2 == 1, "basin::augmentation::Blur: write an odd size > 1.");
  static constexpr char const* name = "blur";
  double probability                = 0.5;  ///< of a sample; in [0, 1]
  double least_deviation            = 0.1;  ///< of sigma, pixels; > 0
  double most_deviation             = 2;    ///< of sigma, pixels; >= least_deviation

  template <class Shape>
  static constexpr bool check_shape() {
    static_assert(
        size / 2 < Shape::height && size / 2 < Shape::width,
        "basin::augmentation::Blur: half of the size must be less than the image's rows and "
        "columns; write a smaller size.");
    return true;
  }
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"probability", "1", "that a sample is blurred"}, self.probability, range::closed(0, 1));
    f(Field{"least_deviation", "pixels", "standard deviation of the Gaussian"},
      self.least_deviation, range::above(0).finite());
    f(Field{"most_deviation", "pixels", "standard deviation of the Gaussian, >= least_deviation"},
      self.most_deviation, range::above(0).finite());
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::augmentation::Blur";
    check_fields(who, *this);
    if (least_deviation > most_deviation)
      refuse(who, "least_deviation must be <= most_deviation, got ", least_deviation, " and ",
             most_deviation);
  }

  template <class Shape, class Context, class Scalar>
  KOKKOS_FUNCTION void operator()(Context const& c, Shape, Draws const& draws, Scalar const* from,
                                  Scalar* to) const {
    constexpr int C = Shape::channels, W = Shape::width, H = Shape::height, half = size / 2;
    double const sigma = draws.between(0, least_deviation, most_deviation);
    Kernel<Scalar> weights{};  // (half + 1): of the distances 0, 1, ...
    double sum = 1;
    for (int k = 1; k <= half; ++k) sum += 2 * Kokkos::exp(-0.5 * k * k / (sigma * sigma));
    for (int k = 0; k <= half; ++k)
      weights.of[k] = static_cast<Scalar>(Kokkos::exp(-0.5 * k * k / (sigma * sigma)) / sum);
    c.each(+Shape::size, [=](int i) {
      int const row = i / (C * W), column = i / C % W;
      Scalar all = 0;
      for (int y = -half; y <= half; ++y) {
        Scalar line  = 0;
        int const at = reflected(row + y, H);
        for (int x = -half; x <= half; ++x)
          line += weights.of[x < 0 ? -x : x] *
                  from[element<Shape>(at, reflected(column + x, W), i % C)];
        all += weights.of[y < 0 ? -y : y] * line;
      }
      to[i] = all;
    });
  }

 private:
  template <class Scalar>
  struct Kernel {
    Scalar of[size / 2 + 1];
  };
};

}  // namespace basin::augmentation

#endif
