// SPDX-License-Identifier: Apache-2.0
#include <basin/io/picture.hpp>

#include "support/temporary_folder.hpp"
#include "support/writer.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cmath>
#include <filesystem>
#include <png.h>
#include <string>
#include <vector>

namespace {

using basin::io::Color;
using basin::io::Picture;
using basin::test::read_file;
using basin::test::TemporaryFolder;
using basin::test::write_file;
using View = Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace>;

struct Decoded {
  unsigned height, width;
  bool gray;
  std::vector<unsigned char> rgb;
};

Decoded read_png(std::string const& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_file(&image, path.c_str()) != 0);
  bool const gray = (image.format & PNG_FORMAT_FLAG_COLOR) == 0;
  image.format    = PNG_FORMAT_RGB;
  Decoded decoded{image.height, image.width, gray, {}};
  decoded.rgb.resize(PNG_IMAGE_SIZE(image));
  REQUIRE(png_image_finish_read(&image, nullptr, decoded.rgb.data(), 0, nullptr) != 0);
  return decoded;
}

void check_same(Decoded const& decoded, Picture const& picture) {
  REQUIRE(decoded.height == static_cast<unsigned>(picture.height()));
  REQUIRE(decoded.width == static_cast<unsigned>(picture.width()));
  std::size_t at = 0;
  for (int i = 0; i < picture.height(); ++i)
    for (int j = 0; j < picture.width(); ++j, at += 3)
      REQUIRE(picture(i, j) == Color{decoded.rgb[at], decoded.rgb[at + 1], decoded.rgb[at + 2]});
}

TEST_CASE("a PNG holds the picture's bytes, in gray where it is gray", "[io][picture]") {
  TemporaryFolder const folder;
  Picture picture(23, 17);
  for (int i = 0; i < 23; ++i)
    for (int j = 0; j < 17; ++j) {
      auto const byte = static_cast<std::uint8_t>(11 * i + 7 * j);
      picture(i, j)   = {byte, byte, byte};
    }
  write_png(folder / "gray.png", picture);
  Decoded const gray = read_png(folder / "gray.png");
  CHECK(gray.gray);
  check_same(gray, picture);

  picture(22, 16).blue ^= 1;
  write_png(folder / "color.png", picture);
  Decoded const color = read_png(folder / "color.png");
  CHECK_FALSE(color.gray);
  check_same(color, picture);
  CHECK(folder.files() == 2);
}

TEST_CASE("a PNG replaces an older file or leaves it", "[io][picture]") {
  TemporaryFolder const folder;
  write_file(folder / "x.png", "old");
  write_png(folder / "x.png", Picture(2, 2));
  check_same(read_png(folder / "x.png"), Picture(2, 2));
  std::string const nowhere = folder / "no_folder/x.png";
  CHECK_THROWS_WITH(
      write_png(nowhere, Picture(2, 2)),
      "basin::io::write_png: '" + nowhere + "' cannot be written: No such file or directory");
  CHECK(folder.files() == 1);
}

TEST_CASE("write_png writes where any program would", "[io][picture]") {
  basin::test::check_writer("basin::io::write_png",
                            [](std::string const& path) { write_png(path, Picture(2, 3)); });
}

TEST_CASE("panels stand side by side with a gap", "[io][picture]") {
  Color const red{255, 0, 0}, blue{0, 0, 255}, green{0, 255, 0};
  Picture const joined = basin::io::beside({Picture(3, 2, red), Picture(3, 4, blue)}, 5, green);
  CHECK(joined.height() == 3);
  CHECK(joined.width() == 2 + 5 + 4);
  for (int j = 0; j < 11; ++j) CHECK(joined(1, j) == (j < 2 ? red : j < 7 ? green : blue));
}

TEST_CASE("a grid shows the images row by row", "[io][picture]") {
  // Image k is 2 x 3 and holds k + pixel / 8.
  int constexpr count = 5;
  View const images("images", count, 6);
  for (int k = 0; k < count; ++k)
    for (int p = 0; p < 6; ++p) images(k, p) = static_cast<float>(k + p / 8.0);
  Color const fill{1, 2, 3};
  Picture const grid = basin::io::image_grid(
      images, 2, 3, {.columns = 2, .lower = 0, .upper = 5, .gap = 1, .scale = 2, .fill = fill});
  REQUIRE(grid.height() == 3 * (4 + 1) + 1);
  REQUIRE(grid.width() == 2 * (6 + 1) + 1);
  for (int i = 0; i < grid.height(); ++i)
    for (int j = 0; j < grid.width(); ++j) {
      int const image = i / 5 * 2 + j / 7;
      Color expected  = fill;
      if (i % 5 != 0 && j % 7 != 0 && image < count) {
        int const pixel = (i % 5 - 1) / 2 * 3 + (j % 7 - 1) / 2;
        auto const byte = static_cast<std::uint8_t>(std::lround(51 * (image + pixel / 8.0)));
        expected        = {byte, byte, byte};
      }
      CAPTURE(i, j);
      REQUIRE(grid(i, j) == expected);
    }
  // 0 columns: the smallest square that holds five is 3 x 3, of which two rows are needed.
  Picture const square = basin::io::image_grid(images, 2, 3, {.gap = 0});
  CHECK(square.height() == 4);
  CHECK(square.width() == 9);
}

