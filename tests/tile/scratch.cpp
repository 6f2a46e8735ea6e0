// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/scratch.hpp>

#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <cstdint>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::tile::Scratch;
using basin::tile::scratch;
using basin::tile::scratch_growths;

struct Fill {
  unsigned char* memory;
  unsigned char with;
  KOKKOS_FUNCTION void operator()(int i) const { memory[i] = with; }
};
struct CountOthers {
  unsigned char const* memory;
  unsigned char than;
  KOKKOS_FUNCTION void operator()(int i, int& others) const { others += memory[i] != than; }
};

void fill(void* memory, std::size_t bytes, unsigned char with) {
  Kokkos::parallel_for(Kokkos::RangePolicy<Exec>(0, static_cast<int>(bytes)),
                       Fill{static_cast<unsigned char*>(memory), with});
}
int others(void const* memory, std::size_t bytes, unsigned char than) {
  int n = 0;
  Kokkos::parallel_reduce(Kokkos::RangePolicy<Exec>(0, static_cast<int>(bytes)),
                          CountOthers{static_cast<unsigned char const*>(memory), than}, n);
  return n;
}

TEST_CASE("working memory grows only, and counts how often it has moved", "[tile][scratch]") {
  Exec const exec;
  std::uint64_t const before = scratch_growths();
  void* const first          = scratch(exec, Scratch::workspace, 1000);
  CHECK(scratch_growths() == before + 1);
  // As much, or less, is the same memory.
  CHECK(scratch(exec, Scratch::workspace, 1000) == first);
  CHECK(scratch(exec, Scratch::workspace, 1) == first);
  CHECK(scratch(exec, Scratch::workspace, 0) == first);
  CHECK(scratch_growths() == before + 1);
  fill(first, 1000, 7);
  CHECK(others(first, 1000, 7) == 0);

  void* const more = scratch(exec, Scratch::workspace, 100000);
  CHECK(scratch_growths() == before + 2);
  CHECK(scratch(exec, Scratch::workspace, 1000) == more);
  CHECK(scratch(exec, Scratch::workspace, 100000) == more);
  CHECK(scratch_growths() == before + 2);
  fill(more, 100000, 9);
  CHECK(others(more, 100000, 9) == 0);
  // What vectors are loaded from.
  CHECK(reinterpret_cast<std::uintptr_t>(more) % 64 == 0);
}

TEST_CASE("each purpose has memory of its own", "[tile][scratch]") {
  Exec const exec;
  std::size_t constexpr bytes = 5000;
  Scratch constexpr all[]     = {Scratch::workspace, Scratch::product, Scratch::library};
  unsigned char mark          = 1;
  for (Scratch const purpose : all) fill(scratch(exec, purpose, bytes), bytes, mark++);
  mark = 1;
  for (Scratch const purpose : all)
    CHECK(others(scratch(exec, purpose, bytes), bytes, mark++) == 0);
  // One that grows leaves the others where they are.
  void* const product = scratch(exec, Scratch::product, bytes);
  void* const library = scratch(exec, Scratch::library, bytes);
  fill(scratch(exec, Scratch::workspace, 1000000), 1000000, 100);
  CHECK(scratch(exec, Scratch::product, bytes) == product);
  CHECK(scratch(exec, Scratch::library, bytes) == library);
  CHECK(others(product, bytes, 2) == 0);
  CHECK(others(library, bytes, 3) == 0);
}

}  // namespace
