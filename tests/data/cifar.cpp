// SPDX-License-Identifier: Apache-2.0
#include <basin/data/cifar.hpp>

#include "support/gz.hpp"
#include "support/temporary_folder.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using basin::data::read_cifar10;
using basin::data::read_cifar100;
using basin::test::TemporaryFolder;
using basin::test::write_file;
using basin::test::write_gz;

// The byte of row i, column j and channel c of image n.
int byte_of(int n, int i, int j, int c) { return (7 * n + 32 * i + j + 85 * c) % 251; }

// Records of images first ... last - 1, each behind these labels.
std::string records(int first, int last, std::vector<int> const& labels) {
  std::string bytes;
  for (int n = first; n < last; ++n) {
    for (int const label : labels) bytes += static_cast<char>(label + n);
    for (int c = 0; c < 3; ++c)
      for (int i = 0; i < 32; ++i)
        for (int j = 0; j < 32; ++j) bytes += static_cast<char>(byte_of(n, i, j, c));
  }
  return bytes;
}

TEST_CASE("planes become channels of each pixel, files follow each other", "[data][cifar]") {
  TemporaryFolder const folder;
  write_file(folder / "a", records(0, 3, {2}));
  write_gz(folder / "b.gz", records(3, 5, {2}));
  write_file(folder / "c", records(0, 5, {10, 90}));
  auto const ten     = read_cifar10({folder / "a", folder / "b.gz"}, {.lower = 0, .upper = 255});
  auto const hundred = read_cifar100({folder / "c"});
  for (auto const* images : {&ten.images, &hundred.images}) {
    CHECK(images->height == 32);
    CHECK(images->width == 32);
    CHECK(images->channels == 3);
    REQUIRE(images->samples.extent(0) == 5);
    REQUIRE(images->samples.extent(1) == 3072);
  }
  for (int n = 0; n < 5; ++n) {
    CHECK(ten.labels(n) == n + 2);
    CHECK(hundred.superclasses(n) == n + 10);
    CHECK(hundred.labels(n) == n + 90);
    for (int i = 0; i < 32; ++i)
      for (int j = 0; j < 32; ++j)
        for (int c = 0; c < 3; ++c) {
          int const byte = byte_of(n, i, j, c), at = (32 * i + j) * 3 + c;
          REQUIRE(ten.images.samples(n, at) == static_cast<float>(byte));
          REQUIRE(hundred.images.samples(n, at) == static_cast<float>(-1 + 2.0 * byte / 255));
        }
  }
}

TEST_CASE("CIFAR refusals say the file and both values", "[data][cifar]") {
  TemporaryFolder const folder;
  std::string const x = folder / "x", ten = records(0, 2, {0}), hundred = records(0, 2, {0, 0});
  auto const read = [&](std::string const& bytes) {
    write_file(x, bytes);
    read_cifar10({x});
  };
  std::string const start = "basin::data::read_cifar10: '" + x + "' ";
  CHECK_THROWS_WITH(read_cifar10({folder / "none"}), "basin::data::read_cifar10: '" +
                                                         (folder / "none") +
                                                         "' cannot be opened: No such file or "
                                                         "directory");
  CHECK_THROWS_WITH(read(""), start +
                                  "has 0 bytes, CIFAR-10 has records of 3073; it was cut, or is "
                                  "another format");
  for (std::size_t const length : {1, 3072, 6145})
    CHECK_THROWS_WITH(read(ten.substr(0, length)),
                      start + "has " + std::to_string(length) +
                          " bytes, CIFAR-10 has records of 3073; it was cut, or is another format");
  CHECK_THROWS_WITH(
      read(hundred),
      start + "has 6148 bytes, CIFAR-10 has records of 3073; read it with read_cifar100");
  write_file(x, ten);
  CHECK_THROWS_WITH(
      read_cifar100({x}),
      "basin::data::read_cifar100: '" + x +
          "' has 6146 bytes, CIFAR-100 has records of 3074; read it with read_cifar10");
  CHECK_THROWS_WITH(read(records(0, 2, {9})),
                    start + "record 1 has the label 10, CIFAR-10 has 0 to 9");
  write_file(x, records(0, 1, {20, 0}));
  CHECK_THROWS_WITH(read_cifar100({x}),
                    "basin::data::read_cifar100: '" + x +
                        "' record 0 has the superclass 20, CIFAR-100 has 0 to 19");
  CHECK_THROWS_WITH(read_cifar10({}),
                    "basin::data::read_cifar10: paths has 0 files, must have >= 1");
  write_file(x, ten);
  CHECK_THROWS_WITH(
      read_cifar10({x}, {.lower = 1, .upper = 1}),
      "basin::data::read_cifar10: CifarOptions::lower must be < upper, got 1.000000 and 1.000000");
}

// The subset's README: counts of classes, and means of the channels of all its images.
TEST_CASE("images of CIFAR-10 are read", "[data][cifar]") {
  char const* const shared = std::getenv("BASIN_SHARED_DATA");
  if (shared == nullptr) SKIP("BASIN_SHARED_DATA is not set");
  auto const folder = std::filesystem::path(shared) / "cifar10-subset";
  auto const train =
      read_cifar10({folder / "data_batch_1_first4000.bin.gz"}, {.lower = 0, .upper = 255});
  REQUIRE(train.labels.extent(0) == 4000);
  CHECK(train.labels(0) == 6);
  std::vector<int> counts(10, 0);
  double mean[3] = {};
  for (int n = 0; n < 4000; ++n) {
    ++counts[train.labels(n)];
    for (int p = 0; p < 1024; ++p)
      for (int c = 0; c < 3; ++c)
        mean[c] += train.images.samples(n, 3 * p + c) / 255.0 / 1024 / 4000;
  }
  CHECK(counts == std::vector<int>{396, 366, 420, 384, 422, 393, 414, 385, 407, 413});
  double const published[] = {0.491, 0.481, 0.445};
  for (int c = 0; c < 3; ++c) CHECK(std::abs(mean[c] - published[c]) < 1e-3);
  int const red[] = {59, 43, 50, 68, 98, 119, 139, 145};
  for (int j = 0; j < 8; ++j) CHECK(train.images.samples(0, 3 * j) == static_cast<float>(red[j]));
}

}  // namespace
