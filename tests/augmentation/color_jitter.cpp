// SPDX-License-Identifier: Apache-2.0
#include <basin/augmentation/blur.hpp>
#include <basin/augmentation/color_jitter.hpp>
#include <basin/augmentation/gray.hpp>
#include <basin/augmentation/random_resized_crop.hpp>

#include "support/augmented.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>

// Operations that compute: colors, blur, crop.

namespace {

using namespace basin::test;
using namespace basin::augmentation;
using Catch::Matchers::WithinAbs;
using Exec  = BASIN_TEST_EXEC;
using Shape = basin::Image<6, 7, 3>;

constexpr std::size_t size = Shape::size;
// Colors in [0, 1]
std::vector<double> picture(std::size_t n = 1) {
  auto x = numbers(n * size, 5, 0.5);
  for (double& xi : x) xi += 0.5;
  return x;
}
double luma_of(std::vector<double> const& x, std::size_t p) {
  return 0.299 * x[3 * p] + 0.587 * x[3 * p + 1] + 0.114 * x[3 * p + 2];
}
// The largest difference of two pictures.
double apart(std::vector<double> const& x, std::vector<double> const& y) {
  double most = 0;
  for (std::size_t i = 0; i < x.size(); ++i) most = std::max(most, std::abs(x[i] - y[i]));
  return most;
}

TEST_CASE("gray is the luma in every channel", "[augmentation][gray]") {
  auto const x = picture(), y = augmented<Exec>(Pipeline<Shape, Gray>{{.probability = 1}}, x);
  for (std::size_t p = 0; p < size / 3; ++p)
    for (std::size_t k = 0; k < 3; ++k) CHECK_THAT(y[3 * p + k], WithinAbs(luma_of(x, p), 1e-15));
  CHECK(augmented<Exec>(Pipeline<Shape, Gray>{{.probability = 0}}, x) == x);
}

using Blurs = Pipeline<Shape, Blur<5>>;

TEST_CASE("a blur has a Gaussian's weights, and leaves a constant what it is",
          "[augmentation][blur]") {
  Blurs const two{{.probability = 1, .least_deviation = 2, .most_deviation = 2}};
  std::vector<double> const constant(size, 0.7);
  CHECK(apart(augmented<Exec>(two, constant), constant) < 1e-15);
  // Of one pixel far from the border the kernel itself, of a corner its reflection.
  double w[3]{1, std::exp(-1. / 8), std::exp(-4. / 8)};
  double const sum  = w[0] + 2 * w[1] + 2 * w[2];
  auto const weight = [&](int d) { return std::abs(d) > 2 ? 0 : w[std::abs(d)] / sum; };
  auto const turned = [&](int i, int of,
                          int n) {  // all weights by which pixel 'of' reaches pixel i
    double all = 0;
    for (int d = -2; d <= 2; ++d) {
      int const p = i + d;
      if ((p < 0 ? -p : p >= n ? 2 * (n - 1) - p : p) == of) all += weight(d);
    }
    return all;
  };
  for (auto const& [row, column] : {std::pair{3, 3}, std::pair{0, 1}}) {
    std::vector<double> one(size);
    one[std::size_t((row * 7 + column) * 3 + 1)] = 1;
    auto const y                                 = augmented<Exec>(two, one);
    double error                                 = 0;
    for (int i = 0; i < 6; ++i)
      for (int j = 0; j < 7; ++j)
        for (int k = 0; k < 3; ++k)
          error = std::max(error, std::abs(y[std::size_t((i * 7 + j) * 3 + k)] -
                                           (k == 1) * turned(i, row, 6) * turned(j, column, 7)));
    CHECK(error < 1e-15);
  }
  // sigma is uniform: of 2000 the median weight of the middle is that of the middle sigma.
  std::vector<double> one(size);
  one[(3 * 7 + 3) * 3] = 1;
  auto const many      = augmented<Exec>(Blurs{{.probability = 1}}, repeated(one, 2000));
  int wider            = 0;
  double const m       = 1.05;  // (0.1 + 2) / 2
  double const middle  = 1 + 2 * std::exp(-0.5 / (m * m)) + 2 * std::exp(-2 / (m * m));
  for (std::size_t n = 0; n < 2000; ++n)
    wider += many[n * size + (3 * 7 + 3) * 3] < 1 / (middle * middle);
  CHECK_THAT(wider / 2000., WithinAbs(0.5, share_tolerance(0.5, 2000)));
}

using Crops = Pipeline<Shape, RandomResizedCrop>;

TEST_CASE("a crop of all is nothing, and one of a part is as large as the whole",
          "[augmentation][random_resized_crop]") {
  auto const x   = picture();
  double const r = 7. / 6;
  CHECK(augmented<Exec>(Crops{{.least_area = 1, .most_area = 1, .least_ratio = r, .most_ratio = r}},
                        x) == x);
  // Bilinear interpolation keeps what is linear: of a ramp every row is the same line, whose slope is that
  // of the width, away from the borders.
  std::vector<double> ramp;
  for (std::size_t i = 0; i < size; ++i) ramp.push_back(double(i / 3 % 7));
  int constexpr n = 500;
  auto const many = augmented<Exec>(Crops{}, repeated(ramp, n));
  int widths[8]{};
  for (std::size_t s = 0; s < n; ++s) {
    auto const y = sample_of(many, s, size);
    // The centers of columns 3 and 4 are one seventh of the width apart.
    double const width = 7 * (y[4 * 3] - y[3 * 3]);
    int const whole    = int(std::lround(width));
    REQUIRE_THAT(width, WithinAbs(whole, 1e-12));
    REQUIRE((whole >= 1 && whole <= 7));
    ++widths[whole];
    double const first = y[3 * 3] - (3.5 * width / 7 - 0.5);  // the first column of the rectangle
    CHECK_THAT(first, WithinAbs(std::lround(first), 1e-12));
    CHECK((first > -0.5 && first + whole < 7.5));
    for (std::size_t i = 1; i < 6; ++i)
      for (std::size_t j = 0; j < 7; ++j) CHECK(y[(i * 7 + j) * 3] == y[j * 3]);
  }
  for (int width = 2; width <= 6; ++width) CHECK(widths[width] > 0);
}

TEST_CASE("the area of a crop is uniform", "[augmentation][random_resized_crop]") {
  RandomResizedCrop const crop{.least_area = 0.2, .most_area = 0.8};
  int constexpr n = 4000;
  int below       = 0;
  double ratios   = 0;
  for (std::uint32_t s = 0; s < n; ++s) {
    auto const r = crop.rectangle(1000, 1000, {{9, basin::Purpose::augmentation, 0}, s, 0});
    below += r.height * r.width < 500000;
    ratios += std::log(double(r.width) / r.height) / n;
    CHECK((r.row >= 0 && r.column >= 0 && r.row + r.height <= 1000 && r.column + r.width <= 1000));
  }
  // Half of the areas below the middle; the mean logarithm of the ratio is 0, of deviation
  // log(16 / 9) / sqrt(12). A wide rectangle of area 0.8 does not always fit: both bounds are doubled.
  CHECK_THAT(double(below) / n, WithinAbs(0.5, 2 * share_tolerance(0.5, n)));
  CHECK_THAT(ratios, WithinAbs(0, 5 * std::log(16 / 9.) / std::sqrt(12. * n)));
  // What never fits: the largest in the middle.
  RandomResizedCrop const wide{.least_area = 1, .least_ratio = 4, .most_ratio = 4};
  auto const r = wide.rectangle(1000, 1000, {{9, basin::Purpose::augmentation, 0}, 0, 0});
  CHECK((r.height == 250 && r.width == 1000 && r.row == 375 && r.column == 0));
}

using Colors = Pipeline<Shape, ColorJitter>;
ColorJitter only(double brightness, double contrast, double saturation, double hue) {
  return {.probability = 1,
          .brightness  = brightness,
          .contrast    = contrast,
          .saturation  = saturation,
          .hue         = hue};
}

TEST_CASE("colors change as stated, one factor for a whole image", "[augmentation][color_jitter]") {
  auto const x = picture();
  CHECK(apart(augmented<Exec>(Colors{only(0, 0, 0, 0)}, x), x) < 1e-14);
  double mean = 0;
  for (std::size_t p = 0; p < size / 3; ++p) mean += luma_of(x, p) / double(size / 3);
  // y = clamp(f x + (1 - f) other) for one f, which the element farthest from 'other' tells.
  auto const check = [&](ColorJitter const& jitter, auto const& other) {
    double least = 9, most = -9;
    for (std::uint64_t step = 0; step < 40; ++step) {
      auto const y = augmented<Exec>(Colors{jitter}, x, step);
      double f = 0, far = 0;
      for (std::size_t i = 0; i < size; ++i)
        if (y[i] > 0 && y[i] < 1 && std::abs(x[i] - other(i / 3)) > far) {
          far = std::abs(x[i] - other(i / 3));
          f   = (y[i] - other(i / 3)) / (x[i] - other(i / 3));
        }
      double error = 0;
      for (std::size_t i = 0; i < size; ++i)
        error =
            std::max(error, std::abs(y[i] - std::clamp(f * x[i] + (1 - f) * other(i / 3), 0., 1.)));
      CHECK(error < 1e-13);
      least = std::min(least, f), most = std::max(most, f);
    }
    CHECK((least > 0.5 - 1e-12 && least < 0.7 && most > 1.3 && most < 1.5 + 1e-12));
  };
  check(only(0.5, 0, 0, 0), [](std::size_t) { return 0.; });
  check(only(0, 0.5, 0, 0), [&](std::size_t) { return mean; });
  check(only(0, 0, 0.5, 0), [&](std::size_t p) { return luma_of(x, p); });
}

TEST_CASE("hues turn, and keep the largest and the least of a color",
          "[augmentation][color_jitter]") {
  auto const hue = [](double const* x) {  // in turns, by the definition of HSV
    double const most = std::max({x[0], x[1], x[2]}), c = most - std::min({x[0], x[1], x[2]});
    double const h = most == x[0]   ? std::fmod((x[1] - x[2]) / c + 6, 6)
                     : most == x[1] ? (x[2] - x[0]) / c + 2
                                    : (x[0] - x[1]) / c + 4;
    return h / 6;
  };
  auto const x = picture();
  // Uniform on [-0.3, 0.3]: of 200 the largest is within 0.3 * (1 - 0.05) but for 0.95^200 = 4e-5.
  double largest_turn = 0;
  for (std::uint64_t step = 0; step < 200; ++step) {
    auto const y = augmented<Exec>(Colors{only(0, 0, 0, 0.3)}, x, step);
    double turn  = 0;
    for (std::size_t p = 0; p < size / 3; ++p) {
      auto const of = [&](std::vector<double> const& all) { return all.data() + 3 * p; };
      double by     = hue(of(y)) - hue(of(x));
      by -= std::round(by);
      if (p == 0) turn = by;
      CHECK_THAT(by, WithinAbs(turn, 1e-12));
      CHECK_THAT(*std::max_element(of(y), of(y) + 3),
                 WithinAbs(*std::max_element(of(x), of(x) + 3), 1e-14));
      CHECK_THAT(*std::min_element(of(y), of(y) + 3),
                 WithinAbs(*std::min_element(of(x), of(x) + 3), 1e-14));
    }
    largest_turn = std::max(largest_turn, std::abs(turn));
  }
  CHECK((largest_turn > 0.285 && largest_turn < 0.3));
}

TEST_CASE("the range of colors is that of the options", "[augmentation][color_jitter]") {
  auto const x = picture();
  auto wide    = x;
  for (double& xi : wide) xi = 2 * xi - 1;
  auto jitter  = only(0.4, 0.4, 0.4, 0.1);
  auto const y = augmented<Exec>(Colors{jitter}, repeated(x, 30));
  jitter.lower = -1;
  auto z       = augmented<Exec>(Colors{jitter}, repeated(wide, 30));
  for (double& zi : z) zi = (zi + 1) / 2;
  CHECK(apart(y, z) < 1e-14);
  CHECK_THROWS_AS((ColorJitter{.lower = 2}.check()), std::invalid_argument);
}

}  // namespace
