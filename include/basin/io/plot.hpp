// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_PLOT_HPP
#define BASIN_IO_PLOT_HPP

#include <basin/io/picture.hpp>

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace basin::io {

/// \brief Perceptually uniform color map, dark at t = 0, light at t = 1.
///
/// 17 colors of "viridis" (Smith and van der Walt 2015, matplotlib, CC0) at t = k/16, linear
/// between them: within 6 of 255 of the original's 256 colors. t outside [0, 1] is clamped.
///
/// \throws std::invalid_argument if t is NaN
inline Color viridis(double t) {
  static constexpr std::array<Color, 17> colors{{
      {68, 1, 84},
      {72, 24, 106},
      {71, 45, 123},
      {66, 64, 134},
      {59, 82, 139},
      {51, 99, 141},
      {44, 114, 142},
      {38, 129, 142},
      {33, 144, 140},
      {31, 159, 136},
      {40, 174, 128},
      {62, 188, 116},
      {93, 201, 99},
      {130, 211, 76},
      {171, 220, 50},
      {213, 226, 26},
      {253, 231, 37},
  }};
  if (std::isnan(t)) throw std::invalid_argument("basin::io::viridis: t must be a number, got NaN");
  double const position = 16 * std::clamp(t, 0.0, 1.0);
  std::size_t const low = std::min<std::size_t>(static_cast<std::size_t>(position), 15);
  double const part     = position - static_cast<double>(low);
  auto const between    = [&](std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>(std::lround(a + part * (double(b) - double(a))));
  };
  Color const a = colors[low], b = colors[low + 1];
  return {between(a.red, b.red), between(a.green, b.green), between(a.blue, b.blue)};
}

/// Points of the plane, on the host: (points, 2).
using Points = Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace>;

/// Part of the plane that a picture shows; y points up.
struct Rectangle {
  double x_lower = -4;
  double x_upper = 4;  ///< > x_lower
  double y_lower = -4;
  double y_upper = 4;  ///< > y_lower
};

namespace detail {

inline void check_rectangle(std::string const& caller, Rectangle const& r) {
  if (!(r.x_lower < r.x_upper && r.y_lower < r.y_upper))
    throw std::invalid_argument(caller +
                                ": Rectangle must have x_lower < x_upper and y_lower < "
                                "y_upper, got " +
                                std::to_string(r.x_lower) + ", " + std::to_string(r.x_upper) +
                                ", " + std::to_string(r.y_lower) + ", " +
                                std::to_string(r.y_upper));
}

}  // namespace detail

/// \brief Centers of a picture's pixels in the plane, row by row from the top: where an energy is
///        evaluated for heat_map.
///
///   x = x_lower + (column + 1/2) (x_upper - x_lower) / width
///   y = y_upper - (row + 1/2) (y_upper - y_lower) / height
///
/// \return (height * width, 2)
/// \throws std::invalid_argument if height or width is < 1, or the rectangle is empty
inline Points pixel_centers(Rectangle const& r, int height, int width) {
  detail::check_rectangle("basin::io::pixel_centers", r);
  if (height < 1 || width < 1)
    throw std::invalid_argument("basin::io::pixel_centers: height and width must be > 0, got " +
                                std::to_string(height) + " and " + std::to_string(width));
  Points const centers(Kokkos::view_alloc(Kokkos::WithoutInitializing, "basin::io::Points"),
                       static_cast<std::size_t>(height) * static_cast<std::size_t>(width), 2);
  for (int i = 0; i < height; ++i)
    for (int j = 0; j < width; ++j) {
      std::size_t const pixel = static_cast<std::size_t>(i) * static_cast<std::size_t>(width) +
                                static_cast<std::size_t>(j);
      centers(pixel, 0) =
          static_cast<float>(r.x_lower + (j + 0.5) * (r.x_upper - r.x_lower) / width);
      centers(pixel, 1) =
          static_cast<float>(r.y_upper - (i + 0.5) * (r.y_upper - r.y_lower) / height);
    }
  return centers;
}

/// How values are mapped to colors.
struct HeatMapOptions {
  std::optional<double> lower = {};  ///< shown as viridis(0); unset: the smallest value
  std::optional<double> upper = {};  ///< shown as viridis(1), > lower; unset: the largest value
  int contours                = 0;   ///< lines of equal value, evenly spaced inside the range; >= 0
};

/// \brief Picture of a function from its values at pixel_centers.
///
///   color = viridis((value - lower) / (upper - lower))
///
/// \param values  (height * width), row by row from the top, any space; kernels that write it must
///                have finished
/// \throws std::invalid_argument if values have another extent, a value is NaN, or is infinite
///         where the range is not set, or lower > upper
template <class Values>
Picture heat_map(Values const& values, int height, int width, HeatMapOptions const& options = {}) {
  static_assert(Values::rank() == 1,
                "basin::io::heat_map: values must be a View of rank 1, (height * width).");
  std::string const caller = "basin::io::heat_map: ";
  auto const host          = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, values);
  Picture picture(height, width);
  auto const count = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  if (host.extent(0) != count)
    throw std::invalid_argument(caller + "values has extent " + std::to_string(host.extent(0)) +
                                ", a picture of " + std::to_string(height) + " x " +
                                std::to_string(width) + " needs " + std::to_string(count));
  double lower = HUGE_VAL, upper = -HUGE_VAL;
  for (std::size_t i = 0; i < count; ++i) {
    double const value = host(i);
    if (std::isnan(value))
      throw std::invalid_argument(caller + "value " + std::to_string(i) + " of " +
                                  std::to_string(count) + " is NaN");
    lower = std::min(lower, value);
    upper = std::max(upper, value);
  }
  lower = options.lower.value_or(lower);
  upper = options.upper.value_or(upper);
  if (!std::isfinite(lower) || !std::isfinite(upper) || lower > upper ||
      (lower == upper && (options.lower || options.upper)))
    throw std::invalid_argument(caller + "the range must be finite with lower < upper, got " +
                                std::to_string(lower) + " and " + std::to_string(upper));
  if (options.contours < 0)
    throw std::invalid_argument(caller + "HeatMapOptions::contours must be >= 0, got " +
                                std::to_string(options.contours));

  double const span   = upper > lower ? upper - lower : 1;  // a constant function is all viridis(0)
  auto const position = [&](int i, int j) {
    auto const pixel = static_cast<std::size_t>(i) * static_cast<std::size_t>(width);
    return std::clamp(
        (static_cast<double>(host(pixel + static_cast<std::size_t>(j))) - lower) / span, 0.0, 1.0);
  };
  auto const band = [&](int i, int j) {
    return std::min(std::floor(position(i, j) * (options.contours + 1)), double(options.contours));
  };
  for (int i = 0; i < height; ++i)
    for (int j = 0; j < width; ++j) {
      picture(i, j)   = viridis(position(i, j));
      bool const line = options.contours > 0 && ((i + 1 < height && band(i, j) != band(i + 1, j)) ||
                                                 (j + 1 < width && band(i, j) != band(i, j + 1)));
      if (line) detail::blend(picture, i, j, white, 0.35);
    }
  return picture;
}

