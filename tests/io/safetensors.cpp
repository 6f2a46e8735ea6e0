// SPDX-License-Identifier: Apache-2.0
#include <basin/io/safetensors.hpp>

#include "support/temporary_folder.hpp"
#include "support/writer.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <sys/resource.h>
#include <vector>

namespace {

using basin::MemoryArchive;
using basin::io::read_safetensors;
using basin::io::write_safetensors;
using basin::test::read_file;
using basin::test::TemporaryFolder;
using basin::test::write_file;
using Catch::Matchers::ContainsSubstring;

template <class T>
basin::detail::ArchiveEntry entry(std::vector<std::size_t> shape, std::vector<T> const& values) {
  auto const* bytes       = reinterpret_cast<unsigned char const*>(values.data());
  std::size_t const count = values.size() * sizeof(T);
  return {
      basin::detail::type_name<T>(), std::move(shape),
      count > 0 ? std::vector<unsigned char>(bytes, bytes + count) : std::vector<unsigned char>()};
}

// A file with this header, padded as safetensors pads.
std::string file_of(std::string header, std::string const& numbers) {
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::uint64_t const length = header.size();
  return std::string(reinterpret_cast<char const*>(&length), 8) + header + numbers;
}

std::string const one_float("\0\0\x80\x3f", 4), minus_two("\0\0\0\xc0", 4),
    one_double("\0\0\0\0\0\0\xf0\x3f", 8);

TEST_CASE("tensors are read back to the bit", "[io][safetensors]") {
  TemporaryFolder const folder;
  float const inf = std::numeric_limits<float>::infinity();
  MemoryArchive::Entries tensors;
  tensors["0.weight"]         = entry<float>({2, 3}, {1, -2, inf, std::nanf(""), 1e-45f, 0});
  tensors["1.weight"]         = entry<float>({2, 1, 1, 2}, {1, 2, 3, 4});
  tensors["sums"]             = entry<double>({3}, {1e-300, std::acos(-1.0), -0.0});
  tensors["scalar"]           = entry<double>({}, {5});
  tensors["none"]             = entry<float>({0, 7}, {});
  tensors["\xc3\xa9 \"/\\\n"] = entry<float>({1}, {9});
  std::map<std::string, std::string> const metadata{{"format", "pt"}, {"text", "\xc3\xa9 \"\n"}};
  write_safetensors(folder / "t", tensors, metadata);
  auto const read = read_safetensors(folder / "t");
  CHECK(read.metadata == metadata);
  REQUIRE(read.tensors.size() == tensors.size());
  for (auto const& [name, written] : tensors) {
    INFO(name);
    auto const found = read.tensors.find(name);
    REQUIRE(found != read.tensors.end());
    CHECK(found->second.type == written.type);
    CHECK(found->second.shape == written.shape);
    CHECK(found->second.bytes == written.bytes);
  }
  write_safetensors(folder / "again", read.tensors, read.metadata);
  CHECK(read_file(folder / "again") == read_file(folder / "t"));

  write_safetensors(folder / "nothing", {});
  CHECK(read_file(folder / "nothing") == file_of("{}", ""));
  CHECK(read_safetensors(folder / "nothing").tensors.empty());
  CHECK(folder.files() == 3);
}

TEST_CASE("a file has the bytes that safetensors writes", "[io][safetensors]") {
  TemporaryFolder const folder;
  MemoryArchive::Entries tensors;
  tensors["b"] = entry<float>({1, 2}, {1, -2});
  tensors["c"] = entry<double>({}, {1});
  tensors["a"] = entry<float>({1}, {1});
  write_safetensors(folder / "t", tensors, {{"format", "pt"}});
  // Of safetensors 0.8.0: numbers of 8 bytes first, then by name.
  CHECK(read_file(folder / "t") ==
        file_of("{\"__metadata__\":{\"format\":\"pt\"},"
                "\"c\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},"
                "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
                "\"b\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[12,20]}}",
                one_double + one_float + one_float + minus_two));
}

TEST_CASE("a file may name its tensors in any order, with blanks", "[io][safetensors]") {
  TemporaryFolder const folder;
  write_file(folder / "t",
             file_of("{ \"late\" : {\"shape\":[1], \"data_offsets\":[4, 8], \"dtype\":\"F32\"},\n"
                     "\"none\":{\"dtype\":\"F64\",\"shape\":[3,0],\"data_offsets\":[4,4]},"
                     "\"__metadata__\":{},"
                     "\"\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]} }",
                     one_float + minus_two));
  auto const read = read_safetensors(folder / "t");
  CHECK(read.tensors.size() == 3);
  float value;
  std::memcpy(&value, read.tensors.find("late")->second.bytes.data(), 4);
  CHECK(value == -2);
  CHECK(read.tensors.find("none")->second.shape == std::vector<std::size_t>{3, 0});
}

TEST_CASE("a file that is no safetensors file, is cut or lies is refused", "[io][safetensors]") {
  TemporaryFolder const folder;
  std::string const path = folder / "t";
  auto const refused     = [&](std::string const& bytes, std::string const& sentence) {
    write_file(path, bytes);
    CHECK_THROWS_WITH(read_safetensors(path),
                          "basin::io::read_safetensors: '" + path + "' " + sentence);
  };
  auto const tensor = [](std::string const& dtype, std::string const& shape,
                         std::string const& offsets) {
    return "{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape + "],\"data_offsets\":[" + offsets +
           "]}";
  };
  std::string const a    = "\"a\":" + tensor("F32", "1", "0,4");
  std::string const good = file_of("{" + a + "}", one_float);
  write_file(path, good);
  REQUIRE(read_safetensors(path).tensors.size() == 1);

