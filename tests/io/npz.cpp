// SPDX-License-Identifier: Apache-2.0
#include <basin/io/npz.hpp>

#include "support/temporary_folder.hpp"
#include "support/writer.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

using basin::io::read_npz;
using basin::test::read_file;
using basin::test::TemporaryFolder;
using basin::test::write_file;

template <class Number>
std::string bytes_of(std::vector<Number> const& numbers) {
  return {reinterpret_cast<char const*>(numbers.data()), numbers.size() * sizeof(Number)};
}

std::string npy_file(std::string const& type, std::string const& order, std::string const& shape,
                     std::string const& data) {
  std::string header =
      "{'descr': " + type + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size() % 256) +
         static_cast<char>(header.size() / 256) + header + data;
}

void write_zip(std::string const& path, std::map<std::string, std::string> const& members,
               zip_int32_t method = ZIP_CM_DEFLATE) {
  zip_t* const archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  REQUIRE(archive != nullptr);
  for (auto const& [name, bytes] : members) {
    zip_source_t* const source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    zip_int64_t const at       = zip_file_add(archive, name.c_str(), source, 0);
    REQUIRE(at >= 0);
    REQUIRE(zip_set_file_compression(archive, static_cast<zip_uint64_t>(at), method, 0) == 0);
  }
  REQUIRE(zip_close(archive) == 0);
}

// (2, 3) in Fortran order of 0 1 2; 3 4 5.
template <class Number>
std::string table(char const* type) {
  return npy_file(type, "True", "(2, 3)", bytes_of(std::vector<Number>{0, 3, 1, 4, 2, 5}));
}

TEST_CASE("arrays of every type and order are read, packed or not", "[io][npz]") {
  TemporaryFolder const folder;
  for (zip_int32_t const method : {ZIP_CM_DEFLATE, ZIP_CM_STORE}) {
    write_zip(folder / "x",
              {{"f8.npy", table<double>("'<f8'")},
               {"f4.npy", table<float>("'<f4'")},
               {"u1.npy", table<std::uint8_t>("'|u1'")},
               {"i1.npy", table<std::int8_t>("'|i1'")},
               {"u2.npy", table<std::uint16_t>("'<u2'")},
               {"i2.npy", table<std::int16_t>("'<i2'")},
               {"u4.npy", table<std::uint32_t>("'<u4'")},
               {"i4.npy", table<std::int32_t>("'<i4'")},
               {"u8.npy", table<std::uint64_t>("'<u8'")},
               {"i8.npy", table<std::int64_t>("'<i8'")},
               {"c.npy", npy_file("'<i4'", "False", "(2, 3)",
                                  bytes_of(std::vector<std::int32_t>{0, 1, 2, 3, 4, 5}))},
               {"README", "not an array"}},
              method);
    for (char const* const name :
         {"f8", "f4", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "c"}) {
      CAPTURE(name);
      auto const x = read_npz<float, 2>(folder / "x", name);
      REQUIRE(x.extent(0) == 2);
      REQUIRE(x.extent(1) == 3);
      for (int i = 0; i < 6; ++i) CHECK(x(i / 3, i % 3) == float(i));
    }
    CHECK(read_npz<std::int64_t, 2>(folder / "x", "u1")(1, 2) == 5);
    CHECK(read_npz<int, 2>(folder / "x", "u8")(1, 0) == 3);
  }
}

