// SPDX-License-Identifier: Apache-2.0
#ifndef BENCHMARKS_SUPPORT_COUNTERS_HPP
#define BENCHMARKS_SUPPORT_COUNTERS_HPP

#include <Kokkos_Core.hpp>

#include <atomic>
#include <cstdint>
#include <cstring>

namespace basin::bench {

/// What happens in the process. Heap allocations are seen where a program includes
/// count_allocations.hpp, the others once watch_kokkos() has been called.
struct Counters {
  std::atomic<long> heap{0}, views{0}, fences{0}, launches{0};
};

inline Counters counters;

/// Makes Kokkos report to counters. Call after Kokkos::initialize, once.
inline void watch_kokkos() {
  namespace tools = Kokkos::Tools::Experimental;
  tools::set_begin_parallel_for_callback(
      [](char const*, std::uint32_t, std::uint64_t*) { ++counters.launches; });
  tools::set_begin_parallel_reduce_callback(
      [](char const*, std::uint32_t, std::uint64_t*) { ++counters.launches; });
  tools::set_begin_parallel_scan_callback(
      [](char const*, std::uint32_t, std::uint64_t*) { ++counters.launches; });
  tools::set_begin_fence_callback([](char const* name, std::uint32_t, std::uint64_t*) {
    // Kokkos fences before every kernel because it is watched: that is not the program's doing.
    if (!std::strstr(name, "Kokkos Profile Tool Fence")) ++counters.fences;
  });
  tools::set_allocate_data_callback([](Kokkos_Profiling_SpaceHandle, char const*, void const*,
                                       std::uint64_t) { ++counters.views; });
  tools::pause_tools();  // a watched run allocates, for the names of those fences
}

/// What calls of something did.
struct Tally {
  long allocations;  ///< of the heap and of Kokkos
  long fences;
  long launches;
};

/// Runs work() calls times unwatched, for its heap allocations, and as often watched, for the rest.
template <class Exec, class Work>
Tally count(Exec const& exec, int calls, Work const& work) {
  exec.fence("basin::bench: before");
  long const heap = counters.heap;
  for (int i = 0; i < calls; ++i) work();
  long const allocated = counters.heap - heap;
  exec.fence("basin::bench: between");
  Kokkos::Tools::Experimental::resume_tools();
  long const views = counters.views, fences = counters.fences, launches = counters.launches;
  for (int i = 0; i < calls; ++i) work();
  Tally const tally{allocated + counters.views - views, counters.fences - fences,
                    counters.launches - launches};
  Kokkos::Tools::Experimental::pause_tools();
  exec.fence("basin::bench: after");
  return tally;
}

}  // namespace basin::bench

#endif