  CHECK_THROWS_WITH(read_safetensors(folder.path()), ContainsSubstring("is no file"));
  refused("1234567", "has 7 bytes, the length of its header alone has 8");
  refused(std::string("\1\xe1\xf5\5\0\0\0\0{}", 10),
          "is no safetensors file: its header would have 100000001 bytes, one has at most "
          "100000000");
  refused(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10),
          "is no safetensors file: its header would have 18446744073709551615 bytes, one has at "
          "most 100000000");
  refused(good.substr(0, 30), "ends after 30 bytes, its header after 64");
  refused(good.substr(0, 60), "ends after 60 bytes, its header after 64");
  refused(good.substr(0, good.size() - 1), "has 'a' from byte 0 to 4, there are 3");
  refused(good + "x", "has 5 bytes of numbers, its tensors end at 4");
  refused(file_of("", ""), "is no safetensors file: its header does not begin with '{'");
  refused(file_of(" {}", ""), "is no safetensors file: its header does not begin with '{'");
  refused(file_of("{" + a + "} {}", one_float),
          "has a header of 64 bytes that is no JSON from byte 56 on");
  refused(file_of("{\"a\":\"\xff\"}", ""),
          "has a header of 16 bytes that is no JSON from byte 7 on");
  refused(file_of(std::string(90000, '{'), ""),
          "has a header of 90000 bytes that is no JSON from byte 2 on");

  // Names that occur twice, which JSON allows.
  refused(file_of("{" + a + "," + a + "}", one_float), "has 'a' twice");
  refused(file_of("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", ""),
          "has 'k' twice in '__metadata__'");
  refused(file_of("{\"__metadata__\":{},\"__metadata__\":{}}", ""), "has '__metadata__' twice");
  refused(file_of("{\"a\":{\"shape\":[1],\"shape\":[1]}}", one_float), "has 'shape' twice in 'a'");

  // Values of another kind.
  refused(file_of("{\"a\":3}", ""), "has 3 in its header where 'a' should be");
  refused(file_of("{\"a\":[]}", ""), "has [ in its header where 'a' should be");
  refused(file_of("{\"__metadata__\":{\"k\":1}}", ""),
          "has 1 in its header where a text of __metadata__ should be");
  refused(file_of("{\"__metadata__\":\"k\"}", ""),
          "has 'k' in its header where '__metadata__' should be");
  refused(file_of("{\"__metadata__\":{\"k\":{}}}", ""),
          "has { in its header where a text of __metadata__ should be");
  refused(file_of("{\"a\":{\"dtype\":null}}", ""),
          "has null in its header where the dtype of 'a' should be");
  refused(file_of("{\"a\":{\"shape\":\"1\"}}", ""),
          "has '1' in its header where the shape of 'a' should be");
  refused(file_of("{\"a\":{\"shape\":[1,[2]]}}", ""),
          "has [ in its header where an extent of 'a' should be");
  refused(file_of("{\"a\":{\"shape\":[-1]}}", ""),
          "has -1 in its header where an extent of 'a' should be");
  refused(file_of("{\"a\":{\"shape\":[1.5]}}", ""),
          "has 1.5 in its header where an extent of 'a' should be");
  refused(file_of("{\"a\":{\"shape\":[18446744073709551616]}}", ""),
          "has 18446744073709551616 in its header where an extent of 'a' should be");
  refused(file_of("{\"a\":{\"data_offsets\":[true,1]}}", ""),
          "has true in its header where a data offset of 'a' should be");
  refused(file_of("{\"a\":{\"strides\":[1]}}", ""),
          "has 'strides' in 'a', a tensor has dtype, shape and data_offsets");
  refused(file_of("{\"a\":{\"dtype\":\"F32\"}}", ""),
          "has 1 entries in 'a', a tensor has dtype, shape and data_offsets");
  refused(file_of("{\"a\":" + tensor("F32", "1", "0") + "}", one_float),
          "has 1 data_offsets of 'a', there are two");
  refused(file_of("{\"a\":" + tensor("F32", "1", "0,4,8") + "}", one_float),
          "has more than two data_offsets of 'a'");
  refused(file_of("{\"0.weight\":" + tensor("BF16", "1", "0,2") + "}", "xx"),
          "has '0.weight' of dtype BF16, F32 and F64 are read");

  // Numbers that are not where the header says, or are not what it says.
  refused(file_of("{" + a + ",\"b\":" + tensor("F32", "1", "0,4") + "}", one_float),
          "has 'b' from byte 0 to 4, the tensors before it end at 4");
  refused(file_of("{" + a + ",\"b\":" + tensor("F32", "1", "5,9") + "}", one_float + "xxxxx"),
          "has 'b' from byte 5 to 9, the tensors before it end at 4");
  refused(file_of("{\"a\":" + tensor("F32", "1", "4,0") + "}", one_float),
          "has 'a' from byte 4 to 0, the tensors before it end at 0");
  refused(file_of("{\"a\":" + tensor("F32", "1", "0,8") + "}", one_float),
          "has 'a' from byte 0 to 8, there are 4");
  refused(file_of("{\"a\":" + tensor("F64", "1", "0,4") + "}", one_float),
          "has 'a' from byte 0 to 4, F64 of shape (1) takes 8 bytes");
  refused(file_of("{\"a\":" + tensor("F32", "2,3", "0,4") + "}", one_float),
          "has 'a' from byte 0 to 4, F32 of shape (2, 3) takes 24 bytes");
  // 2^64 + 4 bytes, if products wrapped around.
  refused(file_of("{\"a\":" + tensor("F32", "4611686018427387905", "0,4") + "}", one_float),
          "has 'a' from byte 0 to 4, F32 of shape (4611686018427387905) takes more than 2^64 "
          "bytes");
  refused(file_of("{\"a\":" + tensor("F32", "0,4611686018427387905", "0,4") + "}", one_float),
          "has 'a' from byte 0 to 4, F32 of shape (0, 4611686018427387905) takes 0 bytes");
}

