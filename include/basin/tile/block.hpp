// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_BLOCK_HPP
#define BASIN_TILE_BLOCK_HPP

#include <Kokkos_Core.hpp>

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <type_traits>

// Kernels of a GPU that Kokkos does not launch: its teams get at most 40 KB of shared memory, a
// block may have 227 KB (H100).

namespace basin::tile {

/// Whether a space launches blocks.
template <class Exec>
inline constexpr bool has_blocks = false;

#if defined(KOKKOS_ENABLE_CUDA) && defined(__CUDACC__)
#define BASIN_GPU(name) cuda##name
template <>
inline constexpr bool has_blocks<Kokkos::Cuda> = true;
inline cudaStream_t stream_of(Kokkos::Cuda const& exec) { return exec.cuda_stream(); }
inline int multiprocessors(Kokkos::Cuda const& exec) {
  return exec.cuda_device_prop().multiProcessorCount;
}
#elif defined(KOKKOS_ENABLE_HIP) && defined(__HIPCC__)
#define BASIN_GPU(name) hip##name
template <>
inline constexpr bool has_blocks<Kokkos::HIP> = true;
inline hipStream_t stream_of(Kokkos::HIP const& exec) { return exec.hip_stream(); }
inline int multiprocessors(Kokkos::HIP const& exec) {
  return exec.hip_device_prop().multiProcessorCount;
}
#endif

/// Tiles that a space can work on at the same time.
template <class Exec>
int tiles_at_once(Exec const& exec) {
#if defined(BASIN_GPU)
  if constexpr (has_blocks<Exec>) return multiprocessors(exec);
#endif
  return exec.concurrency();
}

#if defined(BASIN_GPU)
namespace detail {

template <class Block>
__global__ void __launch_bounds__(Block::threads, 1) run_block(Block const block) {
  extern __shared__ __align__(128) unsigned char shared_of_block[];
  block(static_cast<int>(blockIdx.x), shared_of_block);
}

}  // namespace detail

/// \throws std::runtime_error if error is one
template <class Error>
void check_gpu(char const* what, Error error) {
  if (error == BASIN_GPU(Success)) return;
  std::ostringstream sentence;
  sentence << what << " was refused: " << BASIN_GPU(GetErrorString)(error);
  throw std::runtime_error(sentence.str());
}

/// block(i, shared) for i in [0, count), one block of Block::threads threads and Block::bytes bytes
/// of shared memory each. Asynchronous on exec; seen by Kokkos' tools as a parallel_for.
///
/// \throws std::runtime_error if the GPU has less shared memory or refuses the launch
template <class Exec, class Block>
void launch_blocks(Exec const& exec, char const* label, int count, Block const& block) {
  static_assert(sizeof(Block) <= 4096, "basin::tile: a kernel's arguments end at 4 KB.");
  if (count == 0) return;
  auto const check = [&](auto error) {
    if (error == BASIN_GPU(Success)) return;
    std::ostringstream what;
    what << "basin::tile: the kernel '" << label << "' with " << std::size_t(Block::bytes)
         << " bytes of shared memory and " << int(Block::threads)
         << " threads a block, which needs a Kokkos built for this GPU,";
    check_gpu(what.str().c_str(), error);
  };
  bool const watched   = Kokkos::Tools::profileLibraryLoaded();
  std::uint64_t kernel = 0;
  if (watched)
    Kokkos::Tools::beginParallelFor(label, Kokkos::Tools::Experimental::device_id(exec), &kernel);
#if defined(KOKKOS_ENABLE_CUDA)
  // More than 48 KB must be asked for.
  if constexpr (Block::bytes > 48 * 1024)
    check(cudaFuncSetAttribute(detail::run_block<Block>,
                               cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(Block::bytes)));
#endif
  detail::run_block<<<static_cast<unsigned>(count), static_cast<unsigned>(Block::threads),
                      Block::bytes, stream_of(exec)>>>(block);
  check(BASIN_GPU(GetLastError)());
  if (watched) Kokkos::Tools::endParallelFor(kernel);
}
#endif

}  // namespace basin::tile

#endif
