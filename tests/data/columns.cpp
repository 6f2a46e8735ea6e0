// SPDX-License-Identifier: Apache-2.0
#include <basin/data/columns.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

namespace {

TEST_CASE("selected and dropped columns are complementary", "[data][columns]") {
  auto const x = basin::data::make_table(2, 4);
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 4; ++j) x(i, j) = j == 3 ? 7 * i : 3 * i + j + 1;
  auto const selected = basin::data::select_columns(x, {0, 2});
  auto const dropped  = basin::data::drop_columns(x, {1, 3});
  REQUIRE(selected.extent(1) == 2);
  REQUIRE(dropped.extent(1) == 2);
  for (int i = 0; i < 2; ++i) {
    CHECK(selected(i, 0) == x(i, 0));
    CHECK(selected(i, 1) == x(i, 2));
    CHECK(dropped(i, 0) == selected(i, 0));
    CHECK(dropped(i, 1) == selected(i, 1));
  }
  basin::data::Labels const labels = basin::data::label_column(x, 3);
  CHECK(labels(0) == 0);
  CHECK(labels(1) == 7);
}

TEST_CASE("columns that do not exist, and labels that are none, are refused", "[data][columns]") {
  auto const two = basin::data::make_samples(2, 2);
  two(0, 0)      = 1;
  two(1, 0)      = 0.5F;
  CHECK_THROWS_WITH(basin::data::select_columns(two, {-1}),
                    "basin::data::select_columns: column -1 is asked for, there are 2");
  CHECK_THROWS_WITH(basin::data::select_columns(two, {}),
                    "basin::data::select_columns: 0 columns are asked for, there are 2");
  CHECK_THROWS_WITH(basin::data::drop_columns(two, {0, 1}),
                    "basin::data::drop_columns: all 2 columns are to be dropped");
  CHECK_THROWS_WITH(basin::data::label_column(two, 0),
                    "basin::data::label_column: sample 1 has 0.500000 in column 0, a label is an "
                    "integer from 0 to 16777215");
  two(1, 0) = 16777217;  // which float holds as 16777216
  CHECK_THROWS_WITH(basin::data::label_column(two, 0),
                    "basin::data::label_column: sample 1 has 16777216.000000 in column 0, a label "
                    "is an integer from 0 to 16777215");
}

}  // namespace
