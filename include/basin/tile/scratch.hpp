// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TILE_SCRATCH_HPP
#define BASIN_TILE_SCRATCH_HPP

#include <basin/core/arithmetic.hpp>

#include <Kokkos_Core.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

namespace basin::tile {

/// The purpose of working memory: for each purpose a stream has one block, which its kernels use
/// one after the other.
enum class Scratch {
  workspace,  ///< rows of tiles
  product,    ///< results of a library's matrix products
  library,    ///< of the library itself
};

namespace detail {

// Identifies a queue of kernels.
template <class Exec>
void const* queue_of(Exec const& exec) {
  (void)exec;
#if defined(KOKKOS_ENABLE_CUDA)
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) return exec.cuda_stream();
#endif
#if defined(KOKKOS_ENABLE_HIP)
  if constexpr (std::is_same_v<Exec, Kokkos::HIP>) return exec.hip_stream();
#endif
  return nullptr;
}

inline std::atomic<std::uint64_t>& growths() {
  static std::atomic<std::uint64_t> count{0};
  return count;
}

}  // namespace detail

/// How often working memory has moved: earlier addresses may refer to freed memory.
inline std::uint64_t scratch_growths() { return detail::growths(); }

/// At least 'bytes' bytes in the memory of exec, valid until the next call for the same purpose.
/// The block grows, which waits for exec, and never shrinks; it is freed when Kokkos is finalized.
template <class Exec>
void* scratch(Exec const& exec, Scratch purpose, std::size_t bytes) {
  using Block  = Kokkos::View<unsigned char*, typename Exec::memory_space>;
  using Blocks = std::map<std::pair<void const*, Scratch>, Block>;
  static std::mutex mutex;
  static Blocks blocks;
  std::scoped_lock const lock(mutex);
  if (blocks.empty()) Kokkos::push_finalize_hook([] { blocks.clear(); });
  Block& block = blocks[{detail::queue_of(exec), purpose}];
  if (block.extent(0) < bytes) {
    exec.fence("basin::tile::scratch");  // kernels may still use the old block
    ++detail::growths();
    block = Block();
    block = Block(Kokkos::view_alloc("basin::tile::scratch", Kokkos::WithoutInitializing), bytes);
  }
  return block.data();
}

}  // namespace basin::tile

#endif