TEST_CASE("a grid clamps what is outside the range, in any layout", "[io][picture]") {
  Kokkos::View<double**, Kokkos::LayoutLeft, Kokkos::HostSpace> const images("images", 2, 2);
  images(0, 0) = -HUGE_VAL, images(0, 1) = -1.5, images(1, 0) = 0, images(1, 1) = 7;
  Picture const grid = basin::io::image_grid(images, 1, 2, {.gap = 0});
  CHECK(grid(0, 0) == Color{0, 0, 0});
  CHECK(grid(0, 1) == Color{0, 0, 0});
  CHECK(grid(0, 2) == Color{128, 128, 128});
  CHECK(grid(0, 3) == Color{255, 255, 255});
}

TEST_CASE("a grid refuses data of another range than it shows", "[io][picture]") {
  Kokkos::View<std::uint8_t**, Kokkos::LayoutRight, Kokkos::HostSpace> const bytes("bytes", 2, 2);
  bytes(1, 0)     = 255;
  auto const said = [](char const* image) {
    return std::string("basin::io::image_grid: image 1 holds ") + image +
           ", and the grid shows -1 ... 1; write the range of the data, for example .lower = 0, "
           ".upper = 255 for bytes";
  };
  CHECK_THROWS_WITH(basin::io::image_grid(bytes, 1, 2), said("255"));
  bytes(1, 0) = 2;
  CHECK_THROWS_WITH(basin::io::image_grid(bytes, 1, 2), said("2"));
  Picture const grid = basin::io::image_grid(bytes, 1, 2, {.lower = 0, .upper = 255, .gap = 0});
  CHECK(grid(0, 2) == Color{2, 2, 2});
  View const floats("floats", 2, 2);
  floats(1, 1) = 255;
  CHECK_THROWS_WITH(basin::io::image_grid(floats, 1, 2), said("255"));
  floats(1, 1) = -22;
  CHECK_THROWS_WITH(basin::io::image_grid(floats, 1, 2), said("-22"));
  floats(1, 1) = -21;  // ten ranges away
  CHECK(basin::io::image_grid(floats, 1, 2, {.gap = 0})(0, 3) == Color{0, 0, 0});
}

TEST_CASE("images of three channels are shown in color", "[io][picture]") {
  TemporaryFolder const folder;
  View const images("images", 1, 6);
  for (int p = 0; p < 6; ++p) images(0, p) = static_cast<float>(p);
  basin::io::GridOptions const options{.lower = 0, .upper = 5, .gap = 0};
  Picture const grid = basin::io::image_grid(images, 1, 2, options);
  CHECK(grid(0, 0) == Color{0, 51, 102});
  CHECK(grid(0, 1) == Color{153, 204, 255});
  basin::io::save_grid(folder / "x.png", images, 1, 2, options);
  check_same(read_png(folder / "x.png"), grid);
}

TEST_CASE("picture refusals say the numbers", "[io][picture]") {
  CHECK_THROWS_WITH(Picture(0, 4),
                    "basin::io::Picture: height and width must be in 1 ... 65535, got 0 and 4");
  CHECK_THROWS_WITH(basin::io::beside({}), "basin::io::beside: 0 panels");
  CHECK_THROWS_WITH(basin::io::beside({Picture(3, 1), Picture(4, 1)}),
                    "basin::io::beside: panel 1 has height 4, panel 0 has 3");
  CHECK_THROWS_WITH(basin::io::beside({Picture(3, 1)}, -1),
                    "basin::io::beside: gap must be >= 0, got -1");
  View const images("images", 3, 6);
  CHECK_THROWS_WITH(basin::io::image_grid(images, 2, 4),
                    "basin::io::image_grid: images have shape (3, 6), pictures of 2 x 4 need (> 0, "
                    "8) or (> 0, 24)");
  CHECK_THROWS_WITH(basin::io::image_grid(View("none", 0, 6), 2, 3),
                    "basin::io::image_grid: images have shape (0, 6), pictures of 2 x 3 need (> 0, "
                    "6) or (> 0, 18)");
  CHECK_THROWS_WITH(basin::io::image_grid(images, 2, 3, {.lower = 1, .upper = 0}),
                    "basin::io::image_grid: GridOptions::lower must be < upper, got 1.000000 and "
                    "0.000000");
  CHECK_THROWS_WITH(basin::io::image_grid(images, 2, 3, {.gap = -2}),
                    "basin::io::image_grid: GridOptions::columns and gap must be >= 0, scale > 0, "
                    "got 0, -2 and 1");
  CHECK_THROWS_WITH(
      basin::io::image_grid(images, 2, 3, {.scale = 40000}),
      "basin::io::Picture: height and width must be in 1 ... 65535, got 65536 and 65536");
  images(2, 4) = NAN;
  CHECK_THROWS_WITH(basin::io::image_grid(images, 2, 3),
                    "basin::io::image_grid: image 2 has NaN at number 4 of 6");
}

}  // namespace
