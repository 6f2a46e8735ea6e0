// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/launch.hpp>

#include "support/tunings.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::tile::for_each_tile;
using basin::tile::tiles;
using basin::tile::Tuning;
using Integers = Kokkos::View<int*, Exec>;

enum Column { calls, width, misaligned, strange, columns };

// Rows 0: no workspace.
template <class Scalar, int Rows>
struct Touch {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = Rows;
  Integers seen;  // (tiles, columns)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar* workspace, int tile) const {
    constexpr int n     = Rows * Context::width;
    int* const mine     = seen.data() + columns * tile;
    Scalar const number = static_cast<Scalar>(tile + 1);
    c.each(1, [=](int) {
      mine[calls] += 1;
      mine[width]      = Context::width;
      mine[misaligned] = static_cast<int>(reinterpret_cast<std::uintptr_t>(workspace) % 64);
      mine[strange]    = Rows == 0 && workspace != nullptr;
    });
    // Another tile that had part of this workspace at the same time would leave its number there.
    for (int pass = 0; pass < 3; ++pass) {
      c.each(n, [=](int i) { workspace[i] = number + static_cast<Scalar>(pass); });
      c.each(1, [=](int) {
        for (int i = 0; i < n; ++i)
          mine[strange] += workspace[i] != number + static_cast<Scalar>(pass);
      });
    }
  }
};

template <class Scalar, int Rows, class Schedule = Kokkos::Schedule<Kokkos::Static>>
void check_tiles(int count) {
  INFO(count << " tiles of " << Rows << " rows");
  basin::test::for_each_tuning<Exec, Scalar>([&]<Tuning tuning>() {
    INFO("width " << tuning.width << ", lanes " << tuning.lanes << ", team " << tuning.team);
    Integers const seen("seen", count * columns);
    for_each_tile<tuning, Schedule>(Exec(), "test", count, Touch<Scalar, Rows>{seen});
    auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, seen);
    int wrong       = 0;
    for (int tile = 0; tile < count; ++tile)
      wrong += host(columns * tile + calls) != 1 || host(columns * tile + width) != tuning.width ||
               host(columns * tile + misaligned) != 0 || host(columns * tile + strange) != 0;
    CHECK(wrong == 0);
  });
}

TEST_CASE("tiles hold all chains, and the last is not empty", "[tile][launch]") {
  STATIC_REQUIRE(tiles(0, 16) == 0);
  STATIC_REQUIRE(tiles(1, 16) == 1);
  STATIC_REQUIRE(tiles(16, 16) == 1);
  STATIC_REQUIRE(tiles(17, 16) == 2);
  STATIC_REQUIRE(tiles(37, 1) == 37);
}

TEST_CASE("every tile runs once, in an aligned workspace of its own", "[tile][launch]") {
  check_tiles<float, 5>(0);
  check_tiles<float, 5>(1);
  check_tiles<double, 7>(100);
  // More than a host's level 0 holds, 32 KB, and a GPU's, 40 KB.
  check_tiles<double, 1000>(11);
}

TEST_CASE("without rows there is no workspace", "[tile][launch]") { check_tiles<float, 0>(20); }

TEST_CASE("a schedule changes nothing", "[tile][launch]") {
  check_tiles<float, 5, Kokkos::Schedule<Kokkos::Dynamic>>(100);
}

// Counts the calls for each chain, and adds up what it finds of others in its workspace.
struct TouchChain {
  using scalar_type                   = float;
  static constexpr int workspace_rows = 3;
  Integers seen;  // (chains)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, float* workspace, int chain) const {
    Integers const to = seen;
    c.each(3 * Context::width, [=](int i) { workspace[i] = static_cast<float>(chain); });
    c.each(1, [=](int) {
      to(chain) += 1;
      for (int i = 0; i < 3 * Context::width; ++i) to(chain) += workspace[i] != chain;
    });
  }
};

TEST_CASE("every chain runs once, in groups that nobody sees", "[tile][launch]") {
  for (int count : {0, 1, 16, 37}) {
    INFO(count << " chains");
    basin::test::for_each_tuning<Exec, float>([&]<Tuning tuning>() {
      Integers const seen("seen", count + 16);  // and none behind them
      basin::tile::for_each_chain<tuning>(Exec(), "test", count, TouchChain{seen});
      auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, seen);
      int wrong       = 0;
      for (int chain = 0; chain < count + 16; ++chain) wrong += host(chain) != (chain < count);
      CHECK(wrong == 0);
    });
  }
}

int fences = 0;
void count_fence(char const*, std::uint32_t, std::uint64_t*) { ++fences; }

TEST_CASE("a launch waits for nothing", "[tile][launch]") {
  constexpr Tuning tuning = basin::tile::default_tuning<Exec, double>();
  Exec const exec;
  Integers const seen("seen", 16 * columns);
  // The first launch may take memory for the workspaces.
  for_each_tile<tuning>(exec, "test", 16, Touch<double, 1000>{seen});
  exec.fence("test");
  Kokkos::Tools::Experimental::set_begin_fence_callback(count_fence);
  fences = 0;
  for (int i = 0; i < 10; ++i) {
    for_each_tile<tuning>(exec, "test", 16, Touch<double, 1000>{seen});
    for_each_tile<tuning>(exec, "test", 16, Touch<double, 0>{seen});
  }
  int const in_launches = fences;
  exec.fence("test");
  Kokkos::Tools::Experimental::set_begin_fence_callback(nullptr);
  CHECK(in_launches == 0);
  CHECK(fences == 1);  // so they are counted
}

}  // namespace
