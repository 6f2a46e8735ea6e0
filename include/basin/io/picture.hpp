// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_PICTURE_HPP
#define BASIN_IO_PICTURE_HPP

#include <basin/io/detail/atomic_file.hpp>

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <png.h>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace basin::io {

/// 8-bit sRGB.
struct Color {
  std::uint8_t red   = 0;
  std::uint8_t green = 0;
  std::uint8_t blue  = 0;

  friend bool operator==(Color const&, Color const&) = default;
};

inline constexpr Color black{0, 0, 0};
inline constexpr Color white{255, 255, 255};

/// A raster of height x width colors; row 0 is the top.
class Picture {
 public:
  /// \throws std::invalid_argument if height or width is not in 1 ... 65535
  Picture(int height, int width, Color fill = white) : height_(height), width_(width) {
    if (height < 1 || height > 65535 || width < 1 || width > 65535)
      throw std::invalid_argument(
          "basin::io::Picture: height and width must be in 1 ... 65535, got " +
          std::to_string(height) + " and " + std::to_string(width));
    pixels_.assign(static_cast<std::size_t>(height) * static_cast<std::size_t>(width), fill);
  }

  int height() const { return height_; }
  int width() const { return width_; }
  Color& operator()(int row, int column) { return pixels_[index(row, column)]; }
  Color const& operator()(int row, int column) const { return pixels_[index(row, column)]; }
  bool contains(int row, int column) const {
    return row >= 0 && row < height_ && column >= 0 && column < width_;
  }

 private:
  std::size_t index(int row, int column) const {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(width_) +
           static_cast<std::size_t>(column);
  }

  int height_;
  int width_;
  std::vector<Color> pixels_;  // (height, width)
};

/// The bytes of a PNG (W3C, third edition): 8-bit gray where every pixel is gray, else 8-bit RGB.
///
/// \param who  named if libpng cannot encode it
/// \throws std::runtime_error if libpng cannot
inline std::string png_bytes(Picture const& picture, char const* who = "basin::io::png_bytes") {
  std::vector<std::uint8_t> gray, rgb;
  bool all_gray = true;
  for (int row = 0; row < picture.height(); ++row)
    for (int column = 0; column < picture.width(); ++column) {
      Color const c = picture(row, column);
      all_gray      = all_gray && c.red == c.green && c.green == c.blue;
      gray.push_back(c.red);
      rgb.insert(rgb.end(), {c.red, c.green, c.blue});
    }

  png_image image{};
  image.version         = PNG_IMAGE_VERSION;
  image.width           = static_cast<png_uint_32>(picture.width());
  image.height          = static_cast<png_uint_32>(picture.height());
  image.format          = all_gray ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string bytes(size, '\0');
  // Stride 0: rows are contiguous.
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, all_gray ? gray.data() : rgb.data(),
                                0, nullptr) == 0)
    throw std::runtime_error(std::string(who) +
                             ": the picture cannot be encoded: " + image.message);
  bytes.resize(size);
  return bytes;
}

