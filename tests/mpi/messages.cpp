// SPDX-License-Identifier: Apache-2.0
// What a training step sends, counted between the program and MPI, and that it allocates and waits for nothing else.

// Under the sanitizers this replaces new and delete; g++ inlines one alone and sees a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#include <basin/mpi/ranks.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "benchmarks/support/count_messages.hpp"

#include <catch2/catch_test_macros.hpp>

#include <bit>
#include <support/mpi.hpp>
#include <support/training.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using Network =
    basin::energy::Network<float, basin::Vector<3>, basin::layer::Dense<96>, basin::layer::Silu,
                           basin::layer::Dense<96>, basin::layer::Silu, basin::layer::Dense<1>>;
using Trainer = basin::train::Trainer<Network, basin::test::SmallObjective, basin::optimizer::Adam>;
namespace bench = basin::bench;
using bench::Sent;

constexpr long block = 4 * basin::optimizer::block;  // bytes
constexpr long all   = block * basin::optimizer::blocks(Network::parameters);
static_assert(basin::optimizer::blocks(Network::parameters) == 5);

Trainer made(basin::mpi::Ranks& ranks, int slices, int steps = 2) {
  auto small = basin::test::small_options<basin::test::SmallTrainer<Exec>>(steps);
  return Trainer({.objective = small.objective,
                  .optimizer = small.optimizer,
                  .batch     = 37,
                  .slices    = {.count = slices, .ranks = &ranks}},
                 basin::test::uniform_points(163, 3));
}

// Of ten steps.
Sent counted(basin::mpi::Ranks& ranks, int slices) {
  Trainer trainer = made(ranks, slices);
  trainer.step();
  bench::sent = {};
  for (int i = 0; i < 10; ++i) trainer.step();
  return bench::sent;
}

}  // namespace

TEST_CASE(
    "a step sends log2 R messages, together (R - 1) / R of the gradient, and gathers its part") {
  for (int const R : {1, 2, 4}) {
    Subset const some(R);
    if (!some.holds_this()) continue;
    basin::mpi::Ranks ranks(some.communicator());
    INFO(R << " ranks");
    Sent const mine = counted(ranks, 8);
    CHECK(mine.messages == 10 * (std::bit_width(unsigned(R)) - 1));
    CHECK(mine.gathers == (R > 1 ? 10 : 0));
    CHECK(mine.others == 0);
    // Halves are of whole blocks: what is sent and what is kept are all that there is.
    if (R > 1) CHECK(mine.bytes + mine.gathered == 10 * all);
  }
}

TEST_CASE("a step of ranks that are no power of two sends each owner the subtrees") {
  Subset const some(3);
  if (!some.holds_this()) return;
  basin::mpi::Ranks ranks(some.communicator());
  for (int const S : {6, 8}) {
    // Of 8 the ranks hold 0 to 1, 2 to 4 and 5 to 7: one subtree, and two each.
    long const subtrees = S == 6 || ranks.rank() == 0 ? 1 : 2;
    Sent const step     = counted(ranks, S);
    INFO(S << " slices, rank " << ranks.rank());
    CHECK(step.messages == 10 * 2 * subtrees);
    CHECK(step.bytes == subtrees * (10 * all - step.gathered));
    CHECK(step.gathers == 10);
    CHECK(step.others == 0);
  }
}

TEST_CASE(
    "a step on ranks allocates nothing, waits for its messages alone, and launches the same for "
    "any K") {
  bench::watch_kokkos();
  basin::mpi::Ranks& ranks = all_ranks();
  auto const run           = [&](int K) {
    Trainer trainer = made(ranks, 8, K);
    for (int i = 0; i < 3; ++i) trainer.step();
    return bench::count(Exec(), 100, [&] { trainer.step(); });
  };
  bench::Tally const one = run(1), many = run(9);
  CHECK(one.launches == many.launches);
  // Before each of two messages and before the parts go to all.
  CHECK(one.fences == 3 * 100);
  CHECK(many.fences == 3 * 100);
  CHECK(one.allocations == 0);
  CHECK(many.allocations == 0);
}
