// SPDX-License-Identifier: Apache-2.0
#include <basin/core/philox.hpp>
#include <basin/tile/launch.hpp>
#include <basin/tile/phases.hpp>

#include "benchmarks/support/counters.hpp"
#include "support/tunings.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>

#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::test::layerwise;
using basin::tile::Tuning;
using Points    = Kokkos::View<float**, Kokkos::LayoutRight, Exec>;
namespace bench = basin::bench;

constexpr int chains = 101, rows = 11;

// Every phase reads what other threads wrote in the one before it, other rows and other chains:
// done too early, too late or twice, each would leave other numbers.
struct Mix {
  using scalar_type                   = float;
  static constexpr int workspace_rows = 2 * rows + 1;
  Points in, out;  // (chains, rows)
  int outer, inner;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, float* x, int tile) const {
    constexpr int T = Context::width;
    int const first = tile * T, times = inner;
    float* const y   = x + rows * T;
    float* const sum = y + rows * T;
    c.load_chains(in, first, chains, +rows, x);
    c.barrier();  // of a phase in which nothing is to be done
    c.each(0, [](int) {});
    c.repeat(outer, [=](int k) {
      c.reduce(
          1, +rows, [=](auto at) { return at.load(x); },
          [=](auto at, auto total) { at.store(sum, total); });
      c.repeat(times, [=](int j) {
        c.map(+rows, [=](auto at) {
          using V = typename decltype(at)::value_type;
          V const step(0.01f * static_cast<float>(10 * k + j + 1));
          at.store(y, fma(step, at.at(0).load(sum), at.at((at.row + 1) % rows).load(x)));
        });
        c.each(rows * T, [=](int i) { x[i] = y[i / T * T + (i + 1) % T]; });
      });
      c.map(+rows, [=](auto at) {
        using V = typename decltype(at)::value_type;
        at.store(x, at.load(x) * V(0.5f));
      });
    });
    // Two primitives of one phase, of different lengths.
    c.team().each(3, [=](int i) { y[i] = x[i] + 1; });
    c.team().each(rows * T - 3, [=](int i) { y[3 + i] = x[3 + i] - 1; });
    c.barrier();
    c.store_chains(y, first, chains, +rows, out);
  }

  // Phases in which something is done.
  int phases() const { return 1 + outer * (1 + 2 * inner + 1) + 1 + 1; }
};

Points points() {
  Points const x("x", chains, rows);
  auto const host = Kokkos::create_mirror_view(x);
  for (int i = 0; i < chains * rows; ++i)
    host.data()[i] = 2 * basin::unit_uniform<float>(basin::random_word(
                             {3, basin::Purpose::data_noise}, static_cast<std::uint32_t>(i), 0)) -
                     1;
  Kokkos::deep_copy(x, host);
  return x;
}

template <Tuning tuning>
std::vector<float> mixed(int outer, int inner) {
  Points const out("out", chains, rows);
  basin::tile::for_each_tile<tuning>(Exec(), "test", basin::tile::tiles(chains, tuning.width),
                                     Mix{points(), out, outer, inner});
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, out);
  return {host.data(), host.data() + host.size()};
}

template <class F>
void for_each_layerwise(F const& f) {
  if constexpr (basin::test::is_host<Exec>)
    basin::test::detail::run_tunings<Exec, Tuning{8, 4, 4, 1, 1}, Tuning{16, 4, 4, 1, 2}>(f);
  else
    basin::test::detail::run_tunings<Exec,
                                     Tuning{8, 4, 4, 1, 64, basin::tile::shared_memory<Exec>()},
                                     Tuning{16, 4, 4, 1, 256, basin::tile::shared_memory<Exec>()}>(
        f);
}

