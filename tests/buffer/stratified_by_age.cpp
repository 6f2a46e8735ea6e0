// SPDX-License-Identifier: Apache-2.0
#include <basin/buffer/replay.hpp>
#include <basin/buffer/stratified_by_age.hpp>

#include "support/clock.hpp"
#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace {

using Exec   = BASIN_TEST_EXEC;
using Buffer = basin::buffer::Replay<basin::buffer::draw::StratifiedByAge>;
using Bound  = Buffer::bind<Exec, float, basin::tile::default_tuning<Exec, float>()>;
using Chains = Kokkos::View<float**, Kokkos::LayoutRight, Exec>;
using basin::test::on_host;

constexpr int capacity = 103, batch = 10;

// A buffer of slots of these ages.
Bound buffer_of(std::vector<int> const& ages, Exec const& exec = Exec()) {
  Bound buffer(exec, {.capacity = capacity, .fresh = 0}, batch, 1, {}, 3);
  auto const host = Kokkos::create_mirror_view(buffer.ages());
  std::copy(ages.begin(), ages.end(), host.data());
  Kokkos::deep_copy(buffer.ages(), host);
  return buffer;
}
// Of all sizes, many of them equal.
std::vector<int> ages_of(int size) {
  std::mt19937 bits(4);
  std::vector<int> ages(capacity);
  for (int& age : ages) age = int(bits() % unsigned(size));
  return ages;
}
std::vector<int> drawn(Bound& buffer, basin::Step const& step, Exec const& exec = Exec()) {
  Chains const chains("chains", batch, 1);
  buffer.draw(exec, chains, step);
  exec.fence();
  return on_host(buffer.slots());
}

TEST_CASE("a batch has one chain of each part of the slots by age, each slot as often as another",
          "[buffer][stratified_by_age]") {
  for (int const size : {1, 7, 300, 70000, 1 << 30}) {
    CAPTURE(size);
    auto const ages = ages_of(size);
    std::vector<int> order(capacity);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return ages[std::size_t(a)] < ages[std::size_t(b)]; });
    auto buffer         = buffer_of(ages);
    int constexpr steps = 2000;
    std::vector<int> times(capacity);
    for (std::uint64_t k = 0; k < steps; ++k) {
      auto const slots = drawn(buffer, k);
      for (int i = 0; i < batch; ++i) {
        auto const first = order.begin() + i * capacity / batch;
        auto const last  = order.begin() + (i + 1) * capacity / batch;
        REQUIRE(std::find(first, last, slots[std::size_t(i)]) != last);
        ++times[std::size_t(slots[std::size_t(i)])];
      }
    }
    // A slot of a part of 10 or 11 in each of 2000 steps; five standard deviations.
    for (int const n : times)
      CHECK(std::abs(n - 2000 / 10.3) < 5 * std::sqrt(200 * 0.9) + 2000 * (1 / 10. - 1 / 10.3));
  }
}

TEST_CASE("slots are sorted by age, those of equal age by number, in any number of parts",
          "[buffer][stratified_by_age]") {
  using Sort = basin::buffer::detail::SortByAge<float>;
  for (int const parts : {1, 7, 64}) {
    Kokkos::View<int*, Exec> const ages("ages", capacity), order("order", capacity),
        other("other", capacity), counts("counts", +Sort::counts_size);
    auto const host  = Kokkos::create_mirror_view(ages);
    auto const right = ages_of(1000);
    std::copy(right.begin(), right.end(), host.data());
    Kokkos::deep_copy(ages, host);
    basin::tile::for_each_tile<basin::tile::default_tuning<Exec, float>()>(
        Exec(), "test", 1,
        Sort{parts, ages.data(), capacity, order.data(), other.data(), counts.data()});
    Exec().fence();
    auto const slots = on_host(order);
    for (std::size_t i = 1; i < capacity; ++i) {
      int const a = slots[i - 1], b = slots[i];
      int const young = right[std::size_t(a)], old = right[std::size_t(b)];
      CHECK((young < old || (young == old && a < b)));
    }
  }
}

TEST_CASE("chains that ran move to the part of the older", "[buffer][stratified_by_age]") {
  auto buffer = buffer_of(std::vector<int>(capacity));
  Chains const chains("chains", batch, 1);
  for (std::uint64_t k = 0; k < 200; ++k) {
    auto const before = on_host(buffer.ages());
    auto const slots  = drawn(buffer, k);
    for (std::size_t i = 1; i < batch; ++i)
      CHECK(before[std::size_t(slots[i - 1])] <= before[std::size_t(slots[i])]);
    buffer.write(Exec(), chains, k);
    Exec().fence();
  }
  auto const ages = on_host(buffer.ages());
  CHECK(std::accumulate(ages.begin(), ages.end(), 0) == 200 * batch);
}

TEST_CASE("draws in strata have the same bits for any number of threads, and by a clock",
          "[buffer][stratified_by_age]") {
  auto buffer      = buffer_of(ages_of(300));
  auto const right = drawn(buffer, 5);
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    auto const part = Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1})[0];
    auto one        = buffer_of(ages_of(300), part);
    CHECK(drawn(one, 5, part) == right);
  }
  if constexpr (basin::test::reads_clocks<Exec>)
    CHECK(drawn(buffer, basin::test::Clock<Exec>(5).step()) == right);
}

}  // namespace
