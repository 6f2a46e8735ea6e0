// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/restricted.hpp>

#include "support/composed.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using Points = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

// The first coordinates, the last, and one in the middle.
template <int first, int count>
void check_range() {
  std::size_t constexpr n = 37;
  auto const all = numbers(3 * n, 1), x = numbers(count * n, 2);
  auto const known = on_device<Exec, double>(all);
  auto const energy =
      basin::energy::restrict_to<first, count>(WavesEnergy{}, Points(known.data(), n, 3));
  auto const found = evaluate<Exec>(energy, x);
  double worst     = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double whole[3] = {all[3 * i], all[3 * i + 1], all[3 * i + 2]};
    for (std::size_t j = 0; j < count; ++j) whole[first + j] = x[i * count + j];
    worst = std::max(worst, std::abs(found.energies[i] - waves(whole)));
  }
  CHECK(worst < 1e-13);
  CHECK(found.apart < 1e-13);
  CHECK(worst_difference<Exec>(energy, x) < 1e-8);
}

TEST_CASE("a restricted energy is that of known and unknown coordinates", "[energy][restricted]") {
  check_range<0, 2>();
  check_range<1, 1>();
  check_range<1, 2>();
}

}  // namespace
