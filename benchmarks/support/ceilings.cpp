// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/support/ceilings.hpp"

#include "benchmarks/support/copy_bandwidth.hpp"
#if defined(BASIN_BENCH_CUBLAS)
#include "benchmarks/support/tensor_peak.hpp"
#endif

namespace basin::bench {

Ceilings const& ceilings() {
  static Ceilings const measured = [] {
    Kokkos::DefaultExecutionSpace const exec;
    Ceilings found{.bandwidth = copy_bandwidth(exec)};
#if defined(BASIN_BENCH_CUBLAS)
    found.tf32_gflops = tensor_peak<float>(exec);
    found.bf16_gflops = tensor_peak<Kokkos::Experimental::bhalf_t>(exec);
#endif
    return found;
  }();
  return measured;
}

}  // namespace basin::bench
