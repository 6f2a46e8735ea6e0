// SPDX-License-Identifier: Apache-2.0
#include <basin/io/line_chart.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cmath>
#include <cstdlib>
#include <set>
#include <string>

namespace {

using basin::io::Color;
using basin::io::Line;
using basin::io::Picture;

constexpr Color red{255, 0, 0};

TEST_CASE("every glyph is another one and inside its cell", "[io][line_chart]") {
  std::set<int> seen;
  for (auto const glyph : basin::io::detail::glyphs) {
    CHECK(glyph < 0100000);
    seen.insert(glyph);
  }
  CHECK(seen.size() == basin::io::detail::glyphs.size());
}

TEST_CASE("text is drawn at its place and scale", "[io][line_chart]") {
  Picture small(5, 12), large(15, 36);
  basin::io::draw_text(small, 0, 0, "x-1", 1);
  basin::io::draw_text(large, 0, 0, "X-1", 3);
  int drawn = 0;
  for (int i = 0; i < 15; ++i)
    for (int j = 0; j < 36; ++j) {
      CHECK(large(i, j) == small(i / 3, j / 3));
      drawn += large(i, j) == basin::io::black;
    }
  CHECK(drawn == 9 * (9 + 3 + 8));         // pixels of X, - and 1
  CHECK(small(1, 8) == basin::io::black);  // the flag of the 1 is on its left
  CHECK(small(1, 10) == basin::io::white);

  Picture const titled = basin::io::titled(Picture(10, 40, red), "ab");
  CHECK(titled.height() == 10 + 18);
  CHECK(titled(18, 0) == red);
  CHECK(titled(17, 0) == basin::io::white);
}

TEST_CASE("a straight line is straight and has no holes", "[io][line_chart]") {
  Picture const chart =
      basin::io::line_chart({{.x = {0, 1, 2}, .y = {0, 5, 10}, .name = "", .color = red}});
  int first = -1, last = -1, first_row = 0, last_row = 0;
  for (int j = 0; j < chart.width(); ++j) {
    int rows = 0, sum = 0;
    for (int i = 0; i < chart.height(); ++i)
      if (chart(i, j) == red) ++rows, sum += i;
    if (rows == 0) continue;
    if (first < 0) first = j, first_row = sum / rows;
    last = j, last_row = sum / rows;
  }
  REQUIRE(first >= 0);
  CHECK(last - first > 300);
  CHECK(first_row - last_row > 180);
  for (int j = first; j <= last; ++j) {
    double const expected = first_row + double(last_row - first_row) * (j - first) / (last - first);
    bool near             = false;
    for (int i = int(expected) - 1; i <= int(expected) + 2; ++i) near = near || chart(i, j) == red;
    CAPTURE(j);
    CHECK(near);
  }
}

TEST_CASE("a chart passes over what is no number", "[io][line_chart]") {
  auto const drawn = [](std::vector<double> const& y) {
    Picture const chart =
        basin::io::line_chart({{.x = {0, 1, 2, 3}, .y = y, .name = "", .color = red}});
    int count = 0;
    for (int i = 0; i < chart.height(); ++i)
      for (int j = 0; j < chart.width(); ++j) count += chart(i, j) == red;
    for (int j = 0; j < chart.width(); ++j) CHECK(chart(0, j) == basin::io::white);
    return count;
  };
  CHECK(drawn({0, 1, 2, 3}) > 2 * drawn({0, 1, NAN, 3}));
  CHECK(drawn({2, 2, 2, 2}) > 300);  // a constant has a place in the frame too
}

TEST_CASE("line chart refusals say the numbers", "[io][line_chart]") {
  CHECK_THROWS_WITH(basin::io::line_chart({{.x = {1, 2}, .y = {1}, .name = "loss"}}),
                    "basin::io::line_chart: line 'loss' has 2 x and 1 y, it needs the same number "
                    "of both and at least 2");
  CHECK_THROWS_WITH(basin::io::line_chart({{.x = {1, 2}, .y = {1, HUGE_VAL}, .name = "loss"}}),
                    "basin::io::line_chart: line 'loss' has (2.000000, inf) at point 1");
  CHECK_THROWS_WITH(basin::io::line_chart({{.x = {1, 1}, .y = {1, 2}, .name = "loss"}}),
                    "basin::io::line_chart: nothing to draw in x 1.000000 to 1.000000, y 1.000000 "
                    "to 2.000000");
  CHECK_THROWS_WITH(basin::io::line_chart({{.x = {1, 2}, .y = {1, 2}, .name = ""}}, 95, 200),
                    "basin::io::line_chart: height must be >= 96 and width >= 192, got 95 and 200");
  Line const named{{1, 2}, {1, 2}, "thirty characters are many here", red};
  CHECK_THROWS_WITH(basin::io::line_chart({named, named, named, named}, 100, 240),
                    "basin::io::line_chart: the names of 4 lines leave no room in a height of 100");
  Picture picture(9, 9);
  CHECK_THROWS_WITH(basin::io::draw_text(picture, 0, 0, "a;b"),
                    "basin::io::draw_text: 'a;b' has a character without a glyph, code 59");
  CHECK_THROWS_WITH(basin::io::draw_text(picture, 0, 0, "a", 0),
                    "basin::io::draw_text: scale must be > 0, got 0");
}

}  // namespace