TEST_CASE("any byte of a file that is cut or changed gives a sentence or other numbers",
          "[io][safetensors]") {
  TemporaryFolder const folder;
  std::string const path = folder / "t";
  MemoryArchive::Entries tensors;
  tensors["0.weight"] = entry<float>({1, 2}, {1, -2});
  tensors["0.bias"]   = entry<double>({2}, {1, 2});
  write_safetensors(path, tensors, {{"format", "pt"}});
  std::string const good = read_file(path);
  for (std::size_t left = 0; left < good.size(); ++left) {
    write_file(path, good.substr(0, left));
    CHECK_THROWS_AS(read_safetensors(path), std::runtime_error);
  }
  int refused = 0, read = 0;
  for (std::size_t i = 0; i < good.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = good;
      changed[i]          = static_cast<char>(changed[i] ^ (1 << bit));
      write_file(path, changed);
      try {
        (void)read_safetensors(path);
        ++read;
      } catch (std::runtime_error const&) {
        ++refused;
      }
    }
  CHECK(read >= 24 * 8);  // the numbers have no checksum
  CHECK(refused > read);
}

TEST_CASE("what safetensors cannot hold is refused before a file is there", "[io][safetensors]") {
  TemporaryFolder const folder;
  std::string const who = "basin::io::write_safetensors: ";
  MemoryArchive::Entries tensors;
  tensors["ages"] = entry<int>({1}, {3});
  CHECK_THROWS_WITH(write_safetensors(folder / "t", tensors),
                    who + "'ages' is of type i4, f4 and f8 are written");
  tensors.clear();
  tensors["__metadata__"] = entry<float>({1}, {3});
  CHECK_THROWS_WITH(write_safetensors(folder / "t", tensors),
                    who + "a tensor cannot have the name '__metadata__'");
  tensors.clear();
  tensors["a"] = entry<float>({2, 3}, {3});
  CHECK_THROWS_WITH(write_safetensors(folder / "t", tensors),
                    who + "'a' has 4 bytes, f4 of shape (2, 3) takes 24");
  tensors.clear();
  tensors["\xff"] = entry<float>({1}, {3});
  CHECK_THROWS_WITH(write_safetensors(folder / "t", tensors),
                    who + "of 1 names and 0 texts one is not UTF-8");
  CHECK_THROWS_WITH(write_safetensors(folder / "t", {}, {{"text", "\xff"}}),
                    who + "of 0 names and 1 texts one is not UTF-8");
  CHECK(folder.files() == 0);
}

TEST_CASE("a file that cannot be written stays as it was", "[io][safetensors]") {
  TemporaryFolder const folder;
  MemoryArchive::Entries tensors;
  tensors["a"] = entry<float>({10000}, std::vector<float>(10000));
  write_file(folder / "t", "old");
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit const small{1000, before.rlim_max};
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  CHECK_THROWS_WITH(write_safetensors(folder / "t", tensors),
                    ContainsSubstring("cannot be written: File too large"));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(read_file(folder / "t") == "old");
  CHECK(folder.files() == 1);
}

TEST_CASE("safetensors are written as any program writes a file", "[io][safetensors]") {
  MemoryArchive::Entries tensors;
  tensors["a"] = entry<float>({1000}, std::vector<float>(1000));
  basin::test::check_writer("basin::io::write_safetensors",
                            [&](std::string const& path) { write_safetensors(path, tensors); });
}

}  // namespace
