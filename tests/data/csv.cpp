// SPDX-License-Identifier: Apache-2.0
#include <basin/data/csv.hpp>

#include "support/gz.hpp"
#include "support/temporary_folder.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace {

using basin::data::CsvOptions;
using basin::data::read_csv;
using basin::data::Table;
using basin::test::read_file;
using basin::test::TemporaryFolder;
using basin::test::write_file;
using basin::test::write_gz;

std::string shortest(float value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}

// 40 lines of 6 floats of all sizes.
std::vector<float> table() {
  std::mt19937 random(1);
  std::vector<float> values;
  for (int i = 0; i < 240; ++i)
    values.push_back(std::ldexp(static_cast<float>(random()) - 0x1p31F, int(random() % 160) - 110));
  return values;
}

std::string text_of(std::vector<float> const& values, std::string const& between,
                    std::string const& end) {
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i)
    text += shortest(values[i]) + (i % 6 == 5 ? end : between);
  return text;
}

TEST_CASE("the shortest text of a float is read back to the same bits", "[data][csv]") {
  TemporaryFolder const folder;
  std::vector<float> const values = table();
  std::string const text          = text_of(values, ",", "\n");
  write_file(folder / "plain", text);
  write_gz(folder / "packed.gz", text);
  write_file(folder / "windows", "\xEF\xBB\xBF" + text_of(values, " , ", "\r\n") + "\r\n \n");
  write_file(folder / "unended", text.substr(0, text.size() - 1));
  write_file(folder / "semicolons", text_of(values, ";", "\n"));

  for (std::string const name : {"plain", "packed.gz", "windows", "unended", "semicolons"}) {
    CAPTURE(name);
    Table const read = read_csv(folder / name, {.delimiter = name == "semicolons" ? ';' : ','});
    REQUIRE(read.extent(0) == 40);
    REQUIRE(read.extent(1) == 6);
    for (std::size_t i = 0; i < values.size(); ++i)
      REQUIRE(static_cast<float>(read.data()[i]) == values[i]);
  }
}

TEST_CASE("a number may be written in any usual way", "[data][csv]") {
  TemporaryFolder const folder;
  write_file(folder / "x", "+1.5,-2E3, 4e-1,.25,7.\n");
  Table const x = read_csv(folder / "x");
  CHECK(x(0, 0) == 1.5F);
  CHECK(x(0, 1) == -2000);
  CHECK(x(0, 2) == 0.4);
  CHECK(x(0, 3) == 0.25F);
  CHECK(x(0, 4) == 7);
}

TEST_CASE("columns are chosen in the given order and only those need be numbers", "[data][csv]") {
  TemporaryFolder const folder;
  write_file(folder / "x", "name,a,b\nred,1,2\nblue,3,4\n");
  Table const x = read_csv(folder / "x", {.header = 1, .columns = {2, 1}});
  REQUIRE(x.extent(0) == 2);
  REQUIRE(x.extent(1) == 2);
  CHECK(x(0, 0) == 2);
  CHECK(x(0, 1) == 1);
  CHECK(x(1, 0) == 4);
  CHECK(x(1, 1) == 3);
}

TEST_CASE("columns are chosen by the names of the header", "[data][csv]") {
  TemporaryFolder const folder;
  std::string const x = folder / "x";
  write_file(x, "a table\nname\t age \tsize\nred\t1\t2\nblue\t3\t4\n");
  CsvOptions const tsv{.delimiter = '\t', .header = 2};
  CHECK(basin::data::csv_names(x, tsv) == std::vector<std::string>{"name", "age", "size"});
  CsvOptions options  = tsv;
  options.names       = {"size", "age"};
  Table const by_name = read_csv(x, options);
  options.names = {}, options.columns = {2, 1};
  Table const by_number = read_csv(x, options);
  REQUIRE(by_name.extent(0) == 2);
  REQUIRE(by_name.extent(1) == 2);
  for (int i = 0; i < 4; ++i) CHECK(by_name.data()[i] == by_number.data()[i]);
  CHECK(by_name(1, 0) == 4);

  auto const refused = [&](CsvOptions const& wrong, std::string const& sentence) {
    CHECK_THROWS_WITH(read_csv(x, wrong), "basin::data::read_csv: " + sentence);
  };
  std::string const file = "'" + x + "' ";
  options.names          = {"age"};
  refused(options, "CsvOptions::columns has 2 columns and names has 1; write one of them");
  options.columns = {}, options.names = {"weight"};
  refused(options, file + "has no column 'weight'; it has name, age, size");
  options.names = {"name"};
  refused(options, file +
                       "line 3, column 0 'name': 'red' is no finite number; write .header = 3 if "
                       "that line is a header, or .columns without column 0");
  options.header = 0;
  refused(options, file +
                       "has no names before its data, and 'name' is asked for; write .header = 1 "
                       "if the first line has them");
  options.header = 1;
  refused(options, file + "line 1 has 1 names, line 2 has 3 cells");
  write_file(x, "age\tage\n1\t2\n");
  options.names = {"age"};
  refused(options, file + "has the name 'age' in columns 0 and 1; write .columns");
  CHECK_THROWS_WITH(basin::data::csv_names(x, {}),
                    "basin::data::csv_names: CsvOptions::header must be >= 1, got 0");
  CHECK_THROWS_WITH(
      basin::data::csv_names(x, {.header = 3}),
      "basin::data::csv_names: " + file + "has 2 lines, its names are asked for in line 3");
}

