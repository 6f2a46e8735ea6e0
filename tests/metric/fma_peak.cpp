// SPDX-License-Identifier: Apache-2.0
#include <basin/metric/fma_peak.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cmath>

namespace {

TEST_CASE("the peak is a positive rate, under what any core can do", "[metric][fma_peak]") {
  BASIN_TEST_EXEC const exec;
  double const peak = basin::metric::fma_peak<float>(exec);
  CHECK(peak > 0);
  // 8 GHz, two pipes of 512 bits, on a host; the bound of a GPU is left to it.
  if (Kokkos::SpaceAccessibility<BASIN_TEST_EXEC, Kokkos::HostSpace>::accessible)
    CHECK(peak < 8.0 * 2 * 2 * 16 * exec.concurrency());
}

}  // namespace
