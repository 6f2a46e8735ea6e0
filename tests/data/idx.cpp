// SPDX-License-Identifier: Apache-2.0
#include <basin/data/idx.hpp>
#include <basin/data/idx_rows.hpp>

#include "support/gz.hpp"
#include "support/temporary_folder.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using basin::test::read_file;
using basin::test::TemporaryFolder;
using basin::test::write_file;
using basin::test::write_gz;
using Catch::Matchers::WithinAbs;

// An idx file of unsigned bytes whose values count up from 0 modulo 251.
std::string idx_file(std::vector<unsigned> const& sizes) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(sizes.size())};
  unsigned count = 1;
  for (unsigned const size : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift & 255);
    count *= size;
  }
  for (unsigned i = 0; i < count; ++i) bytes += static_cast<char>(i % 251);
  return bytes;
}

TEST_CASE("images come as bytes scaled to the range, plain and gzip alike", "[data][idx]") {
  TemporaryFolder const folder;
  write_file(folder / "plain", idx_file({7, 5, 11}));
  write_gz(folder / "packed.gz", idx_file({7, 5, 11}));
  REQUIRE(read_file(folder / "packed.gz")[0] == '\x1f');

  for (char const* const name : {"plain", "packed.gz"}) {
    basin::data::Images const images = basin::data::read_idx_images(folder / name);
    CHECK(images.height == 5);
    CHECK(images.width == 11);
    CHECK(images.channels == 1);
    REQUIRE(images.samples.extent(0) == 7);
    REQUIRE(images.samples.extent(1) == 55);
    for (int i = 0; i < 7; ++i)
      for (int j = 0; j < 55; ++j)
        REQUIRE(images.samples(i, j) == static_cast<float>(-1 + 2.0 * ((55 * i + j) % 251) / 255));
  }

  auto const bytes = basin::data::read_idx_images(folder / "plain", {.lower = 0, .upper = 255});
  CHECK(bytes.samples(4, 3) == 223);
}

TEST_CASE("images of rank 4 keep their channels last", "[data][idx]") {
  TemporaryFolder const folder;
  write_file(folder / "rgb", idx_file({2, 4, 5, 3}));
  auto const images = basin::data::read_idx_images(folder / "rgb", {.lower = 0, .upper = 255});
  CHECK(images.channels == 3);
  REQUIRE(images.samples.extent(1) == 60);
  CHECK(images.samples(1, (3 * 5 + 2) * 3 + 1) == 60 + (3 * 5 + 2) * 3 + 1);
}

TEST_CASE("labels come as they are", "[data][idx]") {
  TemporaryFolder const folder;
  write_file(folder / "labels", idx_file({260}));
  basin::data::Labels const labels = basin::data::read_idx_labels(folder / "labels");
  REQUIRE(labels.extent(0) == 260);
  for (int i = 0; i < 260; ++i) REQUIRE(labels(i) == i % 251);
}

TEST_CASE("a file cut anywhere is refused", "[data][idx]") {
  TemporaryFolder const folder;
  std::string const plain = idx_file({3, 4, 5});
  write_gz(folder / "whole.gz", plain);
  for (std::string const& whole : {plain, read_file(folder / "whole.gz")})
    for (std::size_t length = 0; length < whole.size(); ++length) {
      CAPTURE(length, whole.size());
      write_file(folder / "cut", whole.substr(0, length));
      CHECK_THROWS_AS(basin::data::read_idx_images(folder / "cut"), std::runtime_error);
    }
}

TEST_CASE("a damaged gzip file is refused or harmless", "[data][idx]") {
  TemporaryFolder const folder;
  write_gz(folder / "whole.gz", idx_file({3, 4, 5}));
  auto const images       = basin::data::read_idx_images(folder / "whole.gz");
  std::string const whole = read_file(folder / "whole.gz");
  int refused             = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    std::string damaged = whole;
    damaged[at]         = static_cast<char>(damaged[at] ^ 0x41);
    write_file(folder / "damaged.gz", damaged);
    try {
      auto const read = basin::data::read_idx_images(folder / "damaged.gz");
      // Time stamp and system in gzip's header are not part of the data.
      for (int j = 0; j < 20; ++j) REQUIRE(read.samples(2, j) == images.samples(2, j));
    } catch (std::runtime_error const&) {
      ++refused;
    }
  }
  CHECK(refused >= static_cast<int>(whole.size()) - 6);  // 4 bytes of time, 1 of flags, 1 of system
}

