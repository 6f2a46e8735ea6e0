// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/scaled.hpp>

#include "support/composed.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using Factors = Kokkos::View<double*, Exec>;

TEST_CASE("a factor of each chain scales energy and gradient", "[energy][scaled]") {
  std::size_t constexpr n = 37;
  auto const x = numbers(3 * n, 1), beta = numbers(n, 2);
  basin::energy::Scaled<WavesEnergy, Factors> const energy({}, on_device<Exec, double>(beta));
  auto const found = evaluate<Exec>(energy, x);
  double worst     = 0;
  for (std::size_t i = 0; i < n; ++i)
    worst = std::max(worst, std::abs(found.energies[i] - beta[i] * waves(&x[3 * i])));
  CHECK(worst < 1e-13);
  CHECK(found.apart < 1e-13);
  CHECK(worst_difference<Exec>(energy, x) < 1e-8);
}

TEST_CASE("one factor for all chains is a number", "[energy][scaled]") {
  auto const x = numbers(3 * 5, 1);
  basin::energy::Scaled<WavesEnergy> const energy({}, 0.25);
  CHECK(evaluate<Exec>(energy, x).energies[3] ==
        0.25 * evaluate<Exec>(WavesEnergy{}, x).energies[3]);
}

}  // namespace
