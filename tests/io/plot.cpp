// SPDX-License-Identifier: Apache-2.0
#include <basin/io/plot.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>

namespace {

using basin::io::Color;
using basin::io::Picture;
using basin::io::Rectangle;
using basin::io::viridis;
using Catch::Matchers::WithinAbs;
using View = Kokkos::View<double*, Kokkos::HostSpace>;

// L* of CIELAB (CIE 15) of an sRGB color (IEC 61966-2-1), 0 ... 100.
double lightness(Color c) {
  auto const linear = [](double byte) {
    double const v = byte / 255;
    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  };
  double const y = 0.2126 * linear(c.red) + 0.7152 * linear(c.green) + 0.0722 * linear(c.blue);
  return y > 216.0 / 24389 ? 116 * std::cbrt(y) - 16 : y * 24389 / 27;
}

TEST_CASE("the color map's lightness grows evenly", "[io][plot]") {
  // Viridis is linear in J' of CAM02-UCS, close to L*: each 32nd adds 1/32 of the whole range
  // within 60 %, where rounding to bytes moves L* by up to 0.2.
  double const whole = lightness(viridis(1)) - lightness(viridis(0));
  CHECK(whole > 70);
  for (int k = 0; k < 32; ++k) {
    CAPTURE(k);
    double const step = lightness(viridis((k + 1) / 32.0)) - lightness(viridis(k / 32.0));
    CHECK_THAT(step, WithinAbs(whole / 32, 0.6 * whole / 32));
  }
  CHECK(viridis(-1) == viridis(0));
  CHECK(viridis(2) == viridis(1));
  CHECK_THROWS_WITH(viridis(NAN), "basin::io::viridis: t must be a number, got NaN");
}

TEST_CASE("pixel centers fill the rectangle, y up", "[io][plot]") {
  auto const x = basin::io::pixel_centers({0, 4, -1, 1}, 2, 4);
  REQUIRE(x.extent(0) == 8);
  for (int p = 0; p < 8; ++p) {
    CHECK(x(p, 0) == static_cast<float>(p % 4 + 0.5));
    CHECK(x(p, 1) == (p < 4 ? 0.5F : -0.5F));
  }
}

TEST_CASE("a heat map is the color map of the values", "[io][plot]") {
  Rectangle const r{0, 1, 0, 1};
  Picture const up = basin::io::heat_map([](double, double y) { return y; }, r, 8, 3);
  for (int i = 0; i < 8; ++i)
    for (int j = 0; j < 3; ++j) CHECK(up(i, j) == viridis((7 - i) / 7.0));

  View const values("values", 24);
  auto const centers = basin::io::pixel_centers(r, 8, 3);
  for (int p = 0; p < 24; ++p) values(p) = centers(p, 1);
  Picture const given =
      basin::io::heat_map(values, 8, 3, {.lower = 0.0, .upper = 0.5});  // clamped above 1/2
  CHECK(given(0, 0) == viridis(1));
  CHECK(given(6, 1) == viridis(2 * 3 / 16.0));

  View const constant("constant", 24);
  CHECK(basin::io::heat_map(constant, 8, 3)(4, 1) == viridis(0));
}

TEST_CASE("contours lie between bands of equal height", "[io][plot]") {
  auto const plane = [](double x, double) { return x; };
  Rectangle const r{0, 1, 0, 1};
  Picture const plain = basin::io::heat_map(plane, r, 4, 100, {.lower = 0.0, .upper = 1.0});
  Picture const lines =
      basin::io::heat_map(plane, r, 4, 100, {.lower = 0.0, .upper = 1.0, .contours = 3});
  for (int j = 0; j < 100; ++j) {
    CAPTURE(j);
    CHECK((lines(2, j) == plain(2, j)) == (j != 24 && j != 49 && j != 74));
  }
  // Nor at the upper end of the range, where values are clamped.
  Picture const clamped =
      basin::io::heat_map(plane, r, 4, 100, {.lower = 0.0, .upper = 0.5, .contours = 1});
  for (int j = 40; j < 100; ++j) CHECK(clamped(2, j) == viridis(std::min(1.0, (j + 0.5) / 50)));
}

TEST_CASE("a point is drawn where it is", "[io][plot]") {
  Rectangle const r{-2, 2, -1, 1};
  Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace> const points("points", 2, 2);
  points(0, 0) = 1.05F, points(0, 1) = 0.45F;  // column 30.5, row 5.5 of 40 x 20 pixels
  points(1, 0) = 9, points(1, 1) = 0;          // outside
  Picture picture(20, 40, basin::io::black);
  basin::io::scatter(picture, r, points, {.radius = 2, .opacity = 1});
  double mass = 0, row = 0, column = 0;
  for (int i = 0; i < 20; ++i)
    for (int j = 0; j < 40; ++j) {
      double const m = picture(i, j).red / 255.0;
      mass += m, row += m * i, column += m * j;
    }
  CHECK_THAT(row / mass, WithinAbs(5, 0.02));
  CHECK_THAT(column / mass, WithinAbs(30, 0.02));
  CHECK_THAT(mass, WithinAbs(4 * 3.14159, 0.8));  // a disc of radius 2 whose edge is one pixel soft
  CHECK(picture(5, 30) == basin::io::white);
}

TEST_CASE("plot refusals say the numbers", "[io][plot]") {
  Rectangle const r{};
  CHECK_THROWS_WITH(basin::io::pixel_centers({1, 1, 0, 2}, 2, 2),
                    "basin::io::pixel_centers: Rectangle must have x_lower < x_upper and y_lower < "
                    "y_upper, got 1.000000, 1.000000, 0.000000, 2.000000");
  CHECK_THROWS_WITH(basin::io::pixel_centers(r, 0, 2),
                    "basin::io::pixel_centers: height and width must be > 0, got 0 and 2");
  View const values("values", 6);
  CHECK_THROWS_WITH(basin::io::heat_map(values, 2, 4),
                    "basin::io::heat_map: values has extent 6, a picture of 2 x 4 needs 8");
  CHECK_THROWS_WITH(basin::io::heat_map(values, 2, 3, {.lower = 1.0, .upper = 1.0}),
                    "basin::io::heat_map: the range must be finite with lower < upper, got "
                    "1.000000 and 1.000000");
  CHECK_THROWS_WITH(basin::io::heat_map(values, 2, 3, {.contours = -1}),
                    "basin::io::heat_map: HeatMapOptions::contours must be >= 0, got -1");
  values(4) = HUGE_VAL;
  CHECK_THROWS_WITH(
      basin::io::heat_map(values, 2, 3),
      "basin::io::heat_map: the range must be finite with lower < upper, got 0.000000 and inf");
  CHECK(basin::io::heat_map(values, 2, 3, {.upper = 1.0})(1, 1) == viridis(1));
  values(4) = NAN;
  CHECK_THROWS_WITH(basin::io::heat_map(values, 2, 3), "basin::io::heat_map: value 4 of 6 is NaN");

  Picture picture(4, 4);
  Kokkos::View<float**, Kokkos::HostSpace> const three("three", 2, 3), nan("nan", 2, 2);
  nan(1, 0) = NAN;
  CHECK_THROWS_WITH(basin::io::scatter(picture, r, three),
                    "basin::io::scatter: points has second extent 3, not 2");
  CHECK_THROWS_WITH(basin::io::scatter(picture, r, nan), "basin::io::scatter: point 1 of 2 is NaN");
  CHECK_THROWS_WITH(basin::io::scatter(picture, r, nan, {.opacity = 2}),
                    "basin::io::scatter: ScatterOptions::radius must be > 0 and opacity in (0, 1], "
                    "got 1.200000 and 2.000000");
}

}  // namespace
