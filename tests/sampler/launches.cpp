// SPDX-License-Identifier: Apache-2.0
// What a call of a sampler costs besides its steps: launches, allocations; and that the number of
// threads does not show in its bits.

// Under the sanitizers this replaces new and delete; g++ inlines one alone and sees a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/hamiltonian.hpp>
#include <basin/sampler/mala.hpp>
#include <basin/sampler/microcanonical.hpp>
#include <basin/sampler/paced_langevin.hpp>
#include <basin/sampler/parallel_tempering.hpp>

#include "benchmarks/support/count_allocations.hpp"

#include <catch2/catch_test_macros.hpp>

#include <type_traits>
#include <vector>

namespace {

using namespace basin::sampler;
using Exec      = BASIN_TEST_EXEC;
using Energy    = basin::energy::Quadratic<float, 3>;
using Chains    = Kokkos::View<float**, Kokkos::LayoutRight, Exec>;
using Tempering = ParallelTempering<Hamiltonian>;
namespace bench = basin::bench;
int constexpr n = 201;  // 67 ladders of 3 rungs

// Calls of a sampler with its state, from x = 0.
template <class S>
struct Run {
  Exec exec;
  S sampler;
  Chains chains{"chains", n, 3};
  state_of<S, float, Exec> state{exec, sampler, n, 3, 1};
  std::uint64_t step = 0;

  void operator()() {
    if constexpr (std::is_same_v<state_of<S, float, Exec>, NoState>)
      sample(exec, sampler, Energy{}, chains, {.seed = 1, .step = step});
    else
      sample(exec, sampler, state, Energy{}, chains, {.seed = 1, .step = step});
    step += 1000;
  }
};

template <class S>
bench::Tally cost(S const& sampler, int calls = 3) {
  Run<S> run{Exec(), sampler};
  run();
  return bench::count(run.exec, calls, [&] { run(); });
}

template <class S>
std::vector<float> states_after(Exec const& exec, S const& sampler) {
  Run<S> run{exec, sampler};
  for (int call = 0; call < 3; ++call) run();
  exec.fence();
  auto const x = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), run.chains);
  return std::vector<float>(x.data(), x.data() + x.size());
}

Adaptation constexpr tuning{.warmup = 4000, .block = 5}, tuned{.warmup = 0};

TEST_CASE("a call of a move is one launch, however many steps, and no allocation",
          "[sampler][allocation]") {
  bench::watch_kokkos();
  for (int const steps : {1, 17})
    for (bench::Tally const tally : {cost(Mala{.steps = steps}), cost(Hamiltonian{.steps = steps}),
                                     cost(Microcanonical{.steps = steps, .adaptation = tuned})}) {
      CHECK(tally.launches == 3);
      CHECK(tally.allocations == 0);
    }
}

TEST_CASE("a call of paced steps is two launches, and no allocation", "[sampler][allocation]") {
  bench::watch_kokkos();
  for (int const steps : {1, 17}) {
    auto const tally = cost(PacedLangevin<>{{.steps = steps}});
    CHECK(tally.launches == 2 * 3);
    CHECK(tally.allocations == 0);
  }
}

TEST_CASE("a block of a warm-up is three launches, and no allocation", "[sampler][allocation]") {
  bench::watch_kokkos();
  for (int const steps : {5, 20}) {
    auto const tally = cost(Microcanonical{.steps = steps, .adaptation = tuning});
    CHECK(tally.launches == 3 * 3 * steps / 5);
    CHECK(tally.allocations == 0);
  }
}

TEST_CASE("a round of swaps is as many launches, whatever the moves between",
          "[sampler][allocation]") {
  bench::watch_kokkos();
  auto const of = [](int rounds, int moves) {
    return cost(Tempering{.steps   = rounds,
                          .sampler = {.steps = moves},
                          .ladder  = TemperatureLadder::geometric(3, 0.1)});
  };
  bench::Tally const few = of(4, 1), long_moves = of(4, 17), many = of(8, 1);
  CHECK(few.launches == 3 * 4 * 3);  // moves and two more
  CHECK(long_moves.launches == few.launches);
  CHECK(many.launches == 2 * few.launches);
  CHECK((few.allocations == 0 && long_moves.allocations == 0 && many.allocations == 0));
}

TEST_CASE("chains have the same bits for one thread and for all", "[sampler][determinism]") {
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    auto const one  = Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1})[0];
    auto const same = [&](auto const& sampler) {
      return states_after(one, sampler) == states_after(Exec(), sampler);
    };
    CHECK(same(Mala{}));
    CHECK(same(Hamiltonian{}));
    CHECK(same(PacedLangevin<>{}));
    CHECK(same(Microcanonical{.adaptation = tuning}));
    CHECK(same(Tempering{.steps = 5, .ladder = TemperatureLadder::geometric(3, 0.1)}));
  }
}

}  // namespace
