// SPDX-License-Identifier: Apache-2.0
#include <basin/core/row_source.hpp>
#include <basin/data/hdf5.hpp>

#include "support/temporary_folder.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace {

using basin::data::Hdf5Rows;
using basin::data::read_hdf5;
using basin::io::detail::Hdf5;
using basin::test::read_file;
using basin::test::TemporaryFolder;
using basin::test::write_file;
using Extents = std::vector<hsize_t>;
static_assert(basin::RowSource<Hdf5Rows>);

struct Layout {
  Extents chunk     = {};  // empty: contiguous
  bool packed       = false;
  bool written      = true;
  char const* other = nullptr;  // file that holds the numbers
};

// A file with a data set 'group/x' of these numbers.
void write_set(std::string const& path, hid_t type, Extents const& extents,
               std::vector<double> const& numbers, Layout const& layout = {}) {
  Hdf5 const file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
  Hdf5 const links(H5Pcreate(H5P_LINK_CREATE), H5Pclose),
      creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links, 1);
  if (!layout.chunk.empty()) H5Pset_chunk(creation, int(layout.chunk.size()), layout.chunk.data());
  if (layout.packed) H5Pset_shuffle(creation), H5Pset_deflate(creation, 6);
  if (layout.other) H5Pset_external(creation, layout.other, 0, 1000);
  Extents most = extents;  // a chunk may be larger than a data set that can grow
  if (!layout.chunk.empty()) most[0] = H5S_UNLIMITED;
  Hdf5 const space(extents.empty()
                       ? H5Screate(H5S_SCALAR)
                       : H5Screate_simple(int(extents.size()), extents.data(), most.data()),
                   H5Sclose);
  Hdf5 const set(H5Dcreate2(file, "group/x", type, space, links, creation, H5P_DEFAULT), H5Dclose);
  REQUIRE(set);
  if (layout.written)
    REQUIRE(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()) >= 0);
}

std::vector<double> count_up(std::size_t n) {
  std::vector<double> numbers(n);
  for (std::size_t i = 0; i < n; ++i) numbers[i] = double(i % 127);
  return numbers;
}

TEST_CASE("numbers of any type come as they are", "[data][hdf5]") {
  TemporaryFolder const folder;
  auto const numbers = count_up(35);
  for (hid_t const type :
       {H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_IEEE_F32BE, H5T_IEEE_F64BE, H5T_STD_I8LE, H5T_STD_U8LE,
        H5T_STD_I16BE, H5T_STD_U16LE, H5T_STD_I32LE, H5T_STD_U32LE, H5T_STD_I64LE, H5T_STD_U64BE}) {
    write_set(folder / "x", type, {7, 5}, numbers);
    auto const x = read_hdf5(folder / "x", "group/x");
    auto const y = read_hdf5<basin::data::Table>(folder / "x", "group/x");
    REQUIRE(x.extent(0) == 7);
    REQUIRE(x.extent(1) == 5);
    for (std::size_t i = 0; i < 35; ++i) {
      CHECK(x.data()[i] == float(numbers[i]));
      CHECK(y.data()[i] == numbers[i]);
    }
  }
  std::vector<double> wide{1 / 3.0, -1e-300, INFINITY, NAN, 16777217};
  write_set(folder / "x", H5T_IEEE_F64LE, {5}, wide);
  auto const y = read_hdf5<basin::data::Table>(folder / "x", "group/x");
  auto const x = read_hdf5(folder / "x", "group/x");
  for (int i : {0, 1, 2, 4}) {
    CHECK(y(i, 0) == wide[i]);
    CHECK(x(i, 0) == float(wide[i]));
  }
  CHECK((std::isnan(y(3, 0)) && std::isnan(x(3, 0))));
}

TEST_CASE("rows are read some at a time, in any layout", "[data][hdf5]") {
  TemporaryFolder const folder;
  auto const numbers = count_up(23 * 24);
  for (Layout const& layout :
       {Layout{}, Layout{.chunk = {4, 3, 2, 3}}, Layout{.chunk = {50, 4, 2, 3}},
        Layout{.chunk = {5, 4, 2, 3}, .packed = true}, Layout{.chunk = {1, 1, 1, 1}}}) {
    write_set(folder / "x", H5T_STD_U8LE, {23, 4, 2, 3}, numbers, layout);
    Hdf5Rows rows(folder / "x", "group/x");
    Hdf5Rows const moved = std::move(rows);
    CHECK(moved.rows() == 23);
    CHECK(moved.dimension() == 24);
    CHECK(moved.shape() == std::vector<std::size_t>{23, 4, 2, 3});
    for (std::size_t const count : {1, 6, 23}) {
      std::vector<float> part(count * 24, -1);
      for (std::size_t first = 0; first + count <= 23; ++first) {
        moved.read(first, count, part.data());
        for (std::size_t i = 0; i < part.size(); ++i)
          REQUIRE(part[i] == float(numbers[first * 24 + i]));
      }
    }
    moved.read(23, 0, static_cast<float*>(nullptr));
  }
  write_set(folder / "x", H5T_STD_U8LE, {30}, count_up(30));
  auto const labels = basin::data::read_hdf5_labels(folder / "x", "group/x");
  REQUIRE(labels.extent(0) == 30);
  for (int i = 0; i < 30; ++i) CHECK(labels(i) == i);
}

