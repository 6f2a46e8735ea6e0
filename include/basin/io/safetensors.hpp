// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_SAFETENSORS_HPP
#define BASIN_IO_SAFETENSORS_HPP

#include <basin/core/archive.hpp>
#include <basin/io/detail/atomic_file.hpp>
#include <basin/io/detail/safetensors_header.hpp>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Format: safetensors, https://github.com/huggingface/safetensors: the length of the header, a
// little-endian uint64 of at most 100 MB; the header, JSON that begins with '{', padded with blanks to
// a multiple of 8; the numbers. The header has for each tensor its dtype, shape and [begin, end)
// among the numbers, without holes, and under "__metadata__" texts by name.

namespace basin::io {

static_assert(std::endian::native == std::endian::little,
              "basin::io: safetensors are read and written on little-endian machines only.");

/// What a safetensors file holds.
struct Safetensors {
  /// By name, of type "f4" or "f8": see energy::from_tensors.
  MemoryArchive::Entries tensors;
  std::map<std::string, std::string> metadata;
};

/// Writes arrays of float or double and texts about them as safetensors; for Python:
/// safetensors.torch.load_file(path). Equal arguments give equal bytes. A file that is there is
/// replaced once the new one is complete and on the disk.
///
/// \param tensors   for example energy::to_tensors<E>(theta)
/// \param metadata  texts by name
/// \throws std::invalid_argument naming an entry of another type, a name or a text that is not UTF-8
/// \throws std::runtime_error if it cannot be written; what was there stays
inline void write_safetensors(std::filesystem::path const& path,
                              MemoryArchive::Entries const& tensors,
                              std::map<std::string, std::string> const& metadata = {}) {
  char const* who   = "basin::io::write_safetensors";
  auto const layout = detail::lay_out_safetensors(who, tensors, metadata);
  detail::AtomicFile file(who, path);
  std::uint64_t const length = layout.header.size();
  file.write(&length, sizeof length);
  file.write(layout.header.data(), layout.header.size());
  for (auto const* bytes : layout.numbers) file.write(bytes->data(), bytes->size());
  file.commit();
}

/// Reads a safetensors file of float and double. Its header is checked before a number is read:
/// nothing is allocated that the file does not have.
///
/// \throws std::runtime_error naming the tensor and both values if the file cannot be read, is cut,
///         has a header that is none, numbers of another type, or parts of them that no or two tensors
///         name
inline Safetensors read_safetensors(std::filesystem::path const& path) {
  auto const fail = [&](std::string const& what) {
    throw std::runtime_error("basin::io::read_safetensors: '" + path.string() + "' " + what);
  };
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) fail("is no file");
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(std::fopen(path.c_str(), "rbe"),
                                                             std::fclose);
  if (!file) fail("cannot be read: " + std::string(std::strerror(errno)));
  std::uintmax_t const size = std::filesystem::file_size(path, error);
  if (error) fail("cannot be read: " + error.message());
  auto const read = [&](void* to, std::size_t count) {
    if (count > 0 && std::fread(to, 1, count, file.get()) != count)
      fail("cannot be read: " + std::string(std::strerror(errno)));
  };

  std::uint64_t length = 0;
  if (size < sizeof length)
    fail("has " + std::to_string(size) + " bytes, the length of its header alone has 8");
  read(&length, sizeof length);
  if (length > detail::safetensors_longest_header)
    fail("is no safetensors file: its header would have " + std::to_string(length) +
         " bytes, one has at most " + std::to_string(detail::safetensors_longest_header));
  if (length > size - sizeof length)
    fail("ends after " + std::to_string(size) + " bytes, its header after " +
         std::to_string(length + sizeof length));
  Safetensors result;
  std::uintmax_t const numbers = size - sizeof length - length;
  try {
    std::string header(length, '\0');
    read(header.data(), header.size());
    detail::SafetensorsHeader parsed;
    std::string const wrong = parsed.read(header, numbers);
    if (!wrong.empty()) fail(wrong);
    result.metadata = std::move(parsed.metadata);
    for (auto& t : parsed.tensors) {
      std::vector<unsigned char> bytes(static_cast<std::size_t>(t.end - t.begin));
      read(bytes.data(), bytes.size());
      result.tensors[std::move(t.name)] = {t.dtype == "F32" ? "f4" : "f8", std::move(t.shape),
                                           std::move(bytes)};
    }
  } catch (std::bad_alloc const&) {
    fail("has " + std::to_string(size) + " bytes, which do not fit into memory");
  }
  return result;
}

}  // namespace basin::io

#endif
