// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_BLOCK_HPP
#define BASIN_TILE_BLOCK_HPP

#include <basin/tile/gpu.hpp>

#include <Kokkos_Core.hpp>

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <stdexcept>

// GPU kernels that are launched without Kokkos, whose teams get at most 40 KB of shared memory; a
// block may have 227 KB (H100).

namespace basin::tile {

/// Number of tiles that an execution space can work on concurrently.
template <class Exec>
int tiles_at_once(Exec const& exec) {
#if defined(BASIN_GPU)
  if constexpr (has_blocks<Exec>) return multiprocessors(exec);
#endif
  return exec.concurrency();
}

#if defined(BASIN_GPU)
/// \throws std::runtime_error if error is not success
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
  check(detail::launch(count, block, stream_of(exec)));
  if (watched) Kokkos::Tools::endParallelFor(kernel);
}
#endif

}  // namespace basin::tile

#endif
