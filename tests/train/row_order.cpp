// SPDX-License-Identifier: Apache-2.0
#include <basin/train/row_order.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <algorithm>
#include <set>
#include <tuple>

namespace {

using basin::train::RowOrder;
using basin::train::RowSegment;

// The first windows, row by row.
std::vector<std::uint64_t> sequence(std::uint64_t rows, std::uint64_t block, std::uint64_t window,
                                    std::uint64_t windows, std::uint64_t seed = 3) {
  RowOrder order(rows, block, window, seed);
  std::vector<std::uint64_t> all;
  for (std::uint64_t n = 0; n < windows; ++n)
    for (RowSegment const& s : order(n))
      for (std::uint64_t i = 0; i < s.count; ++i) all.push_back(s.first + i);
  return all;
}

TEST_CASE("every row is read once per epoch, in blocks that keep their order", "[train][rows]") {
  for (auto const& [rows, block, window] :
       {std::tuple(100u, 10u, 20u), std::tuple(101u, 10u, 33u), std::tuple(9u, 4u, 7u),
        std::tuple(10u, 10u, 10u), std::tuple(103u, 50u, 8u), std::tuple(7u, 1u, 5u)}) {
    CAPTURE(rows, block, window);
    auto const all = sequence(rows, block, window, 3 * rows / window + 1);
    std::set<std::vector<std::uint64_t>> orders;
    for (std::size_t e = 0; e + rows <= all.size(); e += rows) {
      std::vector<std::uint64_t> epoch(all.begin() + static_cast<long>(e),
                                       all.begin() + static_cast<long>(e + rows));
      for (std::size_t i = 0; i < rows; ++i)
        if (epoch[i] % block != 0) {
          REQUIRE(i > 0);
          CHECK(epoch[i] == epoch[i - 1] + 1);
        }
      orders.insert(epoch);
      std::ranges::sort(epoch);
      for (std::size_t i = 0; i < rows; ++i) CHECK(epoch[i] == i);
    }
    if (rows / block > 8) CHECK(orders.size() > 1);
  }
}

TEST_CASE("a window is a function of seed and number, whatever was asked before", "[train][rows]") {
  RowOrder there(101, 10, 33, 3), back(101, 10, 33, 3), other(101, 10, 33, 4);
  std::vector<std::vector<RowSegment>> windows, others;
  for (std::uint64_t n = 0; n < 12; ++n) windows.push_back(there(n)), others.push_back(other(n));
  for (std::uint64_t n = 12; n-- > 0;) CHECK(back(n) == windows[n]);
  CHECK(windows != others);
}

TEST_CASE("sets of more than 2^31 rows have an order", "[train][rows]") {
  std::uint64_t const rows = (std::uint64_t(1) << 40) + 5, block = std::uint64_t(1) << 32;
  RowOrder order(rows, block, 1000, 1);
  std::uint64_t const last = rows / 1000;  // it has the epoch's end, and the next one's start
  std::uint64_t count      = 0;
  for (RowSegment const& s : order(last)) {
    CHECK(s.first + s.count <= rows);
    count += s.count;
  }
  CHECK(count == 1000);
  CHECK_THROWS_WITH(RowOrder(rows, 1, 1000, 1),
                    "basin::train::RowStream: a block has 1 rows, and 1099511627781 rows are "
                    "1099511627781 of them, more than 2147483647; write a larger block");
}

}  // namespace
