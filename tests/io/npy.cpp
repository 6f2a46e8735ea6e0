// SPDX-License-Identifier: Apache-2.0
#include <basin/io/npy.hpp>
#include <basin/io/npy_rows.hpp>

#include "support/temporary_folder.hpp"
#include "support/writer.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <sys/resource.h>

namespace {

using basin::io::read_npy;
using basin::io::write_npy;
using basin::test::read_file;
using basin::test::TemporaryFolder;
using basin::test::write_file;

// A NumPy file of version 1.0 with this header, padded as NumPy pads.
std::string npy_file(std::string header, std::string const& data) {
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size() % 256) +
         static_cast<char>(header.size() / 256) + header + data;
}

TEMPLATE_TEST_CASE("an array is read back to the same bits", "[io][npy]", float, double) {
  TemporaryFolder const folder;
  Kokkos::View<TestType**, Kokkos::LayoutRight, Kokkos::HostSpace> const c("c", 3, 5);
  Kokkos::View<TestType**, Kokkos::LayoutLeft, Kokkos::HostSpace> const fortran("fortran", 3, 5);
  Kokkos::View<TestType*, Kokkos::HostSpace> const line("line", 7);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 5; ++j) c(i, j) = fortran(i, j) = std::sqrt(TestType(5 * i + j)) - 1;
  for (int i = 0; i < 7; ++i) line(i) = std::ldexp(TestType(1), -30 * i);
  line(3) = std::numeric_limits<TestType>::infinity();
  line(4) = std::numeric_limits<TestType>::quiet_NaN();

  write_npy(folder / "c", c);
  write_npy(folder / "fortran", fortran);
  write_npy(folder / "line", line);
  CHECK(read_file(folder / "c") == read_file(folder / "fortran"));
  CHECK(folder.files() == 3);

  auto const c_read = read_npy<TestType, 2>(folder / "c");
  REQUIRE(c_read.extent(0) == 3);
  REQUIRE(c_read.extent(1) == 5);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 5; ++j) CHECK(c_read(i, j) == c(i, j));
  auto const line_read = read_npy<TestType, 1>(folder / "line");
  REQUIRE(line_read.extent(0) == 7);
  for (int i = 0; i < 7; ++i)
    CHECK((line_read(i) == line(i) || (std::isnan(line_read(i)) && std::isnan(line(i)))));
}

TEST_CASE("a file has the bytes that NumPy writes", "[io][npy]") {
  TemporaryFolder const folder;
  Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace> const x("x", 1, 2);
  x(0, 0) = 1;
  x(0, 1) = -2;
  write_npy(folder / "x", x);
  CHECK(read_file(folder / "x") ==
        npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }",
                 std::string("\0\0\x80\x3f\0\0\0\xc0", 8)));

  Kokkos::View<double*, Kokkos::HostSpace> const y("y", 1);
  y(0) = 1;
  write_npy(folder / "y", y);
  CHECK(read_file(folder / "y") ==
        npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }",
                 std::string("\0\0\0\0\0\0\xf0\x3f", 8)));
  CHECK(read_file(folder / "y").size() == 128 + 8);
}

TEST_CASE("an array without numbers is read back", "[io][npy]") {
  TemporaryFolder const folder;
  write_npy(folder / "x", Kokkos::View<float**, Kokkos::HostSpace>("x", 0, 3));
  auto const x = read_npy<float, 2>(folder / "x");
  CHECK(x.extent(0) == 0);
  CHECK(x.extent(1) == 3);
}

TEST_CASE("a NumPy file cut anywhere is refused", "[io][npy]") {
  TemporaryFolder const folder;
  Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> const x("x", 2, 3);
  write_npy(folder / "x", x);
  std::string const whole = read_file(folder / "x");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    write_file(folder / "cut", whole.substr(0, length));
    CHECK_THROWS_AS((read_npy<double, 2>(folder / "cut")), std::runtime_error);
  }
}

