// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_DETAIL_ATOMIC_FILE_HPP
#define BASIN_IO_DETAIL_ATOMIC_FILE_HPP

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace basin::io::detail {

/// A file that appears complete or not at all: bytes go to "<path>.part-<process>" beside it, which
/// commit() renames to path. Without commit() the destructor removes them and path stays as it was.
/// One writer of a path in a process at a time.
class AtomicFile {
 public:
  /// \param caller  public function that is named in messages
  /// \throws std::runtime_error if the folder cannot be written
  AtomicFile(std::string caller, std::filesystem::path path)
      : caller_(std::move(caller)), path_(std::move(path)), part_(path_) {
    part_ += ".part-" + std::to_string(::getpid());
    file_ = std::fopen(part_.c_str(), "wb");
    if (file_ == nullptr) refuse(std::strerror(errno));
  }
  AtomicFile(AtomicFile const&)            = delete;
  AtomicFile& operator=(AtomicFile const&) = delete;
  ~AtomicFile() {
    if (file_ != nullptr) {
      std::fclose(file_);
      discard();
    }
  }

  /// \throws std::runtime_error if not all of them can be written
  void write(void const* bytes, std::size_t count) {
    if (std::fwrite(bytes, 1, count, file_) != count) refuse(std::strerror(errno));
  }

  /// Renames the file to path, replacing an existing one.
  ///
  /// \throws std::runtime_error if that cannot be done
  void commit() {
    bool const closed = std::fclose(std::exchange(file_, nullptr)) == 0;
    if (!closed) {
      std::string const reason = std::strerror(errno);
      discard();
      refuse(reason);
    }
    std::error_code error;
    std::filesystem::rename(part_, path_, error);
    if (error) {
      discard();
      refuse(error.message());
    }
  }

 private:
  void discard() const {
    std::error_code ignored;
    std::filesystem::remove(part_, ignored);
  }
  [[noreturn]] void refuse(std::string const& reason) const {
    throw std::runtime_error(caller_ + ": '" + path_.string() + "' cannot be written: " + reason);
  }

  std::string caller_;
  std::filesystem::path path_;
  std::filesystem::path part_;
  std::FILE* file_ = nullptr;
};

}  // namespace basin::io::detail

#endif
