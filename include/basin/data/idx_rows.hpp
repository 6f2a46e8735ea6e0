// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_IDX_ROWS_HPP
#define BASIN_DATA_IDX_ROWS_HPP

#include <basin/core/file_range.hpp>
#include <basin/core/row_source.hpp>
#include <basin/data/idx.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace basin::data {

/// The images of an idx file, see RowSource: what read_idx_images reads, in parts. The file must not
/// be compressed. Labels: RowsWithLabels(IdxRows(...), read_idx_labels(...)).
class IdxRows {
 public:
  /// \throws std::invalid_argument if options.lower >= options.upper
  /// \throws std::runtime_error as read_idx_images, or if the file is compressed
  explicit IdxRows(std::filesystem::path const& path, IdxOptions const& options = {})
      : file_("basin::data::IdxRows", path),
        value_(detail::idx_values("basin::data::IdxRows", options)) {
    std::array<unsigned char, 2> start{};
    if (file_.size() >= start.size()) file_.read(0, start.size(), start.data());
    if (start[0] == 0x1f && start[1] == 0x8b) file_.refuse("is compressed; unpack it with gunzip");
    detail::GzFile header("basin::data::IdxRows", path);
    auto const sizes = detail::read_idx_sizes(header, 3, 4, detail::idx_image_ranks);
    start_           = 4 + 4 * sizes.size();
    rows_            = sizes[0];
    dimension_       = 1;
    for (std::size_t i = 1; i < sizes.size(); ++i) dimension_ *= sizes[i];
    if (file_.size() != start_ + rows_ * dimension_)
      file_.refuse("has " + std::to_string(file_.size() - start_) + " bytes of data, its " +
                   detail::idx_header(sizes) + " promises " + std::to_string(rows_ * dimension_));
  }

  std::uint64_t rows() const { return rows_; }
  std::size_t dimension() const { return dimension_; }

  /// \throws std::runtime_error if the file cannot be read, or has become shorter
  void read(std::uint64_t first, std::size_t count, float* to) const {
    std::vector<unsigned char> bytes(count * dimension_);
    file_.read(start_ + first * dimension_, bytes.size(), bytes.data());
    for (std::size_t i = 0; i < bytes.size(); ++i) to[i] = value_[bytes[i]];
  }

 private:
  FileRange file_;
  std::array<float, 256> value_;
  std::uint64_t start_   = 0;  // of the images, in bytes
  std::uint64_t rows_    = 0;
  std::size_t dimension_ = 0;
};

static_assert(RowSource<IdxRows>);

}  // namespace basin::data

#endif
