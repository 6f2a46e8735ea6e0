// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/evaluate.hpp>
#include <basin/energy/quadratic.hpp>

#include "support/many_rows.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <stdexcept>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::energy::energies;
using basin::energy::gradients;
using Points  = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using Columns = Kokkos::View<double**, Kokkos::LayoutLeft, Exec>;
using Numbers = Kokkos::View<double*, Exec>;
using Energy  = basin::energy::Quadratic<double, 2>;

TEST_CASE("extents that do not fit are refused with both numbers", "[energy][evaluate]") {
  Exec const exec;
  Energy const energy;
  Points const points("points", 4, 2), wide("wide", 4, 3), few("few", 3, 2);
  Numbers const four("four", 4), five("five", 5);
  CHECK_THROWS_AS(energies(exec, energy, wide, four), std::invalid_argument);
  CHECK_THROWS_WITH(
      energies(exec, energy, wide, four),
      "basin::energy::energies: points has second extent 3, the energy has dimension 2");
  CHECK_THROWS_WITH(energies(exec, energy, points, five),
                    "basin::energy::energies: the result has first extent 5, points has 4");
  CHECK_THROWS_WITH(
      gradients(exec, energy, wide, wide),
      "basin::energy::gradients: points has second extent 3, the energy has dimension 2");
  CHECK_THROWS_WITH(gradients(exec, energy, points, few),
                    "basin::energy::gradients: the result has first extent 3, points has 4");
  CHECK_THROWS_WITH(gradients(exec, energy, points, wide),
                    "basin::energy::gradients: the result has second extent 3, points has 2");
}

TEST_CASE("more rows than an int holds are refused, not forgotten", "[energy][evaluate]") {
  using namespace basin::test;
  Exec const exec;
  for (std::size_t const rows : many_rows) {
    auto const points = absent<Points>(rows, 2);
    CHECK_THROWS_WITH(energies(exec, Energy{}, points, absent<Numbers>(rows)),
                      too_many("basin::energy::energies", "points", rows));
    CHECK_THROWS_WITH(gradients(exec, Energy{}, points, points),
                      too_many("basin::energy::gradients", "points", rows));
  }
  Points const wide = absent<Points>(0, (std::size_t(1) << 32) + 2);
  CHECK_THROWS_WITH(energies(exec, Energy{}, wide, Numbers("e", 0)),
                    "basin::energy::energies: points has second extent 4294967298, the energy has "
                    "dimension 2");
}

TEST_CASE("no points are no error", "[energy][evaluate]") {
  Points const none("none", 0, 2);
  CHECK_NOTHROW(energies(Exec(), Energy{}, none, Numbers("e", 0)));
  CHECK_NOTHROW(gradients(Exec(), Energy{}, none, Points("g", 0, 2)));
}

TEST_CASE("points and results may have any layout", "[energy][evaluate]") {
  int constexpr n = 37;
  Points const points("points", n, 2), g("g", n, 2);
  Columns const columns("columns", n, 2), g_columns("g", n, 2);
  Numbers const e("e", n), e_columns("e", n);
  auto const rows_host    = Kokkos::create_mirror_view(points);
  auto const columns_host = Kokkos::create_mirror_view(columns);
  for (int i = 0; i < n; ++i)
    for (int d = 0; d < 2; ++d) rows_host(i, d) = columns_host(i, d) = 0.1 * i - d;
  Kokkos::deep_copy(points, rows_host);
  Kokkos::deep_copy(columns, columns_host);

  energies(Exec(), Energy{}, points, e);
  energies(Exec(), Energy{}, columns, e_columns);
  gradients(Exec(), Energy{}, points, g);
  gradients(Exec(), Energy{}, columns, g_columns);

  Kokkos::HostSpace const host;
  auto const a = Kokkos::create_mirror_view_and_copy(host, e);
  auto const b = Kokkos::create_mirror_view_and_copy(host, e_columns);
  auto const c = Kokkos::create_mirror_view_and_copy(host, g);
  auto const d = Kokkos::create_mirror_view_and_copy(host, g_columns);
  int wrong    = 0;
  for (int i = 0; i < n; ++i) {
    wrong += a(i) != b(i);
    for (int k = 0; k < 2; ++k) wrong += c(i, k) != d(i, k) || c(i, k) != rows_host(i, k);
  }
  CHECK(wrong == 0);
}

}  // namespace
