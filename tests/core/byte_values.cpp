// SPDX-License-Identifier: Apache-2.0
#include <basin/core/byte_values.hpp>

#include <catch2/catch_test_macros.hpp>

TEST_CASE("bytes are spread evenly from the lower value to the upper one", "[core][byte_values]") {
  auto const pixels = basin::byte_values(-1, 1), same = basin::byte_values(0, 255);
  CHECK(pixels[0] == -1);
  CHECK(pixels[255] == 1);
  for (int byte = 0; byte < 256; ++byte) {
    CHECK(same[static_cast<std::size_t>(byte)] == static_cast<float>(byte));
    CHECK(pixels[static_cast<std::size_t>(byte)] == static_cast<float>(byte / 127.5 - 1));
  }
}
