// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_LINE_CHART_HPP
#define BASIN_IO_LINE_CHART_HPP

#include <basin/io/detail/font.hpp>
#include <basin/io/picture.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace basin::io {

/// \brief Draws text with its top left pixel at (row, column), in capitals 5 * scale high that
///        advance by 4 * scale.
///
/// \throws std::invalid_argument if a character has no glyph (letters, digits and
///         .,:-+=/()%_'*<>[]| have one) or scale < 1
inline void draw_text(Picture& picture, int row, int column, std::string_view text, int scale = 2,
                      Color color = black) {
  if (scale < 1)
    throw std::invalid_argument("basin::io::draw_text: scale must be > 0, got " +
                                std::to_string(scale));
  for (char const character : text) {
    int const glyph = detail::find_glyph(character);
    if (glyph < 0)
      throw std::invalid_argument("basin::io::draw_text: '" + std::string(text) +
                                  "' has a character without a glyph, code " +
                                  std::to_string(static_cast<unsigned char>(character)));
    for (int i = 0; i < detail::glyph_height * scale; ++i)
      for (int j = 0; j < detail::glyph_width * scale; ++j)
        if (detail::glyph_pixel(glyph, i / scale, j / scale))
          detail::blend(picture, row + i, column + j, color, 1);
    column += (detail::glyph_width + 1) * scale;
  }
}

/// The picture with a line of text above it.
inline Picture titled(Picture const& picture, std::string_view text, int scale = 2) {
  int const band = (detail::glyph_height + 4) * std::max(scale, 1);
  Picture result(picture.height() + band, picture.width());
  draw_text(result, 2 * scale, 0, text, scale);
  paste(result, band, 0, picture);
  return result;
}

/// One line of a chart.
struct Line {
  std::vector<double> x;  ///< (points)
  std::vector<double> y;  ///< (points); a step to or from a NaN is not drawn
  std::string name;       ///< written in the chart
  Color color = {31, 119, 180};
};

/// \brief Lines in a frame with their names above; the smallest and largest x and y are written at
///        its corners.
///
/// \throws std::invalid_argument if a line has fewer than 2 points or x and y of different lengths,
///         an x is not finite, a y is infinite, no two points differ in x, every y is NaN, the
///         picture is smaller than 96 x 192, or the names do not fit
inline Picture line_chart(std::vector<Line> const& lines, int height = 240, int width = 420) {
  std::string const caller = "basin::io::line_chart: ";
  if (height < 96 || width < 192)
    throw std::invalid_argument(caller + "height must be >= 96 and width >= 192, got " +
                                std::to_string(height) + " and " + std::to_string(width));
  double x_lower = HUGE_VAL, x_upper = -HUGE_VAL, y_lower = HUGE_VAL, y_upper = -HUGE_VAL;
  for (Line const& line : lines) {
    if (line.x.size() != line.y.size() || line.x.size() < 2)
      throw std::invalid_argument(
          caller + "line '" + line.name + "' has " + std::to_string(line.x.size()) + " x and " +
          std::to_string(line.y.size()) + " y, it needs the same number of both and at least 2");
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      if (!std::isfinite(line.x[i]) || std::isinf(line.y[i]))
        throw std::invalid_argument(caller + "line '" + line.name + "' has (" +
                                    std::to_string(line.x[i]) + ", " + std::to_string(line.y[i]) +
                                    ") at point " + std::to_string(i));
      x_lower = std::min(x_lower, line.x[i]);
      x_upper = std::max(x_upper, line.x[i]);
      y_lower = std::fmin(y_lower, line.y[i]);  // fmin and fmax skip a NaN
      y_upper = std::fmax(y_upper, line.y[i]);
    }
  }
  if (!(x_lower < x_upper && y_lower <= y_upper))
    throw std::invalid_argument(caller + "nothing to draw in x " + std::to_string(x_lower) +
                                " to " + std::to_string(x_upper) + ", y " +
                                std::to_string(y_lower) + " to " + std::to_string(y_upper));
  double const x_span = x_upper - x_lower;
  double const y_span = y_upper > y_lower ? y_upper - y_lower : 1;

  auto const text_width = [](std::string const& text) { return 8 * static_cast<int>(text.size()); };
  int constexpr left = 96, right = 12, bottom = 28, line_height = 14;
  // Names are above the frame, in as many rows as they need.
  std::vector<std::array<int, 2>> name_places;  // (row, column)
  int name_row = 6, name_column = left;
  for (Line const& line : lines) {
    if (name_column > left && name_column + text_width(line.name) > width - right) {
      name_row += line_height;
      name_column = left;
    }
    name_places.push_back({name_row, name_column});
    name_column += text_width(line.name) + 16;
  }
  int const top = name_row + 16;
  if (top + bottom + 32 > height)
    throw std::invalid_argument(caller + "the names of " + std::to_string(lines.size()) +
                                " lines leave no room in a height of " + std::to_string(height));
  Picture chart(height, width);
  Color const gray{160, 160, 160};
  for (int j = left; j < width - right; ++j) chart(top, j) = chart(height - bottom, j) = gray;
  for (int i = top; i <= height - bottom; ++i) chart(i, left) = chart(i, width - right - 1) = gray;

  auto const label = [](double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.5g", value);
    return std::string(text.data());
  };
  draw_text(chart, top, left - 4 - text_width(label(y_upper)), label(y_upper));
  draw_text(chart, height - bottom - 9, left - 4 - text_width(label(y_lower)), label(y_lower));
  draw_text(chart, height - bottom + 8, left, label(x_lower));
  draw_text(chart, height - bottom + 8, width - right - text_width(label(x_upper)), label(x_upper));

  for (std::size_t l = 0; l < lines.size(); ++l) {
    Line const& line = lines[l];
    draw_text(chart, name_places[l][0], name_places[l][1], line.name, 2, line.color);
    for (std::size_t p = 0; p + 1 < line.x.size(); ++p) {
      if (std::isnan(line.y[p]) || std::isnan(line.y[p + 1])) continue;
      auto const column = [&](std::size_t at) {
        return left + 2 + (line.x[at] - x_lower) / x_span * (width - left - right - 5);
      };
      auto const row = [&](std::size_t at) {
        return height - bottom - 2 - (line.y[at] - y_lower) / y_span * (height - top - bottom - 4);
      };
      // As many discs as pixels on the longer axis: a line without gaps.
      double const rise = row(p + 1) - row(p), run = column(p + 1) - column(p);
      int const steps = std::max(1, static_cast<int>(std::ceil(std::hypot(rise, run))));
      for (int s = 0; s <= steps; ++s) {
        auto const i = static_cast<int>(std::lround(row(p) + rise * s / steps));
        auto const j = static_cast<int>(std::lround(column(p) + run * s / steps));
        detail::blend(chart, i, j, line.color, 1);
        detail::blend(chart, i - 1, j, line.color, 0.4);
        detail::blend(chart, i, j - 1, line.color, 0.4);
      }
    }
  }
  return chart;
}

}  // namespace basin::io

#endif
