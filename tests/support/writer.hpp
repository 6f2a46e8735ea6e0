// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_WRITER_HPP
#define BASIN_TESTS_SUPPORT_WRITER_HPP

#include "support/temporary_folder.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace basin::test {

/// What every writer does with the path it is given, as any program does that writes to one.
///
/// \param caller  public function that is named in messages
/// \param write   writes the same bytes at each call
inline void check_writer(std::string const& caller,
                         std::function<void(std::string const&)> const& write) {
  namespace fs = std::filesystem;
  using Catch::Matchers::ContainsSubstring;
  TemporaryFolder const folder;
  std::string const plain = folder / "plain";
  write(plain);
  std::string const bytes = read_file(plain);
  REQUIRE(!bytes.empty());
  mode_t const mask = ::umask(0);
  ::umask(mask);
  CHECK(fs::status(plain).permissions() == fs::perms(0666 & ~mask));

  // Links are followed, in steps and relative to their folder, also to a file that is not there.
  fs::create_directory(folder / "else");
  write_file(folder / "else/target", "old");
  fs::create_symlink("else/target", folder / "first");
  fs::create_symlink("first", folder / "link");
  write(folder / "link");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(fs::is_symlink(folder / "first"));
  CHECK(read_file(folder / "else/target") == bytes);
  fs::create_symlink("else/new", folder / "dangling");
  write(folder / "dangling");
  CHECK(fs::is_symlink(folder / "dangling"));
  CHECK(read_file(folder / "else/new") == bytes);
  fs::create_symlink("loop", folder / "loop");
  CHECK_THROWS_WITH(write(folder / "loop"), caller + ": '" + (folder / "loop") +
                                                "' cannot be written: Too many levels of symbolic "
                                                "links");

  write_file(folder / "secret", "old");
  fs::permissions(folder / "secret", fs::perms(0600));
  write(folder / "secret");
  CHECK(fs::status(folder / "secret").permissions() == fs::perms(0600));
  CHECK(read_file(folder / "secret") == bytes);

  std::string const longest(250, 'x');
  write(folder / longest);
  CHECK(read_file(folder / longest) == bytes);

  if (::geteuid() != 0) {  // root may write all
    fs::permissions(folder / "secret", fs::perms(0400));
    CHECK_THROWS_WITH(write(folder / "secret"), ContainsSubstring("Permission denied"));
    CHECK(read_file(folder / "secret") == bytes);
  }

  // What is no regular file is written as it is: a pipe, a device. The device is behind a link, so
  // that a writer that replaces files by name would spare it.
  std::string const pipe = folder / "pipe", device = folder / "full";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::string received;
  std::thread reader([&] { received = read_file(pipe); });
  write(pipe);
  reader.join();
  CHECK(received == bytes);
  CHECK(fs::is_fifo(pipe));
  if (fs::is_character_file("/dev/full")) {
    fs::create_symlink("/dev/full", device);
    CHECK_THROWS_WITH(write(device),
                      ContainsSubstring(caller + ": '" + device + "' cannot be written") &&
                          ContainsSubstring("No space left on device"));
    CHECK(fs::is_character_file(device));
  }
  CHECK_THROWS_WITH(write(folder / "else"),
                    caller + ": '" + (folder / "else") + "' cannot be written: Is a directory");
  // Nothing is left beside what was written.
  for (auto const& entry : fs::recursive_directory_iterator(folder.path()))
    CHECK(entry.path().filename().string()[0] != '.');
}

}  // namespace basin::test

#endif