TEST_CASE("a missing cell is refused by its place, or NaN", "[data][csv]") {
  TemporaryFolder const folder;
  std::string const x = folder / "x";
  CsvOptions options{.header = 1, .names = {"age"}};
  for (std::string const text :
       {"", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "NULL", "null", "None", "?"}) {
    CAPTURE(text);
    write_file(x, "size,age\n1,2\n3," + text + "\n");
    options.missing = basin::data::Missing::refused;
    CHECK_THROWS_WITH(read_csv(x, options),
                      "basin::data::read_csv: '" + x + "' line 3, column 1 'age': '" + text +
                          "' is missing; write .missing = Missing::nan and impute it, or leave out "
                          "the column");
    options.missing   = basin::data::Missing::nan;
    Table const table = read_csv(x, options);
    CHECK(table(0, 0) == 2);
    CHECK(std::isnan(table(1, 0)));
  }
  write_file(x, ",a\n-999,1\n");
  CHECK_THROWS_WITH(read_csv(x), "basin::data::read_csv: '" + x +
                                     "' line 1, column 0: '' is missing; write .missing = "
                                     "Missing::nan and impute it, or leave out the column, or "
                                     ".header = 1 if that line is a header");
  options = {.header = 1, .missing = basin::data::Missing::nan, .missing_texts = {"-999"}};
  CHECK(std::isnan(read_csv(x, options)(0, 0)));
}

TEST_CASE("texts of a category become numbers by a table that is kept", "[data][csv]") {
  TemporaryFolder const folder;
  std::string const x = folder / "x";
  write_file(x, "size,color\n1,red\n2,?\n3,green\n4,blue\n5,red\n");
  CsvOptions options{.header = 1, .missing = basin::data::Missing::nan};
  auto const found = basin::data::find_categories(x, {"color"}, options);
  CHECK(found.columns.at(0).texts == std::vector<std::string>{"blue", "green", "red"});
  CHECK(found.levels({"size", "color"}) == std::vector<int>{0, 3});
  options.categories = found;
  Table const table  = read_csv(x, options);
  std::vector<double> const numbers{2, NAN, 1, 0, 2};
  for (int i = 0; i < 5; ++i) {
    CHECK(table(i, 0) == i + 1);
    CHECK((table(i, 1) == numbers[i] || (std::isnan(table(i, 1)) && std::isnan(numbers[i]))));
  }
  // Another file is read by the table of the first, whatever its order.
  write_file(x, "color,size\nred,1\nblue,2\n");
  options.names     = {"color"};
  Table const other = read_csv(x, options);
  CHECK(other(0, 0) == 2);
  CHECK(other(1, 0) == 0);
  write_file(x, "color,size\nred,1\nmauve,2\n");
  CHECK_THROWS_WITH(read_csv(x, options),
                    "basin::data::read_csv: '" + x +
                        "' line 3, column 0 'color': 'mauve' is none of the 3 texts of its "
                        "category: blue, green, red");
  options.missing = basin::data::Missing::refused;
  write_file(x, "color,size\n?,1\n");
  CHECK_THROWS_WITH(basin::data::find_categories(x, {"color"}, options),
                    "basin::data::find_categories: '" + x +
                        "' line 2, column 0 'color': '?' is missing; write .missing = Missing::nan "
                        "and impute it, or leave out the column, or .header = 2 if that line is a "
                        "header");

  basin::data::Categories kept = found, loaded;
  kept.columns.push_back({.name = "none", .texts = {}});
  basin::MemoryArchive archive;
  archive.save("categories", kept);
  archive.load("categories", loaded);
  CHECK(loaded == kept);
}

