// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/weight.hpp>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace {

using basin::objective::EnergyPenalty;
using basin::objective::Weight;

TEMPLATE_TEST_CASE("weights rise linearly over their ramp, then stay", "[objective][weight]",
                   Weight, EnergyPenalty) {
  TestType const weight{.coefficient = 0.5, .ramp = 4};
  CHECK(weight.at(0) == 0.125);
  CHECK(weight.at(1) == 0.25);
  CHECK(weight.at(3) == 0.5);
  CHECK(weight.at(4) == 0.5);
  CHECK(weight.at(std::uint64_t(1) << 40) == 0.5);
  CHECK(TestType{.coefficient = 0.5}.at(0) == 0.5);
}

TEST_CASE("a penalty is off and a weight is 1 unless somebody says more", "[objective][weight]") {
  CHECK(EnergyPenalty{}.at(7) == 0);
  CHECK(Weight{}.at(7) == 1);
}

TEST_CASE("weights refuse numbers that mean nothing, and say them", "[objective][weight]") {
  double const infinity = std::numeric_limits<double>::infinity();
  std::string who       = "basin::objective::EnergyPenalty: ";
  CHECK_THROWS_WITH(EnergyPenalty{.coefficient = -1}.check(),
                    who + "coefficient must be >= 0 and finite, got -1");
  CHECK_THROWS_WITH(EnergyPenalty{.coefficient = std::nan("")}.check(),
                    who + "coefficient must be >= 0 and finite, got nan");
  CHECK_THROWS_WITH(EnergyPenalty{.coefficient = infinity}.check(),
                    who + "coefficient must be >= 0 and finite, got inf");
  CHECK_THROWS_WITH(EnergyPenalty{.ramp = -1}.check(), who + "ramp must be >= 0, got -1");
  CHECK_NOTHROW(EnergyPenalty{}.check());
  who = "basin::objective::Weight: ";
  CHECK_THROWS_WITH(Weight{.coefficient = infinity}.check(),
                    who + "coefficient must be finite, got inf");
  CHECK_THROWS_WITH(Weight{.ramp = -1}.check(), who + "ramp must be >= 0, got -1");
  CHECK_NOTHROW(Weight{.coefficient = -1}.check());
}

}  // namespace