TEST_CASE("numbers keep their sign, their rounding and what is not finite", "[io][npz]") {
  TemporaryFolder const folder;
  double constexpr infinity = std::numeric_limits<double>::infinity();
  write_zip(folder / "x",
            {{"y.npy", npy_file("'<i2'", "False", "(3,)",
                                bytes_of(std::vector<std::int16_t>{-32768, -1, 32767}))},
             {"z.npy", npy_file("'<f8'", "False", "(3,)",
                                bytes_of(std::vector<double>{0.1, -infinity, std::nan("")}))},
             {"most.npy",
              npy_file("'<f8'", "False", "(1,)", bytes_of(std::vector<double>{3.4028235e38}))},
             {"none.npy", npy_file("'<f8'", "True", "(0, 3)", "")}});
  auto const y = read_npz<int, 1>(folder / "x", "y");
  REQUIRE(y.extent(0) == 3);
  CHECK((y(0) == -32768 && y(1) == -1 && y(2) == 32767));
  auto const z = read_npz<float, 1>(folder / "x", "z");
  CHECK((z(0) == 0.1F && z(1) == -infinity && std::isnan(z(2))));
  CHECK(read_npz<double, 1>(folder / "x", "z")(0) == 0.1);
  CHECK(read_npz<float, 1>(folder / "x", "most")(0) == std::numeric_limits<float>::max());
  CHECK(read_npz<double, 2>(folder / "x", "none").extent(1) == 3);
}

TEST_CASE("floats of 16 bits are read, by every one of their bits", "[io][npz]") {
  TemporaryFolder const folder;
  std::vector<std::uint16_t> const bits{0x0000, 0x8001, 0x03FF, 0x0400, 0x3C00, 0xBC01,
                                        0x3555, 0x7BFF, 0x7C00, 0xFC00, 0x7E00};
  write_zip(folder / "x", {{"x.npy", npy_file("'<f2'", "False", "(11,)", bytes_of(bits))}});
  auto const x = read_npz<float, 1>(folder / "x", "x");
  REQUIRE(x.extent(0) == 11);
  // IEEE 754, table 3.5: p = 11, emax = 15.
  std::vector<double> const right{0,          -0x1p-24,   0x3FFp-24, 0x1p-14,  1,
                                  -0x401p-10, 0x1.554p-2, 65504,     HUGE_VAL, -HUGE_VAL};
  for (int i = 0; i < 10; ++i) CHECK(x(i) == right[i]);
  CHECK(std::isnan(x(10)));
}

TEST_CASE("numbers of the other byte order are read", "[io][npz]") {
  TemporaryFolder const folder;
  auto const reversed = [](auto number) {
    std::string bytes = bytes_of(std::vector{number});
    return std::string(bytes.rbegin(), bytes.rend());
  };
  write_zip(folder / "x",
            {{"f8.npy", npy_file("'>f8'", "False", "(1L, 2L)", reversed(0.1) + reversed(-2.5))},
             {"f4.npy", npy_file("'>f4'", "False", "(1, 1)", reversed(0.1F))},
             {"f2.npy", npy_file("'>f2'", "False", "(1, 1)", reversed(std::uint16_t(0x3C00)))},
             {"i2.npy", npy_file("'>i2'", "False", "(1, 1)", reversed(std::int16_t(-2)))},
             {"u8.npy", npy_file("'>u8'", "False", "(1, 1)", reversed(std::uint64_t(1) << 40))}});
  auto const f8 = read_npz<double, 2>(folder / "x", "f8");
  REQUIRE(f8.extent(1) == 2);
  CHECK((f8(0, 0) == 0.1 && f8(0, 1) == -2.5));
  CHECK(read_npz<float, 2>(folder / "x", "f4")(0, 0) == 0.1F);
  CHECK(read_npz<float, 2>(folder / "x", "f2")(0, 0) == 1);
  CHECK(read_npz<int, 2>(folder / "x", "i2")(0, 0) == -2);
  CHECK(read_npz<double, 2>(folder / "x", "u8")(0, 0) == 0x1p40);
}

TEST_CASE("an archive that is cut or damaged is refused", "[io][npz]") {
  TemporaryFolder const folder;
  std::vector<double> numbers(64);
  for (int i = 0; i < 64; ++i) numbers[i] = std::sqrt(double(i));
  write_zip(folder / "x", {{"X.npy", npy_file("'<f8'", "False", "(8, 8)", bytes_of(numbers))}});
  std::string const whole = read_file(folder / "x");
  REQUIRE_NOTHROW((read_npz<double, 2>(folder / "x", "X")));
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    CAPTURE(length);
    write_file(folder / "cut", whole.substr(0, length));
    CHECK_THROWS_AS((read_npz<double, 2>(folder / "cut", "X")), std::runtime_error);
  }
  // Behind the local header are the packed bytes, about 500 of them.
  for (std::size_t at = 64; at < 400; at += 7) {
    CAPTURE(at);
    std::string damaged = whole;
    damaged[at]         = static_cast<char>(damaged[at] ^ 0x10);
    write_file(folder / "damaged", damaged);
    CHECK_THROWS_AS((read_npz<double, 2>(folder / "damaged", "X")), std::runtime_error);
  }
}

