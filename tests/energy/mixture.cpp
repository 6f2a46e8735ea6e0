// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/mixture.hpp>

#include "support/composed.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::energy::Mixture;

TEST_CASE("the energy of a mixture is the logarithm of its density", "[energy][mixture]") {
  std::size_t constexpr n = 37;
  auto const x            = numbers(3 * n, 1);
  WavesEnergy const steep{{.slope = 2}}, flat{{.slope = -0.25}};
  for (double const b : {0.0, 1.5, -30.0, 800.0}) {
    Mixture<WavesEnergy, WavesEnergy> const energy(steep, flat, b);
    auto const found = evaluate<Exec>(energy, x);
    double worst     = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double const one = waves(&x[3 * i], 2), two = waves(&x[3 * i], -0.25) + b;
      double const expected =
          std::min(one, two) - std::log1p(std::exp(std::min(one, two) - std::max(one, two)));
      worst = std::max(worst, std::abs(found.energies[i] - expected));
    }
    CHECK(worst < 1e-12);
    CHECK(found.apart < 1e-13);
    CHECK(worst_difference<Exec>(energy, x) < 1e-8);
  }
}

}  // namespace
