// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/bridge.hpp>

#include "support/composed.hpp"

#include <catch2/catch_test_macros.hpp>

#include <limits>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::energy::Bridge;
using namespace basin::test;

TEST_CASE("a bridge leads from one energy to the other", "[energy][bridge]") {
  std::size_t constexpr n = 37;
  auto const x            = numbers(3 * n, 1);
  WavesEnergy const steep{{.slope = 2}}, flat{{.slope = -0.25}};
  for (double const beta : {0.0, 0.3, 1.0}) {
    Bridge<WavesEnergy, WavesEnergy> const energy(steep, flat, beta);
    auto const found = evaluate<Exec>(energy, x);
    double worst     = 0;
    for (std::size_t i = 0; i < n; ++i)
      worst = std::max(worst, std::abs(found.energies[i] - (1 - beta) * waves(&x[3 * i], 2) -
                                       beta * waves(&x[3 * i], -0.25)));
    CHECK(worst < 1e-12);
    CHECK(found.apart < 1e-13);
    CHECK(worst_difference<Exec>(energy, x) < 1e-8);
  }
}

TEST_CASE("at an end the other energy may be infinite", "[energy][bridge]") {
  auto const x = numbers(3 * 5, 1);
  WavesEnergy const wall{{.slope = std::numeric_limits<double>::infinity()}}, flat{};
  CHECK(evaluate<Exec>(Bridge<WavesEnergy, WavesEnergy>(wall, flat, 1), x).energies ==
        evaluate<Exec>(flat, x).energies);
  CHECK(evaluate<Exec>(Bridge<WavesEnergy, WavesEnergy>(flat, wall, 0), x).energies ==
        evaluate<Exec>(flat, x).energies);
}

}  // namespace
