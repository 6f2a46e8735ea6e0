// SPDX-License-Identifier: Apache-2.0
#ifndef BENCHMARKS_SUPPORT_TENSOR_PEAK_HPP
#define BENCHMARKS_SUPPORT_TENSOR_PEAK_HPP

// Needs CUDA and cuBLAS: benchmarks/CMakeLists.txt defines BASIN_BENCH_CUBLAS where both are here.

#include <basin/core/philox.hpp>

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cstddef>
#include <cublas_v2.h>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace basin::bench {

namespace detail {

inline void check(cublasStatus_t status, char const* call) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw std::runtime_error(std::string("basin::bench::tensor_peak: ") + call + " answers '" +
                             cublasGetStatusString(status) + "'");
}

// Numbers of all bits: a GPU draws less power from zeros, and would run faster than it ever does.
template <class Factor>
struct FillUniform {
  Factor* out;
  KOKKOS_FUNCTION void operator()(int i) const {
    auto const word = random_word({1, Purpose::data_noise}, std::uint32_t(i), 0);
    out[i]          = Factor(2 * unit_uniform<float>(word) - 1);
  }
};

}  // namespace detail

/// Rate in GFLOP/s of cuBLAS's product of two square matrices of Factor, summed in float: the
/// ceiling of what tensor cores do. The best of a few runs; synchronizes exec.
///
/// \tparam Factor  float, which the tensor cores take as tf32, or Kokkos::Experimental::bhalf_t
template <class Factor>
double tensor_peak(Kokkos::Cuda const& exec) {
  using detail::check;
  constexpr bool tf32 = std::is_same_v<Factor, float>;
  static_assert(tf32 || std::is_same_v<Factor, Kokkos::Experimental::bhalf_t>,
                "basin::bench::tensor_peak: take Factor = float or Kokkos::Experimental::bhalf_t");
  constexpr int n = 8192;
  using Matrix    = Kokkos::View<Factor*, Kokkos::Cuda>;
  Matrix const a("basin::bench::a", std::size_t(n) * n), b("basin::bench::b", std::size_t(n) * n);
  Kokkos::View<float*, Kokkos::Cuda> const c("basin::bench::c", std::size_t(n) * n);
  for (Matrix const& factor : {a, b})
    Kokkos::parallel_for("basin::fill", Kokkos::RangePolicy<Kokkos::Cuda>(exec, 0, n * n),
                         detail::FillUniform<Factor>{factor.data()});

  constexpr auto type    = tf32 ? CUDA_R_32F : CUDA_R_16BF;
  constexpr auto compute = tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  cublasHandle_t handle;
  check(cublasCreate(&handle), "cublasCreate");
  check(cublasSetStream(handle, exec.cuda_stream()), "cublasSetStream");
  float const one = 1, zero = 0;
  double best = 0;
  for (int run = 0; run < 7; ++run) {  // the first makes cuBLAS ready
    exec.fence("basin::bench: before");
    Kokkos::Timer const timer;
    check(cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one, a.data(), type, n, b.data(),
                       type, n, &zero, c.data(), CUDA_R_32F, n, compute, CUBLAS_GEMM_DEFAULT),
          "cublasGemmEx");
    exec.fence("basin::bench: after");
    best = std::max(best, 2.0 * n * n * n / timer.seconds() * 1e-9);
  }
  check(cublasDestroy(handle), "cublasDestroy");
  return best;
}

}  // namespace basin::bench

#endif
