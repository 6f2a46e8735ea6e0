// SPDX-License-Identifier: Apache-2.0
#include <basin/io/checkpoint.hpp>

#include "support/temporary_folder.hpp"
#include "support/writer.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <csignal>
#include <cstdint>
#include <limits>
#include <string>
#include <sys/resource.h>

namespace {

using basin::MemoryArchive;
using basin::io::read_checkpoint;
using basin::io::write_checkpoint;
using basin::test::read_file;
using basin::test::TemporaryFolder;
using basin::test::write_file;
using Catch::Matchers::ContainsSubstring;

// One entry of each type, and extents of 0.
struct Everything {
  Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace> weights{"weights", 3, 5};
  Kokkos::View<double*, Kokkos::HostSpace> sums{"sums", 4}, none{"none", 0};
  Kokkos::View<unsigned char**, Kokkos::LayoutRight, Kokkos::HostSpace> bytes{"bytes", 2, 300};
  Kokkos::View<int*, Kokkos::HostSpace> ages{"ages", 7};
  std::uint64_t step = 0;
  std::int64_t best  = 0;
  bool flag          = false;

  template <basin::Archive A>
  void archive(A& a) {
    a("theta/0.weight", weights);
    a("sums", sums);
    a("none", none);
    a("bytes", bytes);
    a("ages", ages);
    a("step", step);
    a("best", best);
    a("flag", flag);
  }
  void fill() {
    for (std::size_t i = 0; i < weights.size(); ++i) weights.data()[i] = std::sqrt(float(i)) - 1;
    for (std::size_t i = 0; i < sums.size(); ++i) sums(i) = std::ldexp(1.0, -300 * int(i));
    sums(1) = std::numeric_limits<double>::infinity();
    sums(2) = std::numeric_limits<double>::quiet_NaN();
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes.data()[i] = static_cast<unsigned char>(i);
    for (std::size_t i = 0; i < ages.size(); ++i) ages(i) = int(i) - 3;
    step = (std::uint64_t(1) << 63) + 5;
    best = -7;
    flag = true;
  }
};

MemoryArchive everything() {
  Everything object;
  object.fill();
  MemoryArchive archive;
  archive.save("run", object);
  return archive;
}

TEST_CASE("a checkpoint is read back to the bit", "[io][checkpoint]") {
  TemporaryFolder const folder;
  MemoryArchive const written = everything();
  write_checkpoint(folder / "c.h5", written, "{\"steps\": 5, \"of\": \"\xc3\xa9\"}");
  auto const read = read_checkpoint(folder / "c.h5");
  CHECK(read.description == "{\"steps\": 5, \"of\": \"\xc3\xa9\"}");
  REQUIRE(read.archive.entries().size() == written.entries().size());
  for (auto const& [name, entry] : written.entries()) {
    INFO(name);
    auto const found = read.archive.entries().find(name);
    REQUIRE(found != read.archive.entries().end());
    CHECK(found->second.type == entry.type);
    CHECK(found->second.shape == entry.shape);
    CHECK(found->second.bytes == entry.bytes);
  }
  Everything loaded;
  read.archive.load("run", loaded);
  CHECK(loaded.weights(2, 4) == std::sqrt(14.f) - 1);
  CHECK(loaded.flag);
  write_checkpoint(folder / "again.h5", written, read.description);
  CHECK(read_file(folder / "again.h5") == read_file(folder / "c.h5"));
  CHECK(folder.files() == 2);
}

TEST_CASE("a checkpoint that is cut or changed anywhere is refused", "[io][checkpoint]") {
  TemporaryFolder const folder;
  write_checkpoint(folder / "c.h5", everything(), "{}");
  std::string const good = read_file(folder / "c.h5");
  auto const path        = folder / "bad.h5";
  for (std::size_t i = 0; i < good.size(); i += 1 + i % 7) {
    std::string flipped = good;
    flipped[i]          = static_cast<char>(flipped[i] ^ (1 << i % 8));
    write_file(path, flipped);
    CHECK_THROWS_WITH(read_checkpoint(path), ContainsSubstring("bad.h5' is damaged") ||
                                                 ContainsSubstring("no end mark") ||
                                                 ContainsSubstring("before its end mark"));
  }
  for (std::size_t const left :
       {std::size_t(0), std::size_t(7), std::size_t(24), good.size() / 2, good.size() - 1}) {
    write_file(path, good.substr(0, left));
    CHECK_THROWS_WITH(read_checkpoint(path),
                      "basin::io::read_checkpoint: '" + path + "' has " + std::to_string(left) +
                          " bytes and no end mark: it was cut, or is no checkpoint of basin");
  }
  CHECK_THROWS_WITH(read_checkpoint(folder / "none.h5"),
                    ContainsSubstring("cannot be read: No such file or directory"));
}

// Bytes with an end mark that fits them.
std::string sealed(std::string bytes) {
  std::uint64_t const numbers[] = {
      bytes.size(), basin::io::detail::crc32_of(
                        reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size())};
  return bytes + "basinend" + std::string(reinterpret_cast<char const*>(numbers), 16);
}

TEST_CASE("a file with the right checksum and another content is refused", "[io][checkpoint]") {
  TemporaryFolder const folder;
  auto const path    = folder / "bad.h5";
  auto const refused = [&](std::string const& what) {
    CHECK_THROWS_WITH(read_checkpoint(path), "basin::io::read_checkpoint: '" + path + "' " + what);
  };
  write_file(path, sealed("not HDF5"));
  refused("is no HDF5 file");

  // A file of HDF5 with other things than a checkpoint has.
  auto const made = [&](auto&& change) {
    std::string const plain = folder / "plain.h5";
    {
      using basin::io::detail::Hdf5;
      Hdf5 const file(H5Fcreate(plain.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
      change(static_cast<hid_t>(file));
    }
    write_file(path, sealed(read_file(plain)));
  };
  auto const format = [](hid_t file, std::uint64_t number) {
    using basin::io::detail::Hdf5;
    Hdf5 const space(H5Screate(H5S_SCALAR), H5Sclose);
    Hdf5 const a(H5Acreate2(file, "format", H5T_STD_U64LE, space, H5P_DEFAULT, H5P_DEFAULT),
                 H5Aclose);
    H5Awrite(a, H5T_NATIVE_UINT64, &number);
  };
  auto const dataset = [&](hid_t type, hsize_t extent, bool chunked) {
    return [=](hid_t file) {
      using basin::io::detail::Hdf5;
      format(file, 1);
      Hdf5 const space(H5Screate_simple(1, &extent, nullptr), H5Sclose);
      Hdf5 const layout(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
      hsize_t const chunk = 4;
      if (chunked) H5Pset_chunk(layout, 1, &chunk);
      H5Dclose(H5Dcreate2(file, "x", type, space, H5P_DEFAULT, layout, H5P_DEFAULT));
    };
  };
  made([](hid_t) {});
  refused("has no attribute 'format'");
  made([&](hid_t file) { format(file, 2); });
  refused("has format 2, this version of basin reads format 1");
  made(dataset(H5T_IEEE_F32BE, 4, false));
  refused("is no checkpoint of basin: 'x' has numbers of a type that no checkpoint has");
  made(dataset(H5T_IEEE_F32LE, 4, true));
  refused("is no checkpoint of basin: 'x' is not stored in one piece of the file");
  made(dataset(H5T_IEEE_F32LE, hsize_t(1) << 40, false));
  refused("is no checkpoint of basin: 'x' is larger than the file");
  made([&](hid_t file) {
    format(file, 1);
    H5Lcreate_soft("/y", file, "x", H5P_DEFAULT, H5P_DEFAULT);  // y: nothing
  });
  refused("is no checkpoint of basin: 'x' is a link");
}

TEST_CASE("where the disk is full the old checkpoint stays", "[io][checkpoint]") {
  TemporaryFolder const folder;
  write_checkpoint(folder / "c.h5", everything(), "{}");
  std::string const good = read_file(folder / "c.h5");
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  rlimit const less{1000, old.rlim_max};  // bytes of a file: as on a disk that is full
  auto const handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &less);
  CHECK_THROWS_WITH(
      write_checkpoint(folder / "c.h5", everything(), "{}"),
      "basin::io::write_checkpoint: '" + (folder / "c.h5") + "' cannot be written: File too large");
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  CHECK(read_file(folder / "c.h5") == good);
  CHECK(folder.files() == 1);
}

}  // namespace
