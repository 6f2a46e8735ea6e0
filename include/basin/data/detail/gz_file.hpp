// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_DETAIL_GZ_FILE_HPP
#define BASIN_DATA_DETAIL_GZ_FILE_HPP

#include <basin/core/arithmetic.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <zlib.h>

namespace basin::data::detail {

/// A file read once from start to end by zlib: gzip (RFC 1952) is unpacked and checked against its
/// CRC-32, any other file is read as it is. Bytes after a gzip stream that are not another stream
/// are padding to zlib, as to gzip, and are dropped.
class GzFile {
 public:
  /// \param caller  public function that is named in messages
  /// \throws std::runtime_error if the file cannot be opened
  GzFile(std::string caller, std::filesystem::path const& path)
      : caller_(std::move(caller)), path_(path.string()) {
    errno = 0;
    file_ = gzopen(path_.c_str(), "rb");
    if (file_ == nullptr) refuse(std::string("cannot be opened: ") + std::strerror(errno));
  }
  GzFile(GzFile const&)            = delete;
  GzFile& operator=(GzFile const&) = delete;
  ~GzFile() { gzclose_r(file_); }

  /// The next count bytes, fewer only where the file ends.
  ///
  /// \throws std::runtime_error if the file cannot be read, its gzip stream is truncated or its CRC
  ///         is wrong
  std::string read(std::size_t count) {
    // Grows by what was actually read: a damaged header may state more than memory holds.
    std::size_t constexpr chunk = std::size_t(1) << 16;
    std::string bytes;
    while (bytes.size() < count) {
      std::size_t const before = bytes.size();
      std::size_t const wanted = std::min(chunk, count - before);
      bytes.resize(before + wanted);
      int const got = gzread(file_, bytes.data() + before, static_cast<unsigned>(wanted));
      int code      = Z_OK;
      char const* const reason = gzerror(file_, &code);
      if (got > 0) read_ += static_cast<std::size_t>(got);
      // zlib reports a truncated stream as Z_BUF_ERROR, beside the bytes that it still read.
      if (code == Z_BUF_ERROR)
        refuse("is cut: its gzip stream breaks off after " + std::to_string(read_) + " bytes");
      if (got < 0)
        refuse(std::string("cannot be read: ") + (code == Z_ERRNO ? std::strerror(errno) : reason));
      bytes.resize(before + static_cast<std::size_t>(got));
      if (static_cast<std::size_t>(got) < wanted) break;
    }
    return bytes;
  }

  /// All remaining bytes.
  std::string read_all() { return read(std::numeric_limits<std::size_t>::max()); }

  /// Throws std::runtime_error "caller: 'path' what".
  [[noreturn]] void refuse(std::string const& what) const {
    throw std::runtime_error(caller_ + ": '" + path_ + "' " + what);
  }

 private:
  std::string caller_;
  std::string path_;
  gzFile file_      = nullptr;
  std::size_t read_ = 0;  // bytes, after unpacking
};

}  // namespace basin::data::detail

#endif
