// SPDX-License-Identifier: Apache-2.0
// What a training step sends, counted between the program and MPI, and that it allocates and waits for nothing else.

// Under the sanitizers this replaces new and delete; g++ inlines one alone and sees a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#include <basin/mpi/ranks.hpp>

#include "benchmarks/support/count_allocations.hpp"

#include <catch2/catch_test_macros.hpp>

#include <bit>
#include <support/mpi.hpp>
#include <support/training.hpp>

namespace {

struct Sent {
  long messages = 0, bytes = 0, gathers = 0, gathered = 0, others = 0;
} sent;

}  // namespace

// MPI's profiling interface: these take the place of MPI's own, which they call, and whose own memory does
// not count.
template <class Call>
int uncounted(Call const& call) {
  auto const heap             = basin::bench::counters.heap.load();
  int const result            = call();
  basin::bench::counters.heap = heap;
  return result;
}
int size_of(MPI_Datatype type) {
  int size = 0;
  PMPI_Type_size(type, &size);
  return size;
}
extern "C" {
int MPI_Isend(void const* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request* request) {
  ++sent.messages;
  sent.bytes += long(count) * size_of(type);
  return uncounted([&] { return PMPI_Isend(data, count, type, to, tag, comm, request); });
}
int MPI_Irecv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
              MPI_Request* request) {
  return uncounted([&] { return PMPI_Irecv(data, count, type, from, tag, comm, request); });
}
int MPI_Testall(int count, MPI_Request* requests, int* done, MPI_Status* states) {
  return uncounted([&] { return PMPI_Testall(count, requests, done, states); });
}
int MPI_Iallgatherv(void const* from, int count, MPI_Datatype from_type, void* to,
                    int const* counts, int const* begins, MPI_Datatype type, MPI_Comm comm,
                    MPI_Request* request) {
  int rank = 0;
  PMPI_Comm_rank(comm, &rank);
  ++sent.gathers;
  sent.gathered += long(counts[rank]) * size_of(type);
  return uncounted([&] {
    return PMPI_Iallgatherv(from, count, from_type, to, counts, begins, type, comm, request);
  });
}
int MPI_Iallreduce(void const* from, void* to, int count, MPI_Datatype type, MPI_Op op,
                   MPI_Comm comm, MPI_Request* request) {
  ++sent.others;
  return PMPI_Iallreduce(from, to, count, type, op, comm, request);
}
int MPI_Allreduce(void const* from, void* to, int count, MPI_Datatype type, MPI_Op op,
                  MPI_Comm comm) {
  ++sent.others;
  return PMPI_Allreduce(from, to, count, type, op, comm);
}
int MPI_Bcast(void* data, int count, MPI_Datatype type, int root, MPI_Comm comm) {
  ++sent.others;
  return PMPI_Bcast(data, count, type, root, comm);
}
}

namespace {

using Exec = BASIN_TEST_EXEC;
using Network =
    basin::energy::Network<float, basin::Vector<3>, basin::layer::Dense<96>, basin::layer::Silu,
                           basin::layer::Dense<96>, basin::layer::Silu, basin::layer::Dense<1>>;
using Trainer = basin::train::Trainer<Network, basin::test::SmallObjective, basin::optimizer::Adam>;
namespace bench = basin::bench;

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
  sent = {};
  for (int i = 0; i < 10; ++i) trainer.step();
  return sent;
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
