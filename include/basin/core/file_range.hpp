// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_FILE_RANGE_HPP
#define BASIN_CORE_FILE_RANGE_HPP

#include <basin/core/arithmetic.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace basin {

/// A file of which any part is read at any time, without a position in it (POSIX pread).
class FileRange {
 public:
  /// \param caller  named in messages
  /// \throws std::runtime_error if there is no such file, or it cannot be opened
  FileRange(std::string caller, std::filesystem::path const& path)
      : caller_(std::move(caller)), path_(path.string()) {
    if (!std::filesystem::is_regular_file(path)) refuse("is no file");
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat about{};
    if (descriptor_ < 0) refuse(std::string("cannot be opened: ") + std::strerror(errno));
    if (::fstat(descriptor_, &about) == 0) size_ = static_cast<std::uint64_t>(about.st_size);
  }
  FileRange(FileRange&& other) noexcept
      : caller_(std::move(other.caller_)),
        path_(std::move(other.path_)),
        descriptor_(std::exchange(other.descriptor_, -1)),
        size_(other.size_) {}
  FileRange(FileRange const&)            = delete;
  FileRange& operator=(FileRange const&) = delete;
  ~FileRange() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  std::uint64_t size() const { return size_; }  // bytes, when it was opened

  /// Bytes first ... first + count - 1. \throws std::runtime_error if they cannot be read
  void read(std::uint64_t first, std::size_t count, void* to) const {
    for (std::size_t done = 0; done < count;) {
      ssize_t const got = ::pread(descriptor_, static_cast<char*>(to) + done, count - done,
                                  static_cast<off_t>(first + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) refuse(std::string("cannot be read: ") + std::strerror(errno));
      if (got == 0)
        refuse("ends after " + std::to_string(first + done) + " bytes, it had " +
               std::to_string(size_) + " when it was opened");
      done += static_cast<std::size_t>(got);
    }
  }

  /// Throws std::runtime_error "caller: 'path' what".
  [[noreturn]] void refuse(std::string const& what) const {
    throw std::runtime_error(caller_ + ": '" + path_ + "' " + what);
  }

 private:
  std::string caller_;
  std::string path_;
  int descriptor_     = -1;
  std::uint64_t size_ = 0;
};

}  // namespace basin

#endif
