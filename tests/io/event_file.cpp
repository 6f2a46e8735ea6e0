// SPDX-License-Identifier: Apache-2.0
#include <basin/io/event_file.hpp>
#include <basin/io/picture.hpp>

#include "support/temporary_folder.hpp"
#include "support/writer.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

// The records of an event file, their checksums compared.
std::vector<std::string> records(std::string const& bytes) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < bytes.size();) {
    std::uint64_t count = 0;
    std::uint32_t crc   = 0;
    REQUIRE(bytes.size() - at >= 16);
    std::memcpy(&count, bytes.data() + at, 8);
    std::memcpy(&crc, bytes.data() + at + 8, 4);
    CHECK(crc == basin::io::detail::masked_crc32c(bytes.substr(at, 8)));
    REQUIRE(bytes.size() - at - 16 >= count);
    all.push_back(bytes.substr(at + 12, count));
    std::memcpy(&crc, bytes.data() + at + 12 + count, 4);
    CHECK(crc == basin::io::detail::masked_crc32c(all.back()));
    at += 16 + count;
  }
  return all;
}

// The fields of a message of Protocol Buffers: the bytes of each value, in order.
std::multimap<int, std::string> fields(std::string_view text) {
  std::multimap<int, std::string> all;
  auto const varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      REQUIRE(!text.empty());
      auto const byte = static_cast<unsigned char>(text[0]);
      text.remove_prefix(1);
      value |= std::uint64_t(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (!text.empty()) {
    std::uint64_t const key = varint();
    if ((key & 7) == 0) {
      all.emplace(int(key >> 3), std::to_string(varint()));
      continue;
    }
    std::size_t const count = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : varint();
    all.emplace(int(key >> 3), text.substr(0, count));
    text.remove_prefix(count);
  }
  return all;
}
std::string field(std::string_view message, int number) {
  auto const all   = fields(message);
  auto const found = all.find(number);
  return found == all.end() ? "" : found->second;
}
template <class T>
T as(std::string const& bytes) {
  T value{};
  REQUIRE(bytes.size() == sizeof value);
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

TEST_CASE("CRC-32C of the standard's check value", "[io][event_file]") {
  CHECK(basin::io::detail::crc32c("123456789") == 0xe3069283u);  // RFC 3720, appendix B.4
}

TEST_CASE("scalars, a histogram and an image are the messages of TensorBoard", "[io][event_file]") {
  basin::test::TemporaryFolder const own;
  // For ./tensorboard, which reads the file with TensorBoard itself.
  char const* const kept = std::getenv("BASIN_TEST_EVENTS");
  basin::io::EventFile file(kept ? std::filesystem::path(kept) : own.path(), 300);
  basin::train::Metrics m;
  m.step             = 400;
  m.steps_per_second = 7.5;
  m.add({"gap", "E", "of energies"}, 0.125);
  file(m);
  double const infinity = std::numeric_limits<double>::infinity();
  file.histogram("energies", 401, {0, 1, 1, 3, infinity, std::nan("")}, 3);
  std::string const png = basin::io::png_bytes(basin::io::Picture(2, 3));
  file.image("samples", 402, 2, 3, png);

  CHECK_THAT(file.path().filename(), Catch::Matchers::StartsWith("events.out.tfevents."));
  auto const all = records(basin::test::read_file(file.path()));
  REQUIRE(all.size() == 5);
  CHECK(field(all[0], 3) == "brain.Event:2");
  CHECK(as<double>(field(all[0], 1)) > 1.7e9);  // seconds since 1970
  CHECK(field(all[1], 2) == "301");             // what other files say from there on is dropped
  CHECK(field(field(all[1], 7), 1) == "1");

  CHECK(field(all[2], 2) == "400");
  std::map<std::string, float> scalars;
  for (auto const& [number, value] : fields(field(all[2], 5))) {
    CHECK(number == 1);
    scalars[field(value, 1)] = as<float>(field(value, 2));
  }
  CHECK(scalars == std::map<std::string, float>{{"gap", 0.125f}, {"steps_per_second", 7.5f}});

  auto const histogram = field(field(field(all[3], 5), 1), 5);
  CHECK(as<double>(field(histogram, 1)) == 0);
  CHECK(as<double>(field(histogram, 2)) == 3);
  CHECK(as<double>(field(histogram, 3)) == 4);
  CHECK(as<double>(field(histogram, 4)) == 5);
  CHECK(as<double>(field(histogram, 5)) == 11);
  std::string const limits = field(histogram, 6), counts = field(histogram, 7);
  CHECK(as<double>(limits.substr(0, 8)) == 1);
  CHECK(as<double>(limits.substr(16, 8)) == 3);
  CHECK(as<double>(counts.substr(0, 8)) == 1);
  CHECK(as<double>(counts.substr(8, 8)) == 2);
  CHECK(as<double>(counts.substr(16, 8)) == 1);

  auto const image = field(field(field(all[4], 5), 1), 4);
  CHECK(field(image, 1) == "2");
  CHECK(field(image, 2) == "3");
  CHECK(field(image, 4) == png);
}

TEST_CASE("an event file that cannot be made is refused", "[io][event_file]") {
  CHECK_THROWS_WITH(
      basin::io::EventFile("no/such/folder"),
      Catch::Matchers::StartsWith("basin::io::EventFile: 'no/such/folder/events.out.tfevents.") &&
          Catch::Matchers::EndsWith("cannot be written: No such file or directory"));
}

}  // namespace
