// SPDX-License-Identifier: Apache-2.0
#ifndef BENCHMARKS_SUPPORT_COPY_BANDWIDTH_HPP
#define BENCHMARKS_SUPPORT_COPY_BANDWIDTH_HPP

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cstddef>

namespace basin::bench {

/// Bytes per second, read and written together, of a copy within the memory of exec that is too
/// large for a cache: the ceiling of what has to go through memory. The best of a few runs, since
/// machines are shared; synchronizes exec.
template <class Exec>
double copy_bandwidth(Exec const& exec) {
  constexpr bool host         = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;
  constexpr std::size_t bytes = std::size_t(host ? 128 : 1024) << 20;  // of each View
  using Numbers               = Kokkos::View<double*, Exec>;
  Numbers const from("basin::bench::from", bytes / sizeof(double));
  Numbers const to("basin::bench::to", bytes / sizeof(double));
  double best = 0;
  for (int run = 0; run < 7; ++run) {
    exec.fence("basin::bench: before");
    Kokkos::Timer const timer;
    Kokkos::deep_copy(exec, to, from);
    exec.fence("basin::bench: after");
    best = std::max(best, 2.0 * bytes / timer.seconds());
  }
  return best;
}

}  // namespace basin::bench

#endif
