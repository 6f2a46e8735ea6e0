// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/tethered.hpp>

#include "support/composed.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using Centers = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using Widths  = Kokkos::View<double*, Exec>;

TEST_CASE("a tether adds its own parabola to each chain's energy", "[energy][tethered]") {
  std::size_t constexpr n = 37;
  auto const x = numbers(3 * n, 1), y = numbers(3 * n, 2);
  std::vector<double> sigma;
  for (double const v : numbers(n, 3)) sigma.push_back(0.5 + v * v);
  auto const centers = on_device<Exec, double>(y);
  basin::energy::Tethered<WavesEnergy, Centers, Widths> const energy(
      {}, Centers(centers.data(), n, 3), on_device<Exec, double>(sigma));
  auto const found = evaluate<Exec>(energy, x);
  double worst     = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double square = 0;
    for (std::size_t d = 3 * i; d < 3 * i + 3; ++d) square += (x[d] - y[d]) * (x[d] - y[d]);
    double const expected = waves(&x[3 * i]) + square / (2 * sigma[i] * sigma[i]);
    worst                 = std::max(worst, std::abs(found.energies[i] - expected));
  }
  CHECK(worst < 1e-12);
  CHECK(found.apart < 1e-12);
  CHECK(worst_difference<Exec>(energy, x) < 1e-8);
  // The weights of what is inside are found through the tether.
  STATIC_REQUIRE(basin::Energy<decltype(energy)>);
}

}  // namespace
