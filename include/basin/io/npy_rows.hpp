// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_NPY_ROWS_HPP
#define BASIN_IO_NPY_ROWS_HPP

#include <basin/core/byte_values.hpp>
#include <basin/core/file_range.hpp>
#include <basin/core/row_source.hpp>
#include <basin/io/npy.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace basin::io {

/// The range to which bytes [0, 255] are mapped.
struct NpyRowsOptions {
  float lower = -1;  ///< value of byte 0
  float upper = 1;   ///< value of byte 255; > lower

  /// \throws std::invalid_argument naming both values
  void check() const {
    if (!(lower < upper))
      refuse("basin::io::NpyRows", "lower must be < upper, got ", lower, " and ", upper);
  }
};

/// The rows of a NumPy file of float, double or bytes, see RowSource: format version 1.0,
/// little-endian, C order, shape (rows, ...), whose further extents make one row together. Doubles are
/// rounded to float, bytes are mapped as
///
///   x = lower + (upper - lower) byte / 255
///
/// Nothing is kept in memory but what the system caches.
class NpyRows {
 public:
  /// \throws std::invalid_argument if options.lower >= options.upper
  /// \throws std::runtime_error as read_npy
  explicit NpyRows(std::filesystem::path const& path, NpyRowsOptions const& options = {})
      : file_("basin::io::NpyRows", path) {
    options.check();
    auto const refuse = [&](std::string const& what) { file_.refuse(what); };
    std::uint64_t at  = 0;
    auto const header = detail::read_npy_header(
        file_.size(),
        [&](std::size_t count) {
          std::string bytes(
              static_cast<std::size_t>(std::min<std::uint64_t>(count, file_.size() - at)), '\0');
          file_.read(at, bytes.size(), bytes.data());
          at += bytes.size();
          return bytes;
        },
        refuse);
    bytes_each_ = header.type == "'<f4'" ? 4 : header.type == "'<f8'" ? 8 : 1;
    if (bytes_each_ == 1 && header.type != "'|u1'")
      refuse("has type " + header.type + ", not '<f4', '<f8' or '|u1'");
    if (header.order != "False") refuse("has 'fortran_order' " + header.order + ", not False");
    if (header.shape.size() < 2)
      refuse("has shape " + detail::npy_shape(header.shape) + ", not (rows, dimension)");
    std::size_t const values = detail::count_npy_values(
        header, static_cast<std::size_t>(bytes_each_), file_.size(), refuse);
    start_     = header.end;
    rows_      = header.shape[0];
    dimension_ = rows_ > 0 ? values / rows_ : 0;
    value_     = byte_values(options.lower, options.upper);
  }

  std::uint64_t rows() const { return rows_; }
  std::size_t dimension() const { return dimension_; }

  /// \throws std::runtime_error if the file cannot be read, or has become shorter
  void read(std::uint64_t first, std::size_t count, float* to) const {
    std::size_t const numbers = count * dimension_;
    std::uint64_t const at = start_ + first * dimension_ * static_cast<std::uint64_t>(bytes_each_);
    if (bytes_each_ == 4) {
      file_.read(at, numbers * sizeof(float), to);
    } else if (bytes_each_ == 8) {
      std::vector<double> values(numbers);
      file_.read(at, numbers * sizeof(double), values.data());
      for (std::size_t i = 0; i < numbers; ++i) to[i] = static_cast<float>(values[i]);
    } else {
      std::vector<unsigned char> bytes(numbers);
      file_.read(at, numbers, bytes.data());
      for (std::size_t i = 0; i < numbers; ++i) to[i] = value_[bytes[i]];
    }
  }

 private:
  FileRange file_;
  int bytes_each_        = 4;
  std::uint64_t start_   = 0;  // of the values, in bytes
  std::uint64_t rows_    = 0;
  std::size_t dimension_ = 0;
  std::array<float, 256> value_{};
};

static_assert(RowSource<NpyRows>);

}  // namespace basin::io

#endif
