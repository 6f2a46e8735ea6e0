// SPDX-License-Identifier: Apache-2.0
#include <basin/core/check.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <stdexcept>
#include <string>

namespace {

TEST_CASE("a refusal says who, what and the values", "[core][check]") {
  CHECK_THROWS_AS(basin::refuse("basin::f", "step_size must be > 0"), std::invalid_argument);
  CHECK_THROWS_WITH(basin::refuse("basin::f", "step_size must be > 0"),
                    "basin::f: step_size must be > 0");
  CHECK_THROWS_WITH(basin::refuse("basin::f", "points has second extent ", 3,
                                  ", the energy has dimension ", 2ull, std::string(", "), 0.5f),
                    "basin::f: points has second extent 3, the energy has dimension 2, 0.5");
}

TEST_CASE("rows are counted as an int, or refused with both numbers", "[core][check]") {
  CHECK(basin::checked_count("basin::f", "points", 2147418111) == 2147418111);
  for (std::size_t const rows : {std::size_t(2147418112), std::size_t(1) << 31,
                                 std::size_t(1) << 32, (std::size_t(1) << 32) + 1})
    CHECK_THROWS_WITH(basin::checked_count("basin::f", "points", rows),
                      "basin::f: points has " + std::to_string(rows) +
                          " rows, a call takes at most 2147418111; call it for parts of them, each "
                          "a Kokkos::subview");
  CHECK(basin::is_extent(2, 2));
  CHECK(!basin::is_extent((std::size_t(1) << 32) + 2, 2));
}

}  // namespace
