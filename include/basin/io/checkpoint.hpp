// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_CHECKPOINT_HPP
#define BASIN_IO_CHECKPOINT_HPP

#include <basin/core/archive.hpp>
#include <basin/io/detail/atomic_file.hpp>
#include <basin/io/detail/hdf5.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>
#include <zlib.h>

// Format: an HDF5 file (superblock 0, no filters, no times), one contiguous data set for each
// entry of an archive at the path that is its name, "run/parameters/theta/0.weight"; attributes of
// the root: "format" (1) and "description", a text. After it 24 bytes, which HDF5 ignores: "basinend",
// the number of bytes before them and their CRC-32, both uint64.

namespace basin::io {

/// What a checkpoint holds.
struct Checkpoint {
  MemoryArchive archive;
  std::string description;  ///< what the writer says of it, for example JSON
};

namespace detail {

inline constexpr std::uint64_t checkpoint_format   = 1;
inline constexpr std::string_view checkpoint_end   = "basinend";
inline constexpr std::size_t checkpoint_end_length = 24;

inline std::uint64_t crc32_of(unsigned char const* bytes, std::size_t count) {
  uLong crc = ::crc32(0, nullptr, 0);
  while (count > 0) {
    auto const part = static_cast<uInt>(std::min<std::size_t>(count, std::size_t(1) << 30));
    crc             = ::crc32(crc, bytes, part);
    bytes += part;
    count -= part;
  }
  return crc;
}

inline Hdf5 file_in_memory() {
  Hdf5 access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_core(access, std::size_t(1) << 20, 0);
  // With a later superblock H5Fget_file_image leaves a checksum that does not fit (HDF5 1.10).
  H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18);
  return access;
}

// The bytes of the HDF5 file; empty where 'failed' names what could not be written.
inline std::vector<unsigned char> hdf5_image(MemoryArchive const& archive,
                                             std::string_view description, std::string& failed) {
  QuietHdf5 const quiet;
  Hdf5 const creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation, false);  // equal states give equal bytes
  Hdf5 const file(H5Fcreate("checkpoint", H5F_ACC_TRUNC, creation, file_in_memory()), H5Fclose);
  auto const attribute = [&](char const* name, hid_t stored, hid_t in_memory, void const* value) {
    Hdf5 const space(H5Screate(H5S_SCALAR), H5Sclose);
    Hdf5 const a(H5Acreate2(file, name, stored, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    if (!a || H5Awrite(a, in_memory, value) < 0) failed = name;
  };
  attribute("format", H5T_STD_U64LE, H5T_NATIVE_UINT64, &checkpoint_format);
  Hdf5 const text(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(text, description.size() + 1);
  H5Tset_cset(text, H5T_CSET_UTF8);
  Hdf5 const links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links, 1);
  Hdf5 const layout(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(layout, false);
  auto const dataset = [&](std::string const& name, hid_t type, hid_t space, void const* bytes,
                           bool any) {
    Hdf5 const set(H5Dcreate2(file, name.c_str(), type, space, links, layout, H5P_DEFAULT),
                   H5Dclose);
    if (!set || (any && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) < 0))
      failed = name;
  };
  {
    Hdf5 const space(H5Screate(H5S_SCALAR), H5Sclose);
    dataset("description", text, space, std::string(description).c_str(), true);
  }
  for (auto const& [name, entry] : archive.entries()) {
    std::vector<hsize_t> const extents(entry.shape.begin(), entry.shape.end());
    Hdf5 const space(extents.empty() ? H5Screate(H5S_SCALAR)
                                     : H5Screate_simple(static_cast<int>(extents.size()),
                                                        extents.data(), nullptr),
                     H5Sclose);
    dataset(name, hdf5_type(entry.type), space, entry.bytes.data(), !entry.bytes.empty());
  }
  std::vector<unsigned char> image;
  if (failed.empty() && H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0) {
    ssize_t const size = H5Fget_file_image(file, nullptr, 0);
    image.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    if (image.empty() || H5Fget_file_image(file, image.data(), image.size()) != size) image.clear();
  }
  return image;
}

// Reads the entries of a file in memory.
class CheckpointReader {
 public:
  /// \param size  of the file, which no entry can pass
  CheckpointReader(hid_t file, std::size_t size) : file_(file), left_(size) {}

  /// \return what is wrong, or ""
  std::string read(MemoryArchive::Entries& entries, std::string& description) {
    entries_     = &entries;
    description_ = &description;
    if (H5Lvisit(file_, H5_INDEX_NAME, H5_ITER_NATIVE, visit, this) < 0 && wrong_.empty())
      wrong_ = "its entries cannot be read";
    return wrong_;
  }

 private:
  static herr_t visit(hid_t, char const* name, H5L_info_t const* link, void* self) {
    auto& reader = *static_cast<CheckpointReader*>(self);
    try {
      return reader.entry(name, link->type == H5L_TYPE_HARD) ? 0 : -1;
    } catch (std::bad_alloc const&) {
      reader.wrong_ = "'" + std::string(name) + "' does not fit into memory";
      return -1;
    }
  }
  bool wrong(std::string const& name, char const* what) {
    wrong_ = "'" + name + "' " + what;
    return false;
  }
  bool entry(std::string const& name, bool here) {
    if (!here) return wrong(name, "is a link");
    Hdf5 const object(H5Oopen(file_, name.c_str(), H5P_DEFAULT), H5Oclose);
    if (!object) return wrong(name, "cannot be opened");
    if (H5Iget_type(object) == H5I_GROUP) return true;
    if (H5Iget_type(object) != H5I_DATASET) return wrong(name, "is no array");
    Hdf5 const set(H5Dopen2(file_, name.c_str(), H5P_DEFAULT), H5Dclose);
    Hdf5 const type(H5Dget_type(set), H5Tclose), space(H5Dget_space(set), H5Sclose);
    Hdf5 const layout(H5Dget_create_plist(set), H5Pclose);
    if (!set || !type || !space || !layout) return wrong(name, "cannot be opened");
    if (H5Pget_layout(layout) != H5D_CONTIGUOUS || H5Pget_external_count(layout) != 0)
      return wrong(name, "is not stored in one piece of the file");
    bool const is_text     = name == "description";
    std::size_t const each = H5Tget_size(type);
    if (is_text && (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0))
      return wrong(name, "is no text");
    std::string const type_name = is_text ? "text" : hdf5_type_name(type);
    if (type_name.empty()) return wrong(name, "has numbers of a type that no checkpoint has");
    std::vector<std::size_t> const shape = hdf5_shape(space);
    std::size_t count                    = each;
    for (std::size_t const extent : shape) {
      if (extent > 0 && count > left_ / extent) return wrong(name, "is larger than the file");
      count *= extent;
    }
    if (count > left_) return wrong(name, "is larger than the file");
    left_ -= count;
    std::vector<unsigned char> bytes(count);
    if (count > 0 && H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0)
      return wrong(name, "cannot be read");
    if (is_text)
      description_->assign(bytes.begin(), std::find(bytes.begin(), bytes.end(), 0));
    else
      (*entries_)[name] = {type_name, shape, std::move(bytes)};
    return true;
  }

  hid_t file_;
  std::size_t left_;
  std::string wrong_;
  MemoryArchive::Entries* entries_ = nullptr;
  std::string* description_        = nullptr;
};

}  // namespace detail

/// Writes an archive, and a text that says what it is, to an HDF5 file; for Python:
/// h5py.File(path)["run/parameters/theta/0.weight"][:].
///
/// A file that is there is replaced once the new one is complete and on the disk. Takes twice the
/// memory of the archive besides it. Not from two threads at once, as HDF5's C library.
///
/// \throws std::runtime_error if it cannot be written; what was there stays
/// \throws std::invalid_argument naming an entry that HDF5 cannot hold
inline void write_checkpoint(std::filesystem::path const& path, MemoryArchive const& archive,
                             std::string_view description) {
  char const* who = "basin::io::write_checkpoint";
  std::string failed;
  std::vector<unsigned char> const image = detail::hdf5_image(archive, description, failed);
  if (!failed.empty()) refuse(who, "'", failed, "' cannot be stored under that name or type");
  if (image.empty()) refuse(who, "HDF5 could not make a file of ", path);
  std::array<unsigned char, detail::checkpoint_end_length> end{};
  std::uint64_t const numbers[] = {image.size(), detail::crc32_of(image.data(), image.size())};
  std::memcpy(end.data(), detail::checkpoint_end.data(), 8);
  std::memcpy(end.data() + 8, numbers, sizeof numbers);
  detail::AtomicFile file(who, path);
  file.write(image.data(), image.size());
  file.write(end.data(), end.size());
  file.commit();
}

/// Reads a checkpoint. Its checksum is compared before HDF5 sees a byte of it.
///
/// \throws std::runtime_error if it cannot be read, is cut, changed, of a newer format or no checkpoint
inline Checkpoint read_checkpoint(std::filesystem::path const& path) {
  auto const fail = [&](std::string const& what) {
    throw std::runtime_error("basin::io::read_checkpoint: '" + path.string() + "' " + what);
  };
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(std::fopen(path.c_str(), "rbe"),
                                                             std::fclose);
  if (!file) fail("cannot be read: " + std::string(std::strerror(errno)));
  std::error_code error;
  std::uintmax_t const size = std::filesystem::file_size(path, error);
  if (error) fail("cannot be read: " + error.message());
  constexpr std::size_t tail = detail::checkpoint_end_length;
  std::array<unsigned char, tail> end{};
  bool const has_end = size >= tail &&
                       size <= static_cast<std::uintmax_t>(std::numeric_limits<long>::max()) &&
                       std::fseek(file.get(), static_cast<long>(size - tail), SEEK_SET) == 0 &&
                       std::fread(end.data(), 1, tail, file.get()) == tail &&
                       std::memcmp(end.data(), detail::checkpoint_end.data(), 8) == 0;
  if (!has_end)
    fail("has " + std::to_string(size) +
         " bytes and no end mark: it was cut, or is no checkpoint of basin");
  std::uint64_t numbers[2];
  std::memcpy(numbers, end.data() + 8, sizeof numbers);
  if (numbers[0] != size - tail)
    fail("has " + std::to_string(size - tail) + " bytes before its end mark, which says " +
         std::to_string(numbers[0]));
  std::vector<unsigned char> image;
  try {
    image.resize(size - tail);
  } catch (std::bad_alloc const&) {
    fail("has " + std::to_string(size) + " bytes, which do not fit into memory");
  }
  std::rewind(file.get());
  if (std::fread(image.data(), 1, image.size(), file.get()) != image.size())
    fail("cannot be read: " + std::string(std::strerror(errno)));
  std::uint64_t const crc = detail::crc32_of(image.data(), image.size());
  if (crc != numbers[1])
    fail("is damaged: its checksum is " + std::to_string(crc) + ", its end mark says " +
         std::to_string(numbers[1]));

  detail::QuietHdf5 const quiet;
  detail::Hdf5 const access = detail::file_in_memory();
  H5Pset_file_image(access, image.data(), image.size());
  detail::Hdf5 const opened(H5Fopen("checkpoint", H5F_ACC_RDONLY, access), H5Fclose);
  if (!opened) fail("is no HDF5 file");
  std::uint64_t format = 0;
  {
    detail::Hdf5 const attribute(H5Aopen(opened, "format", H5P_DEFAULT), H5Aclose);
    if (!attribute || H5Aread(attribute, H5T_NATIVE_UINT64, &format) < 0)
      fail("has no attribute 'format'");
  }
  if (format != detail::checkpoint_format)
    fail("has format " + std::to_string(format) + ", this version of basin reads format " +
         std::to_string(detail::checkpoint_format));
  Checkpoint result;
  MemoryArchive::Entries entries;
  std::string const wrong =
      detail::CheckpointReader(opened, image.size()).read(entries, result.description);
  if (!wrong.empty()) fail("is no checkpoint of basin: " + wrong);
  result.archive = MemoryArchive(std::move(entries));
  return result;
}

}  // namespace basin::io

#endif