TEST_CASE("arrays of any layout and type are read back, packed or not", "[io][npz]") {
  TemporaryFolder const folder;
  Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> const right("right", 40, 3);
  Kokkos::View<double**, Kokkos::LayoutLeft, Kokkos::HostSpace> const left("left", 40, 3);
  Kokkos::View<int*, Kokkos::HostSpace> const labels("labels", 40);
  Kokkos::View<std::uint8_t**, Kokkos::HostSpace> const bytes("bytes", 2, 2);
  for (int i = 0; i < 40; ++i) {
    for (int j = 0; j < 3; ++j) right(i, j) = left(i, j) = std::sqrt(double(3 * i + j));
    labels(i) = i - 5;
  }
  bytes(1, 0) = 255;
  for (bool const packed : {false, true}) {
    using basin::io::write_npz;
    write_npz(folder / "right", {{"X", right}, {"y", labels}, {"b", bytes}}, packed);
    write_npz(folder / "left", {{"X", left}, {"y", labels}, {"b", bytes}}, packed);
    CHECK(read_file(folder / "right") == read_file(folder / "left"));
    auto const x = read_npz<double, 2>(folder / "left", "X");
    auto const y = read_npz<int, 1>(folder / "left", "y");
    REQUIRE(x.extent(0) == 40);
    REQUIRE(x.extent(1) == 3);
    REQUIRE(y.extent(0) == 40);
    for (int i = 0; i < 40; ++i) {
      for (int j = 0; j < 3; ++j) CHECK(x(i, j) == right(i, j));
      CHECK(y(i) == labels(i));
    }
    CHECK(read_npz<int, 2>(folder / "left", "b")(1, 0) == 255);
    CHECK((read_file(folder / "left").size() < 1500) == packed);
  }
  // A member is the file that write_npy writes, as in NumPy's archives.
  basin::io::write_npy(folder / "X", right);
  basin::io::write_npz(folder / "plain", {{"X", right}});
  CHECK(read_file(folder / "plain").find(read_file(folder / "X")) != std::string::npos);
}

TEST_CASE("npz files are written as any program writes", "[io][npz]") {
  Kokkos::View<float*, Kokkos::HostSpace> const x("x", 3);
  basin::test::check_writer("basin::io::write_npz", [&](std::string const& path) {
    basin::io::write_npz(path, {{"X", x}});
  });
  CHECK_THROWS_WITH(basin::io::write_npz("x", {{"X", x}, {"y", x}, {"X", x}}),
                    "basin::io::write_npz: arrays 0 and 2 have the name 'X'");
  CHECK_THROWS_WITH(basin::io::write_npz("x", {{"", x}}),
                    "basin::io::write_npz: array 0 has no name");
  CHECK_THROWS_WITH(basin::io::write_npz("x", {}),
                    "basin::io::write_npz: there are 0 arrays, must be >= 1");
}