TEST_CASE("a work done phase by phase gives the bits of one that is done tile by tile",
          "[tile][phases]") {
  for_each_layerwise([]<Tuning tuning>() {
    CAPTURE(tuning.width, tuning.team);
    for (int const outer : {0, 1, 4})
      for (int const inner : {0, 1, 3}) {
        CAPTURE(outer, inner);
        auto const fused = mixed<tuning>(outer, inner);
        CHECK(mixed<layerwise(tuning)>(outer, inner) == fused);
        // Again, in the same working memory.
        CHECK(mixed<layerwise(tuning)>(outer, inner) == fused);
      }
    // So that numbers of iterations count.
    CHECK(mixed<tuning>(4, 3) != mixed<tuning>(3, 3));
    CHECK(mixed<tuning>(4, 3) != mixed<tuning>(4, 1));
  });
}

TEST_CASE("every phase in which something is done is a launch", "[tile][phases]") {
  bench::watch_kokkos();
  Exec const exec;
  for_each_layerwise([&]<Tuning tuning>() {
    CAPTURE(tuning.width, tuning.team);
    Points const in = points(), out("out", chains, rows);
    int const tiles = basin::tile::tiles(chains, tuning.width);
    for (int const outer : {0, 1, 4})
      for (int const inner : {0, 3}) {
        CAPTURE(outer, inner);
        Mix const work{in, out, outer, inner};
        auto const count = [&]<Tuning t>(int of_tiles) {
          return bench::count(exec, 1,
                              [&] { basin::tile::for_each_tile<t>(exec, "test", of_tiles, work); });
        };
        auto const phases = count.template operator()<layerwise(tuning)>(tiles);
        CHECK(phases.launches == work.phases());
        CHECK(phases.fences == 0);
        CHECK(phases.allocations == 0);
        CHECK(count.template operator()<tuning>(tiles).launches == 1);
        CHECK(count.template operator()<layerwise(tuning)>(0).launches == 0);
      }
  });
}

// Without a workspace there are no phases: nothing could go from one to the next.
struct Count {
  using scalar_type                   = float;
  static constexpr int workspace_rows = 0;
  Kokkos::View<int*, Exec> calls;
  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, float*, int tile) const {
    Kokkos::View<int*, Exec> const to = calls;
    c.each(1, [=](int) { to(tile) += 1; });
    c.each(1, [=](int) { to(tile) *= 3; });
  }
};

TEST_CASE("a work without a workspace is one launch in any strategy", "[tile][phases]") {
  bench::watch_kokkos();
  for_each_layerwise([]<Tuning tuning>() {
    Kokkos::View<int*, Exec> const calls("calls", 7);
    auto const tally = bench::count(Exec(), 1, [&] {
      basin::tile::for_each_tile<layerwise(tuning)>(Exec(), "test", 7, Count{calls});
    });
    CHECK(tally.launches == 1);
    auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, calls);
    for (int i = 0; i < 7; ++i) CHECK(host(i) == (1 * 3 + 1) * 3);
  });
}

// The numbers of the present step reach every phase.
struct AddStep {
  using scalar_type                   = float;
  static constexpr int workspace_rows = 1;
  basin::Step step;
  Kokkos::View<float*, Exec> out;

  KOKKOS_FUNCTION AddStep now() const { return {step.now(), out}; }
  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, float* x, int tile) const {
    float const n                       = static_cast<float>(step.number);
    Kokkos::View<float*, Exec> const to = out;
    c.map(1, [=](auto at) { at.store(x, typename decltype(at)::value_type(n)); });
    c.each(1, [=](int) { to(tile) = 10 * x[0] + n; });
  }
};

TEST_CASE("phases see the numbers of the present step", "[tile][phases]") {
  for_each_layerwise([]<Tuning tuning>() {
    Kokkos::View<float*, Exec> const out("out", 5);
    basin::tile::for_each_tile<layerwise(tuning)>(Exec(), "test", 5, AddStep{3, out});
    auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, out);
    for (int i = 0; i < 5; ++i) CHECK(host(i) == 33);
  });
}

}  // namespace
