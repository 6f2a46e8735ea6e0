// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_GPU_HPP
#define BASIN_TILE_GPU_HPP

#include <Kokkos_Core.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

// All code that is specific to CUDA or HIP. Tests replace this header by one with which host
// threads emulate those of a GPU: tests/support/played_gpu.hpp.

/// Whether this is the compiler's device pass.
#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__)
#define BASIN_DEVICE_PASS 1
#else
#define BASIN_DEVICE_PASS 0
#endif

/// Whether it may use matrix units: NVIDIA's tensor cores, from compute capability 8.0 on.
#define BASIN_MATRIX_UNITS 0
#if defined(__CUDA_ARCH__)
#if __CUDA_ARCH__ >= 800
#undef BASIN_MATRIX_UNITS
#define BASIN_MATRIX_UNITS 1
#endif
#endif

/// A name of the GPU runtime: cudaName or hipName.
#if defined(KOKKOS_ENABLE_CUDA) && defined(__CUDACC__)
#define BASIN_GPU(name) cuda##name
#elif defined(KOKKOS_ENABLE_HIP) && defined(__HIPCC__)
#define BASIN_GPU(name) hip##name
#endif

namespace basin::tile {

/// Whether an execution space is a GPU, with device memory.
template <class Exec>
inline constexpr bool is_gpu = !Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;

/// Whether kernels of an execution space can be launched as blocks, see block.hpp.
template <class Exec>
inline constexpr bool has_blocks = false;

/// Threads of a GPU that run in lockstep: a warp, or a wavefront on AMD (32 threads on RDNA).
#if defined(KOKKOS_ENABLE_HIP) && !defined(KOKKOS_ARCH_AMD_GFX1030) && \
    !defined(KOKKOS_ARCH_AMD_GFX1100) && !defined(KOKKOS_ARCH_AMD_GFX1103)
inline constexpr int threads_in_step = 64;
#else
inline constexpr int threads_in_step = 32;
#endif

/// Bytes of shared memory available to a block of the GPU that Kokkos was built for; 0: no GPU.
template <class Exec>
constexpr int shared_memory() {
  if constexpr (!is_gpu<Exec>) return 0;
#if defined(KOKKOS_ARCH_HOPPER) || defined(KOKKOS_ARCH_BLACKWELL100)
  return 227 * 1024;
#elif defined(KOKKOS_ARCH_AMPERE80)
  return 163 * 1024;
#elif defined(KOKKOS_ARCH_AMPERE) || defined(KOKKOS_ARCH_ADA89) || defined(KOKKOS_ARCH_BLACKWELL)
  return 99 * 1024;
#elif defined(KOKKOS_ARCH_VOLTA)
  return 96 * 1024;
#elif defined(KOKKOS_ARCH_AMD_GPU) || defined(KOKKOS_ARCH_TURING75)
  return 64 * 1024;
#else
  return 48 * 1024;
#endif
}

/// Hides the value of n from the device compiler's optimizer; n keeps it.
KOKKOS_FORCEINLINE_FUNCTION void hide(int& n) {
#if defined(__CUDA_ARCH__)
  asm volatile("" : "+r"(n));
#elif defined(__HIP_DEVICE_COMPILE__)
  asm volatile("" : "+v"(n));
#else
  (void)n;
#endif
}

#if BASIN_DEVICE_PASS
/// Index of the calling thread in its block.
KOKKOS_FORCEINLINE_FUNCTION int thread_of_block() { return static_cast<int>(threadIdx.x); }
/// Barrier of all threads of the block.
KOKKOS_FORCEINLINE_FUNCTION void wait_for_block() { __syncthreads(); }
/// v of the thread of this warp whose lane is this thread's lane xor mask.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T of_partner(T v, int mask) {
#if defined(__HIP_DEVICE_COMPILE__)
  return __shfl_xor(v, mask);
#else
  return __shfl_xor_sync(0xffffffffu, v, mask);
#endif
}
#endif

#if BASIN_MATRIX_UNITS
/// Input of a matrix unit, rounded to nearest: two bf16 values, the first in the lower half.
KOKKOS_FORCEINLINE_FUNCTION std::uint32_t unit_bf16(float first, float second) {
  std::uint32_t r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(second), "f"(first));
  return r;
}
/// One tf32 value.
KOKKOS_FORCEINLINE_FUNCTION std::uint32_t unit_tf32(float x) {
  std::uint32_t r;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x));
  return r;
}
/// c += a b by the threads of a warp, a 16 x 16 and b 16 x 8 values of bf16.
KOKKOS_FORCEINLINE_FUNCTION void unit_multiply_bf16(float (&c)[4], std::uint32_t const (&a)[4],
                                                    std::uint32_t const (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
/// The same, a 16 x 8 and b 8 x 8 values of tf32.
KOKKOS_FORCEINLINE_FUNCTION void unit_multiply_tf32(float (&c)[4], std::uint32_t const (&a)[4],
                                                    std::uint32_t const (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

#if defined(BASIN_GPU)
#if defined(KOKKOS_ENABLE_CUDA)
template <>
inline constexpr bool has_blocks<Kokkos::Cuda> = true;
inline cudaStream_t stream_of(Kokkos::Cuda const& exec) { return exec.cuda_stream(); }
inline int multiprocessors(Kokkos::Cuda const& exec) {
  return exec.cuda_device_prop().multiProcessorCount;
}
#else
template <>
inline constexpr bool has_blocks<Kokkos::HIP> = true;
inline hipStream_t stream_of(Kokkos::HIP const& exec) { return exec.hip_stream(); }
inline int multiprocessors(Kokkos::HIP const& exec) {
  return exec.hip_device_prop().multiProcessorCount;
}
#endif

namespace detail {

template <class Block>
__global__ void __launch_bounds__(Block::threads, 1) run_block(Block const block) {
  extern __shared__ __align__(128) unsigned char shared_of_block[];
  block(static_cast<int>(blockIdx.x), shared_of_block);
}

// Launches 'count' blocks. Returns the runtime's error code.
template <class Block, class Stream>
auto launch(int count, Block const& block, Stream stream) {
#if defined(KOKKOS_ENABLE_CUDA)
  if constexpr (Block::bytes > 48 * 1024) {  // more than that must be requested
    auto const answer =
        cudaFuncSetAttribute(run_block<Block>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(Block::bytes));
    // The runtime keeps its last error until it is read: the next launch would report it.
    if (answer != cudaSuccess) return cudaGetLastError(), answer;
  }
#endif
  run_block<<<static_cast<unsigned>(count), static_cast<unsigned>(Block::threads), Block::bytes,
              stream>>>(block);
  return BASIN_GPU(GetLastError)();
}

}  // namespace detail
#endif

}  // namespace basin::tile

#endif
