// SPDX-License-Identifier: Apache-2.0
#ifndef BENCHMARKS_SUPPORT_CEILINGS_HPP
#define BENCHMARKS_SUPPORT_CEILINGS_HPP

namespace basin::bench {

/// Rates of the default execution space that stay the same while a program runs. The multiply-add
/// peak is not among them: on a shared host it drifts, and iterate() probes it around every figure.
struct Ceilings {
  double bandwidth;        ///< bytes per second, see copy_bandwidth
  double tf32_gflops = 0;  ///< of matrix products on tensor cores, see tensor_peak; 0: no cuBLAS
  double bf16_gflops = 0;
};

/// Measured at the first call, after Kokkos::initialize.
Ceilings const& ceilings();

}  // namespace basin::bench

#endif