TEST_CASE("npy refusals say the file and both values", "[io][npy]") {
  TemporaryFolder const folder;
  std::string const x = folder / "x";
  auto const read     = [&](std::string const& bytes) {
    write_file(x, bytes);
    read_npy<float, 2>(x);
  };
  std::string const start = "basin::io::read_npy: '" + x + "' ";
  std::string const data(24, '\0');
  auto const with_shape = [&](std::string const& shape) {
    return npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }", data);
  };
  REQUIRE_NOTHROW(read(with_shape("(2, 3)")));
  REQUIRE_NOTHROW(read(with_shape("(2L, 3L)")));  // as Python 2 wrote it

  CHECK_THROWS_WITH((read_npy<float, 2>(folder / "none")),
                    "basin::io::read_npy: '" + (folder / "none") + "' is no file");
  CHECK_THROWS_WITH(read("NUMPY file"),
                    start + "is no NumPy file: it does not start with the bytes \\x93NUMPY");
  std::string newer = with_shape("(2, 3)");
  newer[6]          = 2;
  CHECK_THROWS_WITH(read(newer), start + "has format version 2.0, not 1.0");
  CHECK_THROWS_WITH(read(with_shape("(2, 3)").substr(0, 50)),
                    start + "ends after 50 bytes, its header ends at 128");
  CHECK_THROWS_WITH(read(npy_file("{'descr': '<f4'}", data)),
                    start + "has no header with 'descr', 'fortran_order' and 'shape'");
  CHECK_THROWS_WITH(read(with_shape("(2, x)")),
                    start + "has no header with 'descr', 'fortran_order' and 'shape'");
  CHECK_THROWS_WITH(
      read(npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3), }", data)),
      start + "has type '<f8', not '<f4'; read it as double");
  CHECK_THROWS_WITH(
      read(npy_file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }", data)),
      start + "has type [('a', not '<f4'");
  CHECK_THROWS_WITH(
      read(npy_file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", data)),
      start + "has 'fortran_order' True, not False");
  CHECK_THROWS_WITH(read(with_shape("(6,)")), start + "has shape (6,) of rank 1, not 2");
  CHECK_THROWS_WITH(read(with_shape("(2, 4)")),
                    start + "has 24 bytes of data, its shape (2, 4) promises 32");
  CHECK_THROWS_WITH(read(with_shape("(2, 3)") + "z"),
                    start + "has 25 bytes of data, its shape (2, 3) promises 24");
  CHECK_THROWS_WITH(
      read(with_shape("(4294967296, 4294967296)")),
      start + "has shape (4294967296, 4294967296), more than this machine can address");
  CHECK_THROWS_WITH(
      read(with_shape("(99999999999999999999, 3)")),
      start + "has shape (18446744073709551615, 3), more than this machine can address");
}

TEST_CASE("rows of a NumPy file are read in parts", "[io][npy]") {
  TemporaryFolder const folder;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::string bytes;
  for (int i = 0; i < 30; ++i) {
    floats.push_back(std::sqrt(float(i)));
    doubles.push_back(std::sqrt(double(i)));
    bytes += static_cast<char>(8 * i);
  }
  auto const text = [](auto const& values) {
    return std::string(reinterpret_cast<char const*>(values.data()),
                       values.size() * sizeof(values[0]));
  };
  auto const write = [&](char const* name, std::string const& type, std::string const& shape,
                         std::string const& data) {
    write_file(folder / name,
               npy_file("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + "}",
                        data));
  };
  write("floats", "<f4", "(10, 3)", text(floats));
  write("doubles", "<f8", "(10, 3)", text(doubles));
  write("bytes", "|u1", "(5, 2, 3)", bytes);

  float some[12];  // (rows, dimension)
  for (char const* const name : {"floats", "doubles"}) {
    basin::io::NpyRows const rows(folder / name);
    CHECK(rows.rows() == 10);
    CHECK(rows.dimension() == 3);
    rows.read(6, 4, some);
    for (int i = 0; i < 12; ++i) CHECK(some[i] == static_cast<float>(std::sqrt(double(18 + i))));
  }
  basin::io::NpyRows const images(folder / "bytes", {.lower = 0, .upper = 255});
  CHECK(images.rows() == 5);
  CHECK(images.dimension() == 6);
  images.read(3, 2, some);
  for (int i = 0; i < 12; ++i) CHECK(some[i] == float(8 * (18 + i)));
  basin::io::NpyRows(folder / "bytes").read(4, 1, some);
  CHECK(some[0] == static_cast<float>(-1 + 2.0 * 8 * 24 / 255));

  basin::io::NpyRows const floats_again(folder / "floats");
  std::filesystem::resize_file(folder / "floats", 128 + 50);
  CHECK_THROWS_WITH(floats_again.read(4, 1, some),
                    "basin::io::NpyRows: '" + folder / "floats" +
                        "' ends after 178 bytes, it had 248 when it was opened");
  auto const refused = [&](char const* type, char const* shape, std::string const& what) {
    write("x", type, shape, bytes);
    CHECK_THROWS_WITH(basin::io::NpyRows(folder / "x"),
                      "basin::io::NpyRows: '" + folder / "x" + "' " + what);
  };
  refused("<i2", "(5, 3)", "has type '<i2', not '<f4', '<f8' or '|u1'");
  refused("|u1", "(30,)", "has shape (30,), not (rows, dimension)");
  refused("|u1", "(6, 6)", "has 30 bytes of data, its shape (6, 6) promises 36");
  write_file(folder / "x", "text");
  CHECK_THROWS_WITH(basin::io::NpyRows(folder / "x"),
                    "basin::io::NpyRows: '" + folder / "x" +
                        "' is no NumPy file: it does not start with the bytes \\x93NUMPY");
  CHECK_THROWS_WITH(basin::io::NpyRows(folder / "none"),
                    "basin::io::NpyRows: '" + folder / "none" + "' is no file");
  CHECK_THROWS_WITH(basin::io::NpyRows(folder / "bytes", {.lower = 1, .upper = 1}),
                    "basin::io::NpyRows: lower must be < upper, got 1 and 1");
}

