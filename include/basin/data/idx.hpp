// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_IDX_HPP
#define BASIN_DATA_IDX_HPP

#include <basin/core/byte_values.hpp>
#include <basin/data/detail/gz_file.hpp>
#include <basin/data/samples.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace basin::data {

/// Images of one shape.
struct Images {
  Samples samples;   ///< (images, height * width * channels), row-major as in the file
  int height   = 0;  ///< pixels
  int width    = 0;  ///< pixels
  int channels = 1;  ///< the last extent of a file of rank 4, else 1
};

/// The range to which bytes [0, 255] are mapped.
struct IdxOptions {
  float lower = -1;  ///< value of byte 0
  float upper = 1;   ///< value of byte 255; > lower
};

namespace detail {

struct IdxContent {
  std::vector<std::size_t> sizes;
  std::string bytes;  // (product of sizes), row-major
};

inline std::string idx_header(std::vector<std::size_t> const& sizes) {
  std::string text = "header (";
  for (std::size_t i = 0; i < sizes.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(sizes[i]);
  return text + ")";
}

inline constexpr char const* idx_image_ranks =
    "images have 3 (images, height, width) or 4 (images, height, width, channels)";

// idx: bytes 0 and 1 are zero, byte 2 is the type code, byte 3 the rank, then one big-endian uint32
// for each size, then the values, row-major.
inline std::vector<std::size_t> read_idx_sizes(GzFile& file, std::size_t lowest_rank,
                                               std::size_t highest_rank,
                                               std::string const& expected) {
  auto const byte = [](std::string const& from, std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(from[i]));
  };

  std::string const magic = file.read(4);
  if (magic.size() < 4)
    file.refuse("is no idx file: it ends after " + std::to_string(magic.size()) + " bytes");
  if (byte(magic, 0) != 0 || byte(magic, 1) != 0)
    file.refuse("is no idx file: it starts with bytes " + std::to_string(byte(magic, 0)) + " " +
                std::to_string(byte(magic, 1)) + ", not 0 0");
  if (byte(magic, 2) != 8)
    file.refuse("has idx type code " + std::to_string(byte(magic, 2)) + ", not 8 (unsigned byte)");
  std::size_t const rank = byte(magic, 3);
  if (rank < lowest_rank || rank > highest_rank)
    file.refuse("has rank " + std::to_string(rank) + ", " + expected);

  std::string const header = file.read(4 * rank);
  if (header.size() < 4 * rank)
    file.refuse("ends after " + std::to_string(4 + header.size()) +
                " bytes, an idx header of rank " + std::to_string(rank) + " has " +
                std::to_string(4 + 4 * rank));
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < rank; ++i)
    sizes.push_back(byte(header, 4 * i) << 24 | byte(header, 4 * i + 1) << 16 |
                    byte(header, 4 * i + 2) << 8 | byte(header, 4 * i + 3));

  std::size_t promised = 1;
  for (std::size_t const size : sizes) {
    if (size == 0) file.refuse("has " + idx_header(sizes) + ", every size must be > 0");
    if (size > std::size_t(std::numeric_limits<int>::max()) ||
        promised > std::numeric_limits<std::size_t>::max() / size)
      file.refuse("has " + idx_header(sizes) + ", more than this machine can address");
    promised *= size;
  }
  return sizes;
}

inline IdxContent read_idx(std::string const& caller, std::filesystem::path const& path,
                           std::size_t lowest_rank, std::size_t highest_rank,
                           std::string const& expected) {
  GzFile file(caller, path);
  IdxContent content{read_idx_sizes(file, lowest_rank, highest_rank, expected), {}};
  std::size_t promised = 1;
  for (std::size_t const size : content.sizes) promised *= size;
  content.bytes = file.read(promised);
  if (content.bytes.size() < promised)
    file.refuse("ends after " + std::to_string(content.bytes.size()) + " bytes of data, its " +
                idx_header(content.sizes) + " promises " + std::to_string(promised));
  if (!file.read(1).empty())  // also makes zlib check the CRC
    file.refuse("goes on after the " + std::to_string(promised) + " bytes of data that its " +
                idx_header(content.sizes) + " promises");
  return content;
}

// x of each byte
inline std::array<float, 256> idx_values(std::string const& caller, IdxOptions const& options) {
  if (!(options.lower < options.upper))
    throw std::invalid_argument(caller + ": IdxOptions::lower must be < upper, got " +
                                std::to_string(options.lower) + " and " +
                                std::to_string(options.upper));
  return byte_values(options.lower, options.upper);
}

}  // namespace detail

/// \brief Reads images from an idx file of unsigned bytes, plain or gzip.
///
///   x = lower + (upper - lower) byte / 255
///
/// Format: LeCun, Cortes and Burges, "The MNIST database", section "File formats". Rank 3 is
/// (images, height, width), rank 4 (images, height, width, channels).
///
/// \return (images, height * width * channels)
/// \throws std::invalid_argument if options.lower >= options.upper
/// \throws std::runtime_error if the file does not exist, is not an idx file of unsigned bytes of
///         rank 3 or 4, has an extent of zero, is truncated, or holds more than its header states
inline Images read_idx_images(std::filesystem::path const& path, IdxOptions const& options = {}) {
  char const* who                    = "basin::data::read_idx_images";
  std::array<float, 256> const value = detail::idx_values(who, options);
  detail::IdxContent const content   = detail::read_idx(who, path, 3, 4, detail::idx_image_ranks);

  std::vector<std::size_t> const& sizes = content.sizes;
  // Built as a whole: under g++ 12, assigning a View of Kokkos 4.6.99 damages its reference count.
  Images images{.samples  = make_samples(sizes[0], content.bytes.size() / sizes[0]),
                .height   = static_cast<int>(sizes[1]),
                .width    = static_cast<int>(sizes[2]),
                .channels = sizes.size() == 4 ? static_cast<int>(sizes[3]) : 1};
  float* const to = images.samples.data();
  for (std::size_t i = 0; i < content.bytes.size(); ++i)
    to[i] = value[static_cast<unsigned char>(content.bytes[i])];
  return images;
}

/// \brief Reads labels from an idx file of unsigned bytes of rank 1, plain or gzip.
///
/// \return (labels), each 0 ... 255
/// \throws std::runtime_error as read_idx_images, for rank 1
inline Labels read_idx_labels(std::filesystem::path const& path) {
  detail::IdxContent const content =
      detail::read_idx("basin::data::read_idx_labels", path, 1, 1, "labels have 1 (labels)");
  Labels const labels = make_labels(content.bytes.size());
  for (std::size_t i = 0; i < content.bytes.size(); ++i)
    labels(i) = static_cast<unsigned char>(content.bytes[i]);
  return labels;
}

/// \brief Path of the idx file of unsigned bytes called name in folder:
///        name-idx1-ubyte, name-idx3-ubyte or name-idx4-ubyte, else the same with .gz.
///
/// \param name  such as "train-images" or "t10k-labels"
/// \throws std::runtime_error if there is no such file
inline std::filesystem::path find_idx(std::filesystem::path const& folder,
                                      std::string const& name) {
  for (char const* const suffix : {"", ".gz"})
    for (char const* const rank : {"1", "3", "4"}) {
      std::filesystem::path const path = folder / (name + "-idx" + rank + "-ubyte" + suffix);
      if (std::filesystem::is_regular_file(path)) return path;
    }
  throw std::runtime_error("basin::data::find_idx: '" + folder.string() + "' holds no '" + name +
                           "-idxN-ubyte' with N = 1, 3 or 4, plain or .gz");
}

}  // namespace basin::data

#endif
