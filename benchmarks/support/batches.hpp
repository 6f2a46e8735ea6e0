// SPDX-License-Identifier: Apache-2.0
#ifndef BENCHMARKS_SUPPORT_BATCHES_HPP
#define BENCHMARKS_SUPPORT_BATCHES_HPP

#include <Kokkos_Core.hpp>

#include <vector>

namespace basin::bench {

/// The batches of a comparison: one on a host, where it is enough to fill the cores; on a GPU 128,
/// 256, 4096 and 65536, from launches that leave it idle to ones that fill it.
///
/// \param largest_on_gpu  the last that fits the memory and a few seconds of a call
template <class Exec = Kokkos::DefaultExecutionSpace>
std::vector<int> batches(int on_host, int largest_on_gpu = 65536) {
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) return {on_host};
  std::vector<int> found;
  for (int const batch : {128, 256, 4096, 65536})
    if (batch <= largest_on_gpu) found.push_back(batch);
  return found;
}

}  // namespace basin::bench

#endif
