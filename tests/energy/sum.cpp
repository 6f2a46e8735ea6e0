// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/sum.hpp>

#include "support/composed.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::energy::Sum;

TEST_CASE("a sum of energies is a product of experts", "[energy][sum]") {
  std::size_t constexpr n = 37;
  auto const x            = numbers(3 * n, 1);
  WavesEnergy const steep{{.slope = 2}}, flat{{.slope = -0.25}};
  for (double const w : {1.0, -1.0, 0.3}) {
    Sum<WavesEnergy, WavesEnergy> const energy(steep, flat, w);
    auto const found = evaluate<Exec>(energy, x);
    double worst     = 0;
    for (std::size_t i = 0; i < n; ++i)
      worst = std::max(
          worst, std::abs(found.energies[i] - waves(&x[3 * i], 2) - w * waves(&x[3 * i], -0.25)));
    CHECK(worst < 1e-12);
    CHECK(found.apart < 1e-13);
    CHECK(worst_difference<Exec>(energy, x) < 1e-8);
  }
}

}  // namespace
