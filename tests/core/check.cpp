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

}  // namespace