TEST_CASE("csv refusals say the file, the place and the text", "[data][csv]") {
  TemporaryFolder const folder;
  std::string const x = folder / "x.csv";
  auto const read     = [&](std::string const& text, basin::data::CsvOptions const& options = {}) {
    write_file(x, text);
    read_csv(x, options);
  };
  std::string const start = "basin::data::read_csv: '" + x + "' ";

  CHECK_THROWS_WITH(read_csv(folder / "none"), "basin::data::read_csv: '" + (folder / "none") +
                                                   "' cannot be opened: No such file or directory");
  CHECK_THROWS_WITH(read(""), start + "holds no data after 0 header lines");
  CHECK_THROWS_WITH(read("a,b\n\n", {.header = 1}),
                    start + "holds no data after 1 header lines; write a smaller .header");
  auto const in_first = [](std::string const& line, std::string const& column) {
    return " is no finite number; write .header = " + line +
           " if that line is a header, or .columns without column " + column;
  };
  auto const later = [](std::string const& column) {
    return " is no finite number; write .columns without column " + column +
           " if it holds no numbers";
  };
  CHECK_THROWS_WITH(read("a,b\n1,2\n"), start + "line 1, column 0: 'a'" + in_first("1", "0"));
  CHECK_THROWS_WITH(read("x\na,b\n1,2\n", {.header = 1}),
                    start + "line 2, column 0: 'a'" + in_first("2", "0"));
  CHECK_THROWS_WITH(read("1,inf\n"), start + "line 1, column 1: 'inf'" + in_first("1", "1"));
  CHECK_THROWS_WITH(read("1,2\n1e309,inf\n"), start + "line 2, column 0: '1e309'" + later("0"));
  CHECK_THROWS_WITH(read("1,2\n3,4 5\n"), start + "line 2, column 1: '4 5'" + later("1"));
  CHECK_THROWS_WITH(read("+-1\n"), start + "line 1, column 0: '+-1'" + in_first("1", "0"));
  CHECK_THROWS_WITH(read("1;2\n3;4\n"), start +
                                            "line 1, column 0: '1;2' is no finite number; "
                                            "write .delimiter = ';' if that divides the cells");
  CHECK_THROWS_WITH(read("1\t2\n3\t4\n", {.columns = {1}}),
                    "basin::data::read_csv: column 1 is asked for, there are 1; write .delimiter = "
                    "'\\t' if that divides the cells");
  CHECK_THROWS_WITH(read("a,b\n1,2\n3,4,5\n", {.header = 1}),
                    start +
                        "line 3 has 3 cells, line 2 has 2; write .header = 2 if the data begin "
                        "in line 3, or another .delimiter than ','");
  CHECK_THROWS_WITH(read("1,2\n\n3,4\n"),
                    start +
                        "line 2 has 1 cells, line 1 has 2; write .header = 1 if the data begin "
                        "in line 2, or another .delimiter than ','");
  CHECK_THROWS_WITH(
      read("1,2\n", {.columns = {0, 2}}),
      "basin::data::read_csv: column 2 is asked for, there are 2; .columns counts from 0");
  CHECK_THROWS_WITH(read("1\n", {.header = -1}),
                    "basin::data::read_csv: CsvOptions::header must be >= 0, got -1");

  write_gz(folder / "whole.gz", "1,2\n3,4\n");
  std::string const whole = read_file(folder / "whole.gz");
  write_file(x, whole.substr(0, whole.size() - 1));
  CHECK_THROWS_WITH(read_csv(x), start + "is cut: its gzip stream breaks off after 8 bytes");
}

TEST_CASE("numbers at the ends of the types are read as they are written", "[data][csv]") {
  TemporaryFolder const folder;
  write_file(folder / "x", "16777217,3.4028235e38,1e-400,-1e-99999,4.9e-324,2147483648\n");
  Table const x = read_csv(folder / "x");
  CHECK(x(0, 0) == 16777217);
  CHECK(static_cast<float>(x(0, 1)) == std::numeric_limits<float>::max());
  CHECK(x(0, 2) == 0);
  CHECK(x(0, 3) == 0);
  CHECK(std::signbit(x(0, 3)));
  CHECK(x(0, 4) == std::numeric_limits<double>::denorm_min());
  CHECK(basin::data::label_column(x, 0)(0) == 16777217);
  CHECK_THROWS_WITH(basin::data::label_column(x, 5),
                    "basin::data::label_column: sample 0 has 2147483648.000000 in column 5, a "
                    "label is an integer from 0 to 2147483647");
}

TEST_CASE("the digits have their published class counts", "[data][csv]") {
  char const* const shared = std::getenv("BASIN_SHARED_DATA");
  if (shared == nullptr) SKIP("BASIN_SHARED_DATA is not set");
  std::filesystem::path const folder = std::filesystem::path(shared) / "sklearn-small";
  Table const digits                 = read_csv(folder / "digits.csv.gz");
  REQUIRE(digits.extent(0) == 1797);
  REQUIRE(digits.extent(1) == 65);
  auto const labels = basin::data::label_column(digits, 64);
  std::vector<int> counts(10, 0);
  for (std::size_t i = 0; i < labels.extent(0); ++i) ++counts.at(labels(i));
  CHECK(counts == std::vector<int>{178, 182, 177, 183, 181, 182, 181, 179, 174, 180});

  Table const iris = read_csv(folder / "iris.csv", {.header = 1});
  CHECK(iris.extent(0) == 150);
  CHECK(iris.extent(1) == 5);
}

}  // namespace
