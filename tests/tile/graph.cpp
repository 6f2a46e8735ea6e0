// SPDX-License-Identifier: Apache-2.0
#include <basin/core/philox.hpp>
#include <basin/tile/graph.hpp>
#include <basin/tile/launch.hpp>

#include "support/clock.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>

#include <stdexcept>
#include <utility>
#include <vector>

namespace graph_test {

// Counts the calls for each step; then the clock goes on.
template <class Exec>
struct Mark {
  using scalar_type                   = float;
  static constexpr int workspace_rows = 1;
  basin::Step step;
  Kokkos::View<int*, Exec> seen;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, float*, int) const {
    Mark const self = *this;
    c.each(1, [=](int) { self.seen(static_cast<int>(self.step.now())) += 1; });
  }
};
template <class Exec>
struct GoOn {
  using scalar_type                   = float;
  static constexpr int workspace_rows = 0;
  Kokkos::View<std::uint64_t, Exec> clock;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, float*, int) const {
    Kokkos::View<std::uint64_t, Exec> const to = clock;
    c.each(1, [=](int) { to() += 1; });
  }
};

}  // namespace graph_test

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::tile::Graph;
using basin::tile::Tuning;
constexpr Tuning tuning = basin::test::is_host<Exec>
                              ? Tuning{8, 4, 4, 1, 1}
                              : Tuning{8, 4, 4, 1, 64, basin::tile::shared_memory<Exec>()};

using Seen = std::vector<int>;

// In a template: a host's Graph has no record.
template <class E, Tuning t>
void check_graphs() {
  int constexpr steps = 10;
  E const exec;
  basin::test::Clock<E> const clock(0);
  Kokkos::View<int*, E> const seen("seen", steps);
  auto const launches = [&] {
    basin::tile::for_each_tile<t>(exec, "mark", 1, graph_test::Mark<E>{clock.step(), seen});
    basin::tile::for_each_tile<t>(exec, "go on", 1, graph_test::GoOn<E>{clock.time});
  };
  auto const found = [&] {
    exec.fence();
    auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, seen);
    return Seen(host.data(), host.data() + host.size());
  };
  launches();
  CHECK(found() == Seen{1, 0, 0, 0, 0, 0, 0, 0, 0, 0});

  Graph<E> graph;
  CHECK(!graph.ready());
  graph.record(exec, launches);
  CHECK(graph.ready());
  CHECK(found() == Seen{1, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  for (int i = 0; i < 3; ++i) graph.launch(exec);
  CHECK(found() == Seen{1, 1, 1, 1, 0, 0, 0, 0, 0, 0});
  // The clock may be set between launches.
  exec.fence();
  clock.set(7);
  graph.launch(exec);
  CHECK(found() == Seen{1, 1, 1, 1, 0, 0, 0, 1, 0, 0});

  Graph<E> moved(std::move(graph));
  CHECK(moved.ready());
  CHECK(!graph.ready());
  moved.launch(exec);
  CHECK(found() == Seen{1, 1, 1, 1, 0, 0, 0, 1, 1, 0});

  // A failure on the way is no graph, and ends the recording.
  CHECK_THROWS_AS(graph.record(exec,
                               [&] {
                                 launches();
                                 throw std::invalid_argument("on the way");
                               }),
                  std::invalid_argument);
  CHECK(!graph.ready());
  CHECK(found() == Seen{1, 1, 1, 1, 0, 0, 0, 1, 1, 0});
  launches();
  CHECK(found() == Seen{1, 1, 1, 1, 0, 0, 0, 1, 1, 1});

  // Of memory that has moved a graph must not speak.
  (void)basin::tile::scratch(exec, basin::tile::Scratch::library, 12345);
  CHECK(!moved.ready());
  clock.set(0);
  moved.record(exec, launches);
  CHECK(moved.ready());
  moved.clear();
  CHECK(!moved.ready());
}

template <class E, Tuning t>
void check_none() {
  STATIC_REQUIRE(!basin::tile::has_graphs<E, t>);
  Graph<E> graph, other(std::move(graph));
  CHECK(!other.ready());
  other.clear();
  CHECK(!other.ready());
}

TEST_CASE("a graph's kernels run when it is launched, each launch at its step", "[tile][graph]") {
  // Kokkos' own kernels are no blocks of a GPU.
  check_none<Exec, Tuning{8, 4, 4, 1, 64}>();
  auto const check = []<class E, Tuning t>() {
    if constexpr (basin::test::is_host<E>)
      check_none<E, t>();
    else
      check_graphs<E, t>();
  };
  check.template operator()<Exec, tuning>();
}

}  // namespace
