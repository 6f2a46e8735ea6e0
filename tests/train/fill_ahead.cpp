// SPDX-License-Identifier: Apache-2.0
// The preset tsan sees a buffer that belongs to both threads at once.
#include <basin/train/fill_ahead.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

using basin::train::detail::FillAhead;

TEST_CASE("the buffer has the number that is waited for, whatever was started", "[train][stream]") {
  std::vector<std::uint64_t> buffer(10000);
  FillAhead ahead([&](std::uint64_t n, std::atomic<bool> const&) { std::ranges::fill(buffer, n); });
  for (std::uint64_t const n : {0, 1, 2, 3, 7, 2, 3, 3, 4, 100}) {
    ahead.wait(n);
    CHECK(std::ranges::count(buffer, n) == 10000);
    ahead.start(n + 1);
  }
}

TEST_CASE("what nobody waits for any more is given up, with its error", "[train][stream]") {
  std::atomic<std::uint64_t> begun = 0;
  FillAhead ahead([&](std::uint64_t n, std::atomic<bool> const& is_stale) {
    begun = n;
    if (n == 0) return;
    while (!is_stale) std::this_thread::yield();  // without end
    throw std::runtime_error("given up");
  });
  auto const is_under_way = [&](std::uint64_t n) {
    ahead.start(n);
    while (begun != n) std::this_thread::yield();
  };
  is_under_way(1);
  CHECK_NOTHROW(ahead.wait(0));
  is_under_way(2);  // the destructor does not wait for it
}

TEST_CASE("an error is thrown by who waits, and the number filled again for the next",
          "[train][stream]") {
  int errors = 2;
  FillAhead ahead([&](std::uint64_t n, std::atomic<bool> const&) {
    if (n == 3 && errors-- > 0) throw std::runtime_error("no 3");
  });
  ahead.wait(2);
  ahead.start(3);
  CHECK_THROWS_WITH(ahead.wait(3), "no 3");
  CHECK_THROWS_WITH(ahead.wait(3), "no 3");
  CHECK_NOTHROW(ahead.wait(3));
}

}  // namespace
