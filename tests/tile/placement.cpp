// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/pack.hpp>
#include <basin/tile/packing.hpp>
#include <basin/tile/placement.hpp>

#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::tile;

constexpr Tuning block{16, 4, 4, 2, 128, 1000};

TEST_CASE("weights are staged where both fit, and copied where they do not", "[tile][placement]") {
  auto const of = [](std::size_t workspace, std::size_t copies) {
    return weight_placement<Exec, block>(workspace, copies);
  };
  if (!has_blocks<Exec>) {
    CHECK(of(100, 100) == WeightPlacement::natural);
    CHECK(of(100, 5000) == WeightPlacement::natural);
    return;
  }
  CHECK(of(100, 0) == WeightPlacement::natural);
  // Copies start at a multiple of 128 bytes.
  CHECK(copies_offset(1) == 128);
  CHECK(copies_offset(128) == 128);
  CHECK(of(100, 1000 - 128) == WeightPlacement::staged);
  CHECK(of(100, 1000 - 127) == WeightPlacement::copied);
  CHECK(of(129, 1000 - 256) == WeightPlacement::staged);
  CHECK(of(129, 1000 - 255) == WeightPlacement::copied);
  // A workspace that does not fit leaves shared memory to the weights.
  CHECK(of(1001, 1000) == WeightPlacement::staged);
  CHECK(of(1001, 1001) == WeightPlacement::copied);
}

TEST_CASE("the layout of copies is that of precision and register blocks", "[tile][placement]") {
  constexpr Tuning narrow = narrower(block, 4);
  constexpr Tuning other{16, 4, 3, 2, 128, 1000};
  STATIC_REQUIRE(layout_of(narrow) == layout_of(block));
  STATIC_REQUIRE(layout_of(other) != layout_of(block));
  constexpr Tuning reduced = with_precision(block, Precision::bf16);
  STATIC_REQUIRE(layout_of(reduced) != layout_of(block));
  STATIC_REQUIRE(layout_of(reduced) == layout_of(with_precision(other, Precision::bf16)));
}

}  // namespace
