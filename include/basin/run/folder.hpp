// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_FOLDER_HPP
#define BASIN_RUN_FOLDER_HPP

#include <basin/core/check.hpp>
#include <basin/io/checkpoint.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace basin::run {

/// What one run keeps on disk: its last checkpoints, "checkpoint-000000001000.h5", and its best one,
/// "best.h5". As long as it exists no other process has the folder.
class Folder {
 public:
  /// Makes the folder and locks it.
  ///
  /// \param keep  checkpoints that stay, besides the best one; >= 1
  /// \throws std::runtime_error if it cannot be made or another process has it
  /// \throws std::invalid_argument if keep does not fit
  Folder(std::filesystem::path path, int keep) : path_(std::move(path)), keep_(keep) {
    char const* who = "basin::run::Folder";
    if (keep < 1) refuse(who, "keep must be >= 1, got ", keep);
    std::error_code error;
    std::filesystem::create_directories(path_, error);
    if (error) fail("cannot be made: " + error.message());
    lock_ = ::open((path_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock_ < 0) fail("cannot be written: " + std::string(std::strerror(errno)));
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
      int const reason = errno;
      ::close(lock_);
      fail(reason == EWOULDBLOCK ? "is in use by another run; give each run a folder of its own"
                                 : "cannot be locked: " + std::string(std::strerror(reason)));
    }
  }
  Folder(Folder const&)            = delete;
  Folder& operator=(Folder const&) = delete;
  ~Folder() { ::close(lock_); }

  std::filesystem::path const& path() const { return path_; }

  /// The steps of the checkpoints that there are, the last one first.
  std::vector<std::uint64_t> steps() const {
    std::vector<std::uint64_t> all;
    for (auto const& entry : std::filesystem::directory_iterator(path_)) {
      std::string const name  = entry.path().filename();
      std::string_view middle = name;
      if (!middle.starts_with(prefix) || !middle.ends_with(suffix)) continue;
      middle = middle.substr(prefix.size(), middle.size() - prefix.size() - suffix.size());
      std::uint64_t step  = 0;
      auto const [end, e] = std::from_chars(middle.data(), middle.data() + middle.size(), step);
      if (e == std::errc() && end == middle.data() + middle.size() && middle.size() >= digits)
        all.push_back(step);
    }
    std::sort(all.rbegin(), all.rend());
    return all;
  }

  /// Refuses a folder that has checkpoints.
  /// \throws std::invalid_argument naming the last step
  void check_new(char const* who) const {
    if (auto const all = steps(); !all.empty())
      refuse(who, "'", path_.string(), "' has a run that got to step ", all.front(),
             "; write resume = true to continue it, or another folder");
  }

  std::filesystem::path checkpoint(std::uint64_t step) const { return checkpoint_in(path_, step); }
  /// The same of a folder that another process has.
  static std::filesystem::path checkpoint_in(std::filesystem::path const& folder,
                                             std::uint64_t step) {
    std::string number = std::to_string(step);
    number.insert(0, digits - std::min(digits, number.size()), '0');
    return folder / (std::string(prefix) + number + std::string(suffix));
  }
  std::filesystem::path best() const { return path_ / "best.h5"; }

  /// Writes run.json, which says what runs. \throws std::runtime_error if it cannot be written
  void write_description(std::string const& json) const {
    io::detail::AtomicFile file("basin::run::Folder", path_ / "run.json");
    file.write(json.data(), json.size());
    file.commit();
  }

  /// Writes the checkpoint of a step. Older ones than the last 'keep' go once it is on the disk.
  /// \throws std::runtime_error if it cannot be written; the others then stay
  void save(std::uint64_t step, MemoryArchive const& archive, std::string_view description) const {
    io::write_checkpoint(checkpoint(step), archive, description);
    std::vector<std::uint64_t> const all = steps();
    for (std::size_t i = static_cast<std::size_t>(keep_); i < all.size(); ++i) {
      std::error_code ignored;
      std::filesystem::remove(checkpoint(all[i]), ignored);
    }
  }

  /// The last checkpoint that can be read, with its step; none: there is no checkpoint.
  ///
  /// \param log  gets a sentence for each that is damaged; null: nobody
  /// \throws std::runtime_error if there are some and none can be read
  std::optional<std::pair<std::uint64_t, io::Checkpoint>> newest(std::FILE* log) const {
    std::vector<std::uint64_t> const all = steps();
    for (std::uint64_t const step : all) try {
        return std::pair(step, io::read_checkpoint(checkpoint(step)));
      } catch (std::runtime_error const& error) {
        if (log) std::fprintf(log, "%s; taking the one before it\n", error.what());
      }
    if (!all.empty())
      fail("has " + std::to_string(all.size()) + " checkpoints, of which none can be read");
    return std::nullopt;
  }

 private:
  static constexpr std::string_view prefix = "checkpoint-", suffix = ".h5";
  static constexpr std::size_t digits = 12;

  [[noreturn]] void fail(std::string const& what) const {
    throw std::runtime_error("basin::run::Folder: '" + path_.string() + "' " + what);
  }

  std::filesystem::path path_;
  int keep_;
  int lock_ = -1;
};

}  // namespace basin::run

#endif