TEST_CASE("idx refusals say the file and the numbers", "[data][idx]") {
  TemporaryFolder const folder;
  std::string const x = folder / "x";
  auto const images   = [&](std::string const& bytes) {
    write_file(x, bytes);
    basin::data::read_idx_images(x);
  };
  std::string const start = "basin::data::read_idx_images: '" + x + "' ";
  std::string const good  = idx_file({2, 3, 4});

  CHECK_THROWS_WITH(basin::data::read_idx_images(folder / "none"),
                    "basin::data::read_idx_images: '" + (folder / "none") +
                        "' cannot be opened: No such file or directory");
  CHECK_THROWS_WITH(basin::data::read_idx_images(folder.path()),
                    "basin::data::read_idx_images: '" + folder.path().string() +
                        "' cannot be read: Is a directory");
  CHECK_THROWS_WITH(images("\x01"), start + "is no idx file: it ends after 1 bytes");
  CHECK_THROWS_WITH(images("\x89PNG\r\n"),
                    start + "is no idx file: it starts with bytes 137 80, not 0 0");
  CHECK_THROWS_WITH(images(std::string("\0\0\x0d\x03", 4) + good.substr(4)),
                    start + "has idx type code 13, not 8 (unsigned byte)");
  CHECK_THROWS_WITH(images(idx_file({24})),
                    start +
                        "has rank 1, images have 3 (images, height, width) or 4 (images, "
                        "height, width, channels)");
  CHECK_THROWS_WITH(images(good.substr(0, 9)),
                    start + "ends after 9 bytes, an idx header of rank 3 has 16");
  CHECK_THROWS_WITH(images(idx_file({2, 0, 4})),
                    start + "has header (2, 0, 4), every size must be > 0");
  CHECK_THROWS_WITH(
      images(std::string("\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16)),
      start +
          "has header (4294967295, 4294967295, 4294967295), more than this machine can address");
  // Refused by what comes, without taking the promised 2^60 bytes.
  CHECK_THROWS_WITH(images(std::string("\0\0\x08\x03\0\x10\0\0\0\x10\0\0\0\x10\0\0", 16) + "abc"),
                    start +
                        "ends after 3 bytes of data, its header (1048576, 1048576, 1048576) "
                        "promises 1152921504606846976");
  CHECK_THROWS_WITH(images(good.substr(0, 30)),
                    start + "ends after 14 bytes of data, its header (2, 3, 4) promises 24");
  CHECK_THROWS_WITH(
      images(good + "z"),
      start + "goes on after the 24 bytes of data that its header (2, 3, 4) promises");

  write_gz(folder / "packed.gz", good);
  write_file(x, read_file(folder / "packed.gz").substr(0, 5));  // inside the gzip header
  CHECK_THROWS_WITH(basin::data::read_idx_images(x),
                    start + "is cut: its gzip stream breaks off after 0 bytes");

  write_file(x, good);
  CHECK_THROWS_WITH(basin::data::read_idx_labels(x),
                    "basin::data::read_idx_labels: '" + x + "' has rank 3, labels have 1 (labels)");
  CHECK_THROWS_WITH(
      basin::data::read_idx_images(x, {.lower = 1, .upper = 1}),
      "basin::data::read_idx_images: IdxOptions::lower must be < upper, got 1.000000 and 1.000000");
}

TEST_CASE("images of a plain file are read in parts", "[data][idx]") {
  TemporaryFolder const folder;
  write_file(folder / "rgb", idx_file({6, 4, 5, 3}));
  auto const all = basin::data::read_idx_images(folder / "rgb").samples;
  basin::data::IdxRows const rows(folder / "rgb");
  REQUIRE(rows.rows() == 6);
  REQUIRE(rows.dimension() == 60);
  std::vector<float> some(120);
  rows.read(3, 2, some.data());
  for (int i = 0; i < 120; ++i) CHECK(some[static_cast<std::size_t>(i)] == all(3 + i / 60, i % 60));

  std::string const start = "basin::data::IdxRows: '" + folder / "x" + "' ";
  auto const good         = idx_file({3, 4, 5});
  write_file(folder / "x", good + "12");
  CHECK_THROWS_WITH(basin::data::IdxRows(folder / "x"),
                    start + "has 62 bytes of data, its header (3, 4, 5) promises 60");
  write_gz(folder / "x", good);
  CHECK_THROWS_WITH(basin::data::IdxRows(folder / "x"),
                    start + "is compressed; unpack it with gunzip");
  write_file(folder / "x", idx_file({3}));
  CHECK_THROWS_WITH(basin::data::IdxRows(folder / "x"),
                    start +
                        "has rank 1, images have 3 (images, height, width) or 4 (images, "
                        "height, width, channels)");
  write_file(folder / "x", "");
  CHECK_THROWS_WITH(basin::data::IdxRows(folder / "x"),
                    start + "is no idx file: it ends after 0 bytes");
}

TEST_CASE("images and labels of other numbers are refused", "[data][idx]") {
  TemporaryFolder const folder;
  write_file(folder / "images", idx_file({4, 2, 2}));
  write_file(folder / "labels", idx_file({5}));
  auto const images = basin::data::read_idx_images(folder / "images");
  auto const labels = basin::data::read_idx_labels(folder / "labels");
  CHECK_THROWS_WITH(basin::data::check_same_count(images.samples, labels),
                    "basin::data::check_same_count: 4 samples, 5 labels");
  CHECK_NOTHROW(basin::data::check_same_count(images.samples, basin::data::make_labels(4)));
}

TEST_CASE("an idx file is found by its short name", "[data][idx]") {
  TemporaryFolder const folder;
  CHECK_THROWS_WITH(basin::data::find_idx(folder.path(), "train-images"),
                    "basin::data::find_idx: '" + folder.path().string() +
                        "' holds no 'train-images-idxN-ubyte' with N = 1, 3 or 4, plain or .gz");
  write_file(folder / "train-images-idx3-ubyte.gz", "");
  write_file(folder / "train-labels-idx1-ubyte", "");
  CHECK(basin::data::find_idx(folder.path(), "train-images") ==
        folder / "train-images-idx3-ubyte.gz");
  CHECK(basin::data::find_idx(folder.path(), "train-labels") == folder / "train-labels-idx1-ubyte");
  write_file(folder / "train-images-idx3-ubyte", "");
  CHECK(basin::data::find_idx(folder.path(), "train-images") == folder / "train-images-idx3-ubyte");
}

TEST_CASE("MNIST has its published mean and deviation", "[data][idx]") {
  char const* const shared = std::getenv("BASIN_SHARED_DATA");
  if (shared == nullptr) SKIP("BASIN_SHARED_DATA is not set");
  std::filesystem::path const folder = std::filesystem::path(shared) / "mnist";
  auto const images = basin::data::read_idx_images(basin::data::find_idx(folder, "train-images"),
                                                   {.lower = 0, .upper = 1});
  auto const labels = basin::data::read_idx_labels(basin::data::find_idx(folder, "train-labels"));
  basin::data::check_same_count(images.samples, labels);
  REQUIRE(images.samples.extent(0) == 60000);
  CHECK(images.height == 28);
  CHECK(images.width == 28);
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < images.samples.size(); ++i) {
    double const x = images.samples.data()[i];
    sum += x;
    squares += x * x;
  }
  double const n = static_cast<double>(images.samples.size());
  CHECK_THAT(sum / n, WithinAbs(0.1307, 5e-5));
  CHECK_THAT(std::sqrt(squares / n - sum / n * sum / n), WithinAbs(0.3081, 5e-5));
  CHECK(labels(0) == 5);
}

}  // namespace
