// SPDX-License-Identifier: Apache-2.0
#ifndef BENCHMARKS_SUPPORT_COUNT_MESSAGES_HPP
#define BENCHMARKS_SUPPORT_COUNT_MESSAGES_HPP

#include "benchmarks/support/counters.hpp"

#include <mpi.h>

// Counts what a program sends, between it and MPI. Included by one translation unit of a program.

namespace basin::bench {

/// What this rank has sent: to one rank, its parts to all, and by other collective calls.
struct Sent {
  long messages = 0, bytes = 0, gathers = 0, gathered = 0, others = 0;
};
inline Sent sent;

}  // namespace basin::bench

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
  ++basin::bench::sent.messages;
  basin::bench::sent.bytes += long(count) * size_of(type);
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
  ++basin::bench::sent.gathers;
  basin::bench::sent.gathered += long(counts[rank]) * size_of(type);
  return uncounted([&] {
    return PMPI_Iallgatherv(from, count, from_type, to, counts, begins, type, comm, request);
  });
}
int MPI_Iallreduce(void const* from, void* to, int count, MPI_Datatype type, MPI_Op op,
                   MPI_Comm comm, MPI_Request* request) {
  ++basin::bench::sent.others;
  return PMPI_Iallreduce(from, to, count, type, op, comm, request);
}
int MPI_Allreduce(void const* from, void* to, int count, MPI_Datatype type, MPI_Op op,
                  MPI_Comm comm) {
  ++basin::bench::sent.others;
  return PMPI_Allreduce(from, to, count, type, op, comm);
}
int MPI_Bcast(void* data, int count, MPI_Datatype type, int root, MPI_Comm comm) {
  ++basin::bench::sent.others;
  return PMPI_Bcast(data, count, type, root, comm);
}
}

#endif
