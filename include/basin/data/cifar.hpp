// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_CIFAR_HPP
#define BASIN_DATA_CIFAR_HPP

#include <basin/core/byte_values.hpp>
#include <basin/data/detail/gz_file.hpp>
#include <basin/data/idx.hpp>
#include <basin/data/samples.hpp>

#include <array>
#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

// Format: Krizhevsky, "The CIFAR-10 dataset" and "The CIFAR-100 dataset", binary version: records
// without a header, one or two bytes of labels, then 1024 bytes each of red, green and blue, each
// plane row-major, 32 x 32.

namespace basin::data {

/// The range to which bytes [0, 255] are mapped.
struct CifarOptions {
  float lower = -1;  ///< value of byte 0
  float upper = 1;   ///< value of byte 255; > lower
};

/// Images of 10 classes.
struct Cifar10 {
  Images images;  ///< (images, 32 * 32 * 3), channels last
  Labels labels;  ///< (images), 0 ... 9 in the order of batches.meta.txt
};

/// Images of 100 classes in 20 superclasses.
struct Cifar100 {
  Images images;        ///< (images, 32 * 32 * 3), channels last
  Labels labels;        ///< (images), 0 ... 99 in the order of fine_label_names.txt
  Labels superclasses;  ///< (images), 0 ... 19 in the order of coarse_label_names.txt
};

namespace detail {

inline constexpr std::size_t cifar_side = 32, cifar_plane = cifar_side * cifar_side,
                             cifar_channels = 3, cifar_pixels = cifar_plane * cifar_channels;

// A byte of labels before the pixels of each record.
struct CifarLabel {
  char const* name;
  int classes;
};

// All records of the files, one after the other.
template <std::size_t bytes>
std::string read_cifar_records(std::string const& caller, char const* set,
                               std::vector<std::filesystem::path> const& paths,
                               std::array<CifarLabel, bytes> const& labels) {
  std::size_t constexpr record = bytes + cifar_pixels;
  if (paths.empty()) throw std::invalid_argument(caller + ": paths has 0 files, must have >= 1");
  std::string all;
  for (std::filesystem::path const& path : paths) {
    GzFile file(caller, path);
    std::string const content = file.read_all();
    std::string const size    = std::to_string(content.size());
    if (content.empty() || content.size() % record != 0)
      file.refuse("has " + size + " bytes, " + set + " has records of " + std::to_string(record) +
                  (!content.empty() && content.size() % (3 - bytes + cifar_pixels) == 0
                       ? std::string("; read it with read_cifar") + (bytes == 1 ? "100" : "10")
                       : "; it was cut, or is another format"));
    for (std::size_t at = 0; at < content.size(); at += record)
      for (std::size_t i = 0; i < bytes; ++i)
        if (int const label = static_cast<unsigned char>(content[at + i]);
            label >= labels[i].classes)
          file.refuse("record " + std::to_string(at / record) + " has the " + labels[i].name + " " +
                      std::to_string(label) + ", " + set + " has 0 to " +
                      std::to_string(labels[i].classes - 1));
    all += content;
  }
  return all;
}

// Pixels of records with 'skipped' bytes before them: planes become channels of each pixel.
inline Images cifar_images(std::string const& caller, std::string const& records,
                           std::size_t skipped, CifarOptions const& options) {
  if (!(options.lower < options.upper))
    throw std::invalid_argument(caller + ": CifarOptions::lower must be < upper, got " +
                                std::to_string(options.lower) + " and " +
                                std::to_string(options.upper));
  std::array<float, 256> const value = byte_values(options.lower, options.upper);
  std::size_t const count            = records.size() / (skipped + cifar_pixels);
  Images images{.samples  = make_samples(count, cifar_pixels),
                .height   = static_cast<int>(cifar_side),
                .width    = static_cast<int>(cifar_side),
                .channels = static_cast<int>(cifar_channels)};
  for (std::size_t n = 0; n < count; ++n) {
    char const* const planes = records.data() + n * (skipped + cifar_pixels) + skipped;
    float* const to          = images.samples.data() + n * cifar_pixels;
    for (std::size_t p = 0; p < cifar_plane; ++p)
      for (std::size_t c = 0; c < cifar_channels; ++c)
        to[p * cifar_channels + c] = value[static_cast<unsigned char>(planes[c * cifar_plane + p])];
  }
  return images;
}

inline Labels cifar_labels(std::string const& records, std::size_t bytes, std::size_t which) {
  std::size_t const record = bytes + cifar_pixels;
  Labels const labels      = make_labels(records.size() / record);
  for (std::size_t n = 0; n < labels.extent(0); ++n)
    labels(n) = static_cast<unsigned char>(records[n * record + which]);
  return labels;
}

}  // namespace detail

/// \brief Reads files of the binary version of CIFAR-10, plain or gzip, one after the other.
///
///   x[n, (32 i + j) 3 + c] = lower + (upper - lower) byte / 255
///
/// for row i, column j and channel c (red, green, blue): the order of basin::Image<32, 32, 3>, and
/// so of Conv2d, where the file has a plane for each channel.
///
/// Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images"; for the training set
/// {"data_batch_1.bin", ..., "data_batch_5.bin"} in their folder, for the test set {"test_batch.bin"}.
///
/// \throws std::invalid_argument if options.lower >= options.upper or there are no paths
/// \throws std::runtime_error if a file does not exist, is cut, holds no whole number of records or
///         a label > 9
inline Cifar10 read_cifar10(std::vector<std::filesystem::path> const& paths,
                            CifarOptions const& options = {}) {
  std::string const caller = "basin::data::read_cifar10";
  std::string const records =
      detail::read_cifar_records<1>(caller, "CIFAR-10", paths, {{detail::CifarLabel{"label", 10}}});
  return {detail::cifar_images(caller, records, 1, options), detail::cifar_labels(records, 1, 0)};
}

/// \brief Reads files of the binary version of CIFAR-100, plain or gzip: {"train.bin"} or
///        {"test.bin"}. Pixels and errors are those of read_cifar10.
///
/// A record begins with two labels: of the superclass (0 ... 19), then of the class (0 ... 99).
inline Cifar100 read_cifar100(std::vector<std::filesystem::path> const& paths,
                              CifarOptions const& options = {}) {
  std::string const caller  = "basin::data::read_cifar100";
  std::string const records = detail::read_cifar_records<2>(
      caller, "CIFAR-100", paths,
      {{detail::CifarLabel{"superclass", 20}, detail::CifarLabel{"label", 100}}});
  return {detail::cifar_images(caller, records, 2, options), detail::cifar_labels(records, 2, 1),
          detail::cifar_labels(records, 2, 0)};
}

}  // namespace basin::data

#endif