TEST_CASE("npz refusals say the file, the array and both values", "[io][npz]") {
  TemporaryFolder const folder;
  std::string const x = folder / "x";
  std::string const data(48, '\0');
  write_zip(x, {{"X.npy", npy_file("'<f8'", "True", "(2, 3)", data)},
                {"y.npy", npy_file("'<i8'", "False", "(2,)",
                                   bytes_of(std::vector<std::int64_t>{1, 3000000000}))},
                {"z.npy", npy_file("'<f8'", "False", "(1,)", bytes_of(std::vector<double>{1e300}))},
                {"c.npy", npy_file("'<c16'", "False", "(3,)", data)},
                {"long.npy", npy_file("'<f16'", "False", "(3,)", data)},
                {"short.npy", npy_file("'<f8'", "True", "(2, 4)", data)},
                {"order.npy", npy_file("'<f8'", "None", "(2, 3)", data)},
                {"text.npy", "hello"},
                {"README", "hello"}});
  std::string const start = "basin::io::read_npz: '" + x + "' ";

  CHECK_THROWS_WITH((read_npz<float, 2>(folder / "none", "X")),
                    "basin::io::read_npz: '" + (folder / "none") + "' is no file");
  write_file(folder / "text", "no archive at all, and long enough to hold the end of one");
  CHECK_THROWS_WITH((read_npz<float, 2>(folder / "text", "X")),
                    "basin::io::read_npz: '" + (folder / "text") + "' is no zip archive");
  CHECK_THROWS_WITH((read_npz<float, 2>(x, "Z")),
                    start + "has no array 'Z'; it has X, c, long, order, short, text, y, z");
  CHECK_THROWS_WITH((read_npz<float, 1>(x, "X")),
                    start + "array 'X' has shape (2, 3) of rank 2, not 1");
  CHECK_THROWS_WITH(
      (read_npz<int, 2>(x, "X")),
      start + "array 'X' has type '<f8', which is no integer; read it as float or double");
  CHECK_THROWS_WITH((read_npz<int, 1>(x, "y")),
                    start + "array 'y' holds 3000000000, the type asked for reaches 2147483647");
  CHECK_THROWS_WITH((read_npz<float, 1>(x, "z")),
                    start + "array 'z' holds 1e+300, the type asked for reaches 3.40282e+38");
  for (auto const& [name, type] : {std::pair("c", "'<c16'"), std::pair("long", "'<f16'")})
    CHECK_THROWS_WITH((read_npz<float, 1>(x, name)),
                      start + "array '" + name + "' has type " + type +
                          ", which is no float or integer of NumPy's of 64 bits or fewer");
  CHECK_THROWS_WITH((read_npz<float, 2>(x, "short")),
                    start + "array 'short' has 48 bytes of data, its shape (2, 4) promises 64");
  CHECK_THROWS_WITH((read_npz<float, 2>(x, "order")),
                    start + "array 'order' has 'fortran_order' None, neither True nor False");
  CHECK_THROWS_WITH(
      (read_npz<float, 2>(x, "text")),
      start + "array 'text' is no NumPy file: it does not start with the bytes \\x93NUMPY");
}

TEST_CASE("the sets of ADBench are read", "[io][npz]") {
  char const* const shared = std::getenv("BASIN_SHARED_DATA");
  if (shared == nullptr) SKIP("BASIN_SHARED_DATA is not set");
  struct Set {
    char const* name;
    std::size_t rows, columns;
    int anomalies;
  };
  // As the sets' README says.
  for (Set const& set : {Set{"2_annthyroid", 7200, 6, 534}, Set{"4_breastw", 683, 9, 239},
                         Set{"18_Ionosphere", 351, 32, 126}, Set{"23_mammography", 11183, 6, 260},
                         Set{"25_musk", 3062, 166, 97}, Set{"28_pendigits", 6870, 16, 156},
                         Set{"29_Pima", 768, 8, 268}, Set{"31_satimage-2", 5803, 36, 71},
                         Set{"32_shuttle", 49097, 9, 3511}, Set{"43_WDBC", 367, 30, 10}}) {
    CAPTURE(set.name);
    auto const file =
        std::filesystem::path(shared) / "adbench-classical" / (std::string(set.name) + ".npz");
    auto const x = read_npz<float, 2>(file, "X");
    auto const y = read_npz<int, 1>(file, "y");
    CHECK(x.extent(0) == set.rows);
    CHECK(x.extent(1) == set.columns);
    REQUIRE(y.extent(0) == set.rows);
    int anomalies = 0;
    for (std::size_t i = 0; i < y.extent(0); ++i) anomalies += y(i);
    CHECK(anomalies == set.anomalies);
  }
}

}  // namespace
