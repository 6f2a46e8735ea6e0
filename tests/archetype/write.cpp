// SPDX-License-Identifier: Apache-2.0
// A write policy of a replay buffer of a user's own, outside of namespace basin.
#include <basin/buffer/replay.hpp>

#include <catch2/catch_test_macros.hpp>

#include <vector>

// [listing]
namespace mine {

// Two neighbors share a slot, and the last chain goes nowhere.
struct Pairs {
  using axis                    = basin::buffer::write_axis;
  static constexpr auto contest = basin::buffer::write::Contest::always;
  static constexpr auto winner  = basin::buffer::write::Winner::highest;
  static constexpr bool counts  = true;
  int last                      = 4;

  KOKKOS_FUNCTION int operator()(basin::buffer::write::Chain const& chain) const {
    if (chain.number == last) return -1;
    int const first = static_cast<int>(chain.written() % static_cast<unsigned>(chain.capacity));
    return (first + chain.number / 2) % chain.capacity;
  }
};

}  // namespace mine
// [/listing]

namespace {

using Exec   = BASIN_TEST_EXEC;
using Table  = Kokkos::View<float**, Kokkos::LayoutRight, Exec>;
using Replay = basin::buffer::Replay<mine::Pairs>;
using Ints   = std::vector<int>;
using Values = std::vector<float>;

template <class View>
auto on_host(View const& view) {
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  return std::vector<typename View::non_const_value_type>(host.data(), host.data() + host.size());
}

TEST_CASE("a write of a user's own says where chains go, and who of two", "[archetype][write]") {
  Replay::bind<Exec, float, basin::tile::default_tuning<Exec, float>()> buffer(
      Exec(), {.capacity = 7, .fresh = 0}, 5, 1, {}, 1);
  Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace> const samples("samples", 7, 1);
  for (int slot = 0; slot < 7; ++slot) samples(slot, 0) = static_cast<float>(slot);
  buffer.fill(Exec(), samples);
  Table const chains("chains", 5, 1);
  buffer.draw(Exec(), chains, 0);
  for (int i = 0; i < 5; ++i) Kokkos::deep_copy(Kokkos::subview(chains, i, 0), 10.f * float(i));
  // The initial content counts as written: 7 first, then 12.
  buffer.write(Exec(), chains, 0);
  CHECK(on_host(buffer.stored()) == Values{10, 30, 2, 3, 4, 5, 6});
  CHECK(on_host(buffer.slots()) == Ints{0, 0, 1, 1, -1});
  CHECK(on_host(buffer.ages()) == Ints{1, 1, 0, 0, 0, 0, 0});
  buffer.write(Exec(), chains, 1);
  CHECK(on_host(buffer.stored()) == Values{10, 30, 2, 3, 4, 10, 30});
}

}  // namespace
