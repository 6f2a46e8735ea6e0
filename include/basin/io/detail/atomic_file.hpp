// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_IO_DETAIL_ATOMIC_FILE_HPP
#define BASIN_IO_DETAIL_ATOMIC_FILE_HPP

#include <basin/core/arithmetic.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace basin::io::detail {

/// The file that writing to a path changes: links are followed, also one that points to nothing.
///
/// \throws std::system_error where links form a loop
inline std::filesystem::path behind_links(std::filesystem::path path) {
  std::error_code error;
  for (int links = 0; std::filesystem::is_symlink(std::filesystem::symlink_status(path, error));
       ++links) {
    if (links == 40)  // as the kernel
      throw std::system_error(ELOOP, std::generic_category());
    path = path.parent_path() / std::filesystem::read_symlink(path);
  }
  return path;
}

/// A file that appears complete or not at all: bytes go to a file beside it, which commit() renames
/// to path once they are on the disk. Without commit() the destructor removes them and path stays as
/// it was.
///
/// As for any program that writes: links are followed, the mode and the owner of a file that is
/// there stay, and one that may not be written is refused. What is no regular file, such as a
/// device or a pipe, is written directly. Another hard link to the file keeps the old bytes.
class AtomicFile {
 public:
  /// \param caller  public function that is named in messages
  /// \throws std::runtime_error if the file, or its folder, cannot be written
  AtomicFile(std::string caller, std::filesystem::path path)
      : caller_(std::move(caller)), path_(std::move(path)) {
    struct stat old{};
    bool const exists = ::stat(path_.c_str(), &old) == 0;
    if (!exists && errno != ENOENT) refuse(errno);
    if (exists && S_ISDIR(old.st_mode)) refuse(EISDIR);
    if (exists && ::access(path_.c_str(), W_OK) != 0) refuse(errno);
    if (exists && !S_ISREG(old.st_mode)) {
      file_ = std::fopen(path_.c_str(), "wb");
      if (file_ == nullptr) refuse(errno);
      return;
    }
    try {
      target_ = behind_links(path_);
    } catch (std::system_error const& error) {
      refuse(error.code().value());
    }
    // A name of its own, so that the name of the file may be as long as any; a process that was
    // killed may have left one.
    static std::atomic<unsigned> files{0};
    do {
      part_ = target_.parent_path() /
              (".basin-" + std::to_string(::getpid()) + "-" + std::to_string(++files));
      file_ = std::fopen(part_.c_str(), "wbxe");
    } while (file_ == nullptr && errno == EEXIST);
    if (file_ == nullptr) refuse(errno);
    if (exists) {
      // Only root can give a file to another owner; for all others it is theirs already.
      [[maybe_unused]] int const given = ::fchown(::fileno(file_), old.st_uid, old.st_gid);
      if (::fchmod(::fileno(file_), old.st_mode & 07777) != 0) {
        int const reason = errno;
        std::fclose(file_);
        discard();
        refuse(reason);
      }
    }
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
    if (std::fwrite(bytes, 1, count, file_) != count) refuse(errno);
  }

  /// Renames the file to path, replacing an existing one. Waits for the disk, so that after a power
  /// failure path holds the old bytes or all of the new ones.
  ///
  /// \throws std::runtime_error if that cannot be done
  void commit() {
    bool const written =
        std::fflush(file_) == 0 && (part_.empty() || ::fsync(::fileno(file_)) == 0);
    int reason = written ? 0 : errno;
    if (std::fclose(std::exchange(file_, nullptr)) != 0 && written) reason = errno;
    if (reason != 0) {
      discard();
      refuse(reason);
    }
    if (part_.empty()) return;
    std::error_code error;
    std::filesystem::rename(part_, target_, error);
    if (error) {
      discard();
      refuse(error.value());
    }
    sync_folder();
  }

 private:
  // The new name is on the disk once its folder is. Some file systems cannot do that for a folder.
  void sync_folder() const {
    std::filesystem::path const folder = target_.parent_path();
    int const descriptor =
        ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    bool const failed = ::fsync(descriptor) != 0 && errno != EINVAL && errno != ENOTSUP;
    int const reason  = errno;
    ::close(descriptor);
    if (failed) refuse(reason);
  }
  void discard() const {
    std::error_code ignored;
    if (!part_.empty()) std::filesystem::remove(part_, ignored);
  }
  [[noreturn]] void refuse(int reason) const {
    throw std::runtime_error(caller_ + ": '" + path_.string() +
                             "' cannot be written: " + std::strerror(reason));
  }

  std::string caller_;
  std::filesystem::path path_;
  std::filesystem::path target_;  // behind its links
  std::filesystem::path part_;    // empty: written directly
  std::FILE* file_ = nullptr;
};

}  // namespace basin::io::detail

#endif