TEST_CASE("an HDF5 file cut anywhere is refused", "[data][hdf5]") {
  TemporaryFolder const folder;
  write_set(folder / "x", H5T_IEEE_F32LE, {20, 5}, count_up(100),
            {.chunk = {3, 5}, .packed = true});
  std::string const whole = read_file(folder / "x");
  for (std::size_t length = 0; length < whole.size(); length += 61) {
    CAPTURE(length);
    write_file(folder / "cut", whole.substr(0, length));
    CHECK_THROWS_AS(read_hdf5(folder / "cut", "group/x"), std::runtime_error);
  }
}

TEST_CASE("HDF5 refusals say the file, the data set and both values", "[data][hdf5]") {
  TemporaryFolder const folder;
  std::string const x = folder / "x", file = "basin::data::Hdf5Rows: '" + x + "' ",
                    set = file + "data set 'group/x' ";
  auto const refused    = [&](std::string const& sentence) {
    CHECK_THROWS_WITH(read_hdf5(x, "group/x"), sentence);
  };
  refused(file + "is no file");
  write_file(x, "text");
  refused(file + "is no HDF5 file");
  auto const numbers = count_up(24);
  write_set(x, H5T_IEEE_F64LE, {4, 6}, numbers);
  std::string const whole = read_file(x);
  write_file(x, whole.substr(0, whole.size() - 1));
  refused(file + "cannot be opened: it was cut, is damaged, or is being written");
  write_file(x, whole);
  CHECK_THROWS_WITH(read_hdf5(x, "group/y"), file + "has no data set 'group/y'; it has group/x");
  CHECK_THROWS_WITH(read_hdf5(x, "group"), file + "has no data set 'group'; it has group/x");
  {
    Hdf5Rows const rows(x, "group/x");
    std::vector<float> floats(24);
    std::vector<int> integers(24);
    CHECK_THROWS_WITH(rows.read(3, 2, floats.data()),
                      set + "has 4 rows, 2 from row 3 on are asked for");
    CHECK_THROWS_WITH(rows.read(std::numeric_limits<std::uint64_t>::max(), 2, floats.data()),
                      set + "has 4 rows, 2 from row 18446744073709551615 on are asked for");
    CHECK_THROWS_WITH(rows.read(0, 1, integers.data()),
                      set + "holds floats, and integers are asked for");
  }

  std::vector<double> large = numbers;
  large[13]                 = 1e300;
  write_set(x, H5T_IEEE_F64LE, {4, 6}, large);
  refused(set + "has in rows 0 to 3 a number out of the range of the type that is read");
  write_set(x, H5T_STD_U32LE, {1}, {4e9});
  CHECK_THROWS_WITH(basin::data::read_hdf5_labels(x, "group/x"),
                    set + "has in rows 0 to 0 a number out of the range of the type that is read");
  write_set(x, H5T_STD_U8LE, {4, 6}, numbers);
  CHECK_THROWS_WITH(basin::data::read_hdf5_labels(x, "group/x"),
                    "basin::data::read_hdf5_labels: '" + x +
                        "' data set 'group/x' has 6 numbers a row, a label is one");

  write_set(x, H5T_IEEE_F64LE, {}, {1});
  refused(set + "is no array: it has rank 0");
  write_set(x, H5T_IEEE_F64LE, {4, 0}, {}, {.written = false});
  refused(set + "has shape (4, 0), every extent must be > 0");
  write_set(x, H5T_STD_REF_OBJ, {4}, {}, {.written = false});
  refused(set + "holds no floats or integers");
  write_set(x, H5T_NATIVE_LDOUBLE, {4}, {1, 2, 3, 4});
  refused(set + "has numbers of 16 bytes, at most 8 are read");
  write_set(x, H5T_IEEE_F32LE, {hsize_t(1) << 32, hsize_t(1) << 32}, {},
            {.chunk = {1, 1}, .written = false});
  refused(set + "has shape (4294967296, 4294967296), more than this machine can address");

  // What a header states, and the file does not hold.
  write_set(x, H5T_IEEE_F32LE, {hsize_t(1) << 40, 10}, {}, {.written = false});
  refused(set + "has 0 bytes, its shape (1099511627776, 10) promises 43980465111040");
  write_set(x, H5T_IEEE_F32LE, {hsize_t(1) << 40, 10}, {}, {.chunk = {100, 10}, .written = false});
  refused(set +
          "has 0 of the 10995116278 chunks of its shape (1099511627776, 10); the others were never "
          "written");
  write_set(x, H5T_IEEE_F64LE, {4, 6}, numbers,
            {.chunk = {1 << 24, 6}, .packed = true, .written = false});
  refused(set + "has chunks of 8.05306e+08 bytes, at most 268435456 are unpacked");
  write_set(x, H5T_IEEE_F64LE, {4, 6}, {}, {.written = false, .other = "/etc/passwd"});
  refused(set + "lies in other files");

  // Links to other files are not followed.
  write_set(folder / "y", H5T_IEEE_F64LE, {4, 6}, numbers);
  {
    Hdf5 const links(H5Fcreate(x.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
    H5Lcreate_external((folder / "y").c_str(), "/group/x", links, "x", H5P_DEFAULT, H5P_DEFAULT);
  }
  CHECK_THROWS_WITH(read_hdf5(x, "x"), file + "has no data set 'x'; it has none");
}

}  // namespace
