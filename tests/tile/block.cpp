// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/block.hpp>

#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstddef>
#include <string>

namespace block_test {  // nvcc takes no __global__ function of a type without a name outside

// Each thread leaves its number in shared memory and, when all have, reads that of its opposite.
template <std::size_t shared_bytes>
struct Opposites {
  static constexpr int threads       = 96;
  static constexpr std::size_t bytes = shared_bytes;
  int* sums;  // (count, threads)

  KOKKOS_FUNCTION void operator()(int block, unsigned char* shared) const {
#if BASIN_DEVICE_PASS
    int* const numbers = reinterpret_cast<int*>(shared);  // (threads)
    int const t        = basin::tile::thread_of_block();
    numbers[t]         = t;
    basin::tile::wait_for_block();
    sums[block * threads + t] += 1000 * (block + 1) + numbers[threads - 1 - t];
#else
    (void)block, (void)shared;
#endif
  }
};

}  // namespace block_test

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::tile::tiles_at_once;

TEST_CASE("a space works on a tile a thread or, on a GPU, a tile a multiprocessor",
          "[tile][block]") {
  Exec const exec;
#if defined(BASIN_GPU)
  if constexpr (basin::tile::has_blocks<Exec>) {
    CHECK(tiles_at_once(exec) == basin::tile::multiprocessors(exec));
    return;
  }
#endif
  CHECK(tiles_at_once(exec) == exec.concurrency());
}

#if defined(BASIN_GPU)
using block_test::Opposites;

template <std::size_t bytes>
int wrong_sums(int count) {
  using Block = Opposites<bytes>;
  Kokkos::View<int*, Exec> const sums("sums", std::size_t(count) * Block::threads);
  basin::tile::launch_blocks(Exec(), "opposites", count, Block{sums.data()});
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, sums);
  int wrong       = 0;
  for (int i = 0; i < count * Block::threads; ++i)
    wrong += host(std::size_t(i)) !=
             1000 * (i / Block::threads + 1) + Block::threads - 1 - i % Block::threads;
  return wrong;
}

TEST_CASE("every block runs once, all its threads together, with its shared memory",
          "[tile][block]") {
  if constexpr (basin::tile::has_blocks<Exec>) {
    CHECK(wrong_sums<96 * sizeof(int)>(0) == 0);
    CHECK(wrong_sums<96 * sizeof(int)>(1) == 0);
    CHECK(wrong_sums<96 * sizeof(int)>(300) == 0);
    CHECK(wrong_sums<std::size_t(basin::tile::shared_memory<Exec>())>(7) == 0);
  }
}

TEST_CASE("a kernel that the GPU refuses is named, and the next one runs",
          "[tile][block][refusal]") {
  if constexpr (basin::tile::has_blocks<Exec>) {
    constexpr std::size_t too_much = 1024 * 1024;
    using Block                    = Opposites<too_much>;
    CHECK_THROWS_MATCHES(
        basin::tile::launch_blocks(Exec(), "opposites", 1, Block{nullptr}), std::runtime_error,
        Catch::Matchers::MessageMatches(Catch::Matchers::StartsWith(
            "basin::tile: the kernel 'opposites' with 1048576 bytes of shared memory and 96 "
            "threads a block, which needs a Kokkos built for this GPU, was refused: ")));
    CHECK(wrong_sums<96 * sizeof(int)>(2) == 0);
  }
}
#endif

}  // namespace