/// Writes a picture as png_bytes. The file replaces an existing one only when it is complete.
///
/// \throws std::runtime_error if the file cannot be written
inline void write_png(std::filesystem::path const& path, Picture const& picture) {
  char const* who         = "basin::io::write_png";
  std::string const bytes = png_bytes(picture, who);
  detail::AtomicFile file(who, path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

/// Copies source into target with its top left pixel at (row, column); what falls outside is
/// clipped.
inline void paste(Picture& target, int row, int column, Picture const& source) {
  for (int i = 0; i < source.height(); ++i)
    for (int j = 0; j < source.width(); ++j)
      if (target.contains(row + i, column + j)) target(row + i, column + j) = source(i, j);
}

/// \brief Panels side by side, from left to right, gap pixels of fill between them.
///
/// \throws std::invalid_argument if there are none, their heights differ, or gap < 0
inline Picture beside(std::vector<Picture> const& panels, int gap = 12, Color fill = white) {
  if (panels.empty()) throw std::invalid_argument("basin::io::beside: 0 panels");
  if (gap < 0)
    throw std::invalid_argument("basin::io::beside: gap must be >= 0, got " + std::to_string(gap));
  int width = -gap;
  for (std::size_t i = 0; i < panels.size(); ++i) {
    width += panels[i].width() + gap;
    if (panels[i].height() != panels[0].height())
      throw std::invalid_argument("basin::io::beside: panel " + std::to_string(i) + " has height " +
                                  std::to_string(panels[i].height()) + ", panel 0 has " +
                                  std::to_string(panels[0].height()));
  }
  Picture joined(panels[0].height(), width, fill);
  int column = 0;
  for (Picture const& panel : panels) {
    paste(joined, 0, column, panel);
    column += panel.width() + gap;
  }
  return joined;
}

/// Layout of images in a grid.
struct GridOptions {
  int columns = 0;             ///< images per row; 0: the smallest square that holds all
  float lower = -1;            ///< shown black
  float upper = 1;             ///< shown white; > lower
  int gap     = 2;             ///< pixels between images and around them; >= 0
  int scale   = 1;             ///< side, in pixels, of one pixel of an image; > 0
  Color fill  = {96, 96, 96};  ///< between images
};

/// \brief A grid of images, row by row: gray if an image has height * width values, RGB if it has
///        three times as many (row-major, channel last).
///
///   byte = round(255 (x - lower) / (upper - lower)),   clamped to [0, 255]
///
/// Clamped are samples that leave the range, not data of another range: a finite value more than
/// ten ranges away is refused, and an integer that is outside at all.
///
/// \param images  (images, height * width [* 3]), any layout and space; kernels that write it must
///                have finished
/// \throws std::invalid_argument if the second extent is neither, there are no images, a value is
///         NaN or of another range, or an option is outside its range
template <class Images>
Picture image_grid(Images const& images, int height, int width, GridOptions const& options = {}) {
  static_assert(Images::rank() == 2,
                "basin::io::image_grid: images must be a View of rank 2, (images, pixels).");
  std::string const caller = "basin::io::image_grid: ";
  auto const host          = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, images);
  auto const count         = static_cast<std::int64_t>(host.extent(0));
  auto const dimension     = static_cast<std::int64_t>(host.extent(1));
  std::int64_t const area  = std::int64_t(height) * width;
  if (count == 0 || height < 1 || width < 1 || (dimension != area && dimension != 3 * area))
    throw std::invalid_argument(
        caller + "images have shape (" + std::to_string(count) + ", " + std::to_string(dimension) +
        "), pictures of " + std::to_string(height) + " x " + std::to_string(width) +
        " need (> 0, " + std::to_string(area) + ") or (> 0, " + std::to_string(3 * area) + ")");
  if (!(options.lower < options.upper))
    throw std::invalid_argument(caller + "GridOptions::lower must be < upper, got " +
                                std::to_string(options.lower) + " and " +
                                std::to_string(options.upper));
  if (options.columns < 0 || options.gap < 0 || options.scale < 1)
    throw std::invalid_argument(
        caller + "GridOptions::columns and gap must be >= 0, scale > 0, got " +
        std::to_string(options.columns) + ", " + std::to_string(options.gap) + " and " +
        std::to_string(options.scale));

  std::int64_t const columns =
      options.columns > 0
          ? options.columns
          : static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(count))));
  std::int64_t const rows         = (count + columns - 1) / columns;
  std::int64_t const row_pitch    = std::int64_t(height) * options.scale + options.gap;
  std::int64_t const column_pitch = std::int64_t(width) * options.scale + options.gap;
  // Clamped so that Picture, which refuses sizes past 65535, gets them as int.
  Picture grid(
      static_cast<int>(std::min<std::int64_t>(rows * row_pitch + options.gap, 1 << 16)),
      static_cast<int>(std::min<std::int64_t>(columns * column_pitch + options.gap, 1 << 16)),
      options.fill);

  double const factor = 255 / (double(options.upper) - double(options.lower));
  double const slack =
      std::is_integral_v<typename Images::non_const_value_type> ? 0 : 10 * 255 / factor;
  double const least = options.lower - slack, most = options.upper + slack;
  auto const byte = [&](std::int64_t image, std::int64_t pixel) {
    double const x = host(image, pixel);
    if (std::isnan(x))
      throw std::invalid_argument(caller + "image " + std::to_string(image) +
                                  " has NaN at number " + std::to_string(pixel) + " of " +
                                  std::to_string(dimension));
    if (std::isfinite(x) && (x < least || x > most)) {
      std::ostringstream sentence;
      sentence << caller << "image " << image << " holds " << x << ", and the grid shows "
               << options.lower << " ... " << options.upper
               << "; write the range of the data, for example .lower = 0, .upper = 255 for bytes";
      throw std::invalid_argument(sentence.str());
    }
    double const scaled = factor * (x - options.lower);
    return static_cast<std::uint8_t>(std::lround(std::clamp(scaled, 0.0, 255.0)));
  };
  for (std::int64_t image = 0; image < count; ++image) {
    auto const top  = static_cast<int>(options.gap + image / columns * row_pitch);
    auto const left = static_cast<int>(options.gap + image % columns * column_pitch);
    for (int i = 0; i < height; ++i)
      for (int j = 0; j < width; ++j) {
        std::int64_t const pixel = std::int64_t(i) * width + j;
        Color color;
        if (dimension == area)
          color.red = color.green = color.blue = byte(image, pixel);
        else
          color = {byte(image, 3 * pixel), byte(image, 3 * pixel + 1), byte(image, 3 * pixel + 2)};
        for (int k = 0; k < options.scale; ++k)
          for (int l = 0; l < options.scale; ++l)
            grid(top + i * options.scale + k, left + j * options.scale + l) = color;
      }
  }
  return grid;
}

/// image_grid, written to a PNG file.
template <class Images>
void save_grid(std::filesystem::path const& path, Images const& images, int height, int width,
               GridOptions const& options = {}) {
  write_png(path, image_grid(images, height, width, options));
}

}  // namespace basin::io

#endif
