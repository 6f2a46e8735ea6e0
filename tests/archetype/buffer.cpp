// SPDX-License-Identifier: Apache-2.0
// Policies of a replay buffer of a user's own, outside of namespace basin.
#include <basin/buffer/replay.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <vector>

namespace mine {

// All slots in turn, a few at each step.
struct Sweep {
  using axis                     = basin::buffer::draw_axis;
  static constexpr bool distinct = true;
  int each_step                  = 1;  // chains of a batch

  struct bind {
    int first, capacity;
    KOKKOS_FUNCTION bind(Sweep const& sweep, int slots, basin::Stream const& stream)
        : first(static_cast<int>(stream.step * static_cast<std::uint64_t>(sweep.each_step) %
                                 static_cast<std::uint64_t>(slots))),
          capacity(slots) {}
    KOKKOS_FUNCTION int operator()(std::uint32_t chain) const {
      return (first + static_cast<int>(chain)) % capacity;
    }
  };
  void check() const {
    if (each_step < 1) basin::refuse("mine::Sweep", "each_step must be >= 1, got ", each_step);
  }
};

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

// Multiples of a unit, in two bytes.
struct Multiples {
  using axis                              = basin::buffer::storage_axis;
  double unit                             = 0.25;
  bool operator==(Multiples const&) const = default;

  template <class Scalar>
  struct bind {
    using stored = short;
    bind(Multiples const& m, double, double) : unit(static_cast<Scalar>(m.unit)) {}
    KOKKOS_FUNCTION stored encode(Scalar x) const {
      return static_cast<stored>(Kokkos::round(x / unit));
    }
    KOKKOS_FUNCTION Scalar decode(stored k) const { return static_cast<Scalar>(k) * unit; }
    Scalar unit;
  };
};

}  // namespace mine

namespace {

using Exec   = BASIN_TEST_EXEC;
using Table  = Kokkos::View<float**, Kokkos::LayoutRight, Exec>;
using Replay = basin::buffer::Replay<mine::Sweep, mine::Pairs, mine::Multiples>;
using Ints   = std::vector<int>;

template <class View>
auto on_host(View const& view) {
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  return std::vector<typename View::non_const_value_type>(host.data(), host.data() + host.size());
}

TEST_CASE("draw, write and storage of a user's own are those of the buffer",
          "[archetype][buffer]") {
  Replay const options{
      .capacity = 7, .fresh = 0, .storage = {.unit = 0.5}, .draw = {.each_step = 5}};
  Replay::bind<Exec, float, basin::tile::default_tuning<Exec, float>()> buffer(Exec(), options, 5,
                                                                               1, {}, 1);
  Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace> const samples("samples", 7, 1);
  for (int slot = 0; slot < 7; ++slot) samples(slot, 0) = static_cast<float>(slot) + 0.1f;
  buffer.fill(Exec(), samples);
  CHECK(on_host(buffer.stored()) == std::vector<short>{0, 2, 4, 6, 8, 10, 12});

  Table const chains("chains", 5, 1);
  buffer.draw(Exec(), chains, 0);
  CHECK(on_host(buffer.slots()) == Ints{0, 1, 2, 3, 4});
  CHECK(on_host(chains) == std::vector<float>{0, 1, 2, 3, 4});
  buffer.draw(Exec(), chains, 1);
  CHECK(on_host(buffer.slots()) == Ints{5, 6, 0, 1, 2});

  // The initial content counts as written: 7 first, then 12.
  for (int i = 0; i < 5; ++i) Kokkos::deep_copy(Kokkos::subview(chains, i, 0), 10.f * float(i));
  buffer.write(Exec(), chains, 1);
  CHECK(on_host(buffer.stored()) == std::vector<short>{20, 60, 4, 6, 8, 10, 12});
  CHECK(on_host(buffer.slots()) == Ints{0, 0, 1, 1, -1});
  buffer.write(Exec(), chains, 2);
  CHECK(on_host(buffer.stored()) == std::vector<short>{20, 60, 4, 6, 8, 20, 60});

  auto changed    = options;
  changed.storage = {.unit = 1};
  CHECK_THROWS_WITH(buffer.change(changed),
                    "basin::buffer::Replay: storage holds the samples since the arrays were made "
                    "and cannot be changed");
  CHECK_THROWS_WITH((Replay{.draw = {.each_step = 0}}.check(1)),
                    "mine::Sweep: each_step must be >= 1, got 0");
}

}  // namespace