TEST_CASE("a file that cannot be written leaves nothing and the old one whole", "[io][npy]") {
  TemporaryFolder const folder;
  Kokkos::View<float*, Kokkos::HostSpace> const x("x", 3);
  std::string const nowhere = folder / "no_folder/x.npy";
  CHECK_THROWS_WITH(write_npy(nowhere, x), "basin::io::write_npy: '" + nowhere +
                                               "' cannot be written: No such file or directory");

  std::filesystem::create_directory(folder / "taken");
  CHECK_THROWS_WITH(write_npy(folder / "taken", x), "basin::io::write_npy: '" + (folder / "taken") +
                                                        "' cannot be written: Is a directory");
  CHECK(folder.files() == 1);

  write_file(folder / "old", "old");
  try {
    basin::io::detail::AtomicFile file("test", folder / "old");
    file.write("new", 3);
    throw std::runtime_error("killed before the end");
  } catch (std::runtime_error const&) {
  }
  CHECK(read_file(folder / "old") == "old");
  CHECK(folder.files() == 2);

  // A disk that is full: no file may grow beyond 16 bytes.
  rlimit unlimited{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
  auto const before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit const full{16, unlimited.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &full) == 0);
  std::string said;
  try {
    write_npy(folder / "old", x);
  } catch (std::runtime_error const& error) {
    said = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &unlimited);
  std::signal(SIGXFSZ, before);
  CHECK(said ==
        "basin::io::write_npy: '" + (folder / "old") + "' cannot be written: File too large");
  CHECK(read_file(folder / "old") == "old");
  CHECK(folder.files() == 2);
}

TEST_CASE("write_npy writes where any program would", "[io][npy]") {
  Kokkos::View<float*, Kokkos::HostSpace> const x("x", 3);
  basin::test::check_writer("basin::io::write_npy",
                            [&](std::string const& path) { write_npy(path, x); });
}

TEST_CASE("the DW4 samples are read", "[io][npy]") {
  char const* const shared = std::getenv("BASIN_SHARED_DATA");
  if (shared == nullptr) SKIP("BASIN_SHARED_DATA is not set");
  auto const x = read_npy<float, 2>(std::filesystem::path(shared) / "dw4" / "val_split_DW4.npy");
  REQUIRE(x.extent(0) == 10000);
  REQUIRE(x.extent(1) == 8);
  // Mean energy -22.469 as the set's README says, to its last digit.
  double sum = 0;
  for (int s = 0; s < 10000; ++s)
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < i; ++j) {
        double const d = std::hypot(x(s, 2 * i) - x(s, 2 * j), x(s, 2 * i + 1) - x(s, 2 * j + 1));
        double const u = (d - 4) * (d - 4);
        sum += 0.9 * u * u - 4 * u;
      }
  CHECK(std::abs(sum / 10000 + 22.469) < 6e-4);
}

}  // namespace