/// The same for function(x, y) on a rectangle.
template <class Function>
Picture heat_map(Function const& function, Rectangle const& rectangle, int height, int width,
                 HeatMapOptions const& options = {}) {
  Points const centers = pixel_centers(rectangle, height, width);
  Kokkos::View<double*, Kokkos::HostSpace> const values("basin::io::heat_map", centers.extent(0));
  for (std::size_t i = 0; i < values.extent(0); ++i)
    values(i) = function(static_cast<double>(centers(i, 0)), static_cast<double>(centers(i, 1)));
  return heat_map(values, height, width, options);
}

/// How points are drawn.
struct ScatterOptions {
  Color color    = white;
  double radius  = 1.2;  ///< pixels; > 0
  double opacity = 0.7;  ///< in (0, 1]
};

/// \brief Draws points of the plane as discs with smooth edges; points outside are omitted.
///
/// \param picture  shows rectangle
/// \param points   (points, 2), any layout and space; kernels that write it must have finished
/// \throws std::invalid_argument if the second extent is not 2, a coordinate is NaN, the rectangle
///         is empty, or an option is outside its range
template <class View>
void scatter(Picture& picture, Rectangle const& r, View const& points,
             ScatterOptions const& options = {}) {
  static_assert(View::rank() == 2,
                "basin::io::scatter: points must be a View of rank 2, (points, 2).");
  detail::check_rectangle("basin::io::scatter", r);
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, points);
  if (host.extent(1) != 2)
    throw std::invalid_argument("basin::io::scatter: points has second extent " +
                                std::to_string(host.extent(1)) + ", not 2");
  if (!(options.radius > 0 && options.opacity > 0 && options.opacity <= 1))
    throw std::invalid_argument(
        "basin::io::scatter: ScatterOptions::radius must be > 0 and opacity in (0, 1], got " +
        std::to_string(options.radius) + " and " + std::to_string(options.opacity));
  for (std::size_t p = 0; p < host.extent(0); ++p) {
    double const x = host(p, 0), y = host(p, 1);
    if (std::isnan(x) || std::isnan(y))
      throw std::invalid_argument("basin::io::scatter: point " + std::to_string(p) + " of " +
                                  std::to_string(host.extent(0)) + " is NaN");
    if (x < r.x_lower || x > r.x_upper || y < r.y_lower || y > r.y_upper) continue;
    double const column = (x - r.x_lower) / (r.x_upper - r.x_lower) * picture.width() - 0.5;
    double const row    = (r.y_upper - y) / (r.y_upper - r.y_lower) * picture.height() - 0.5;
    auto const reach    = options.radius + 1;
    for (int i = int(std::ceil(row - reach)); i <= row + reach; ++i)
      for (int j = int(std::ceil(column - reach)); j <= column + reach; ++j) {
        double const inside = options.radius + 0.5 - std::hypot(i - row, j - column);
        detail::blend(picture, i, j, options.color, std::clamp(inside, 0.0, 1.0) * options.opacity);
      }
  }
}

}  // namespace basin::io

#endif
