// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/evaluate.hpp>
#include <basin/energy/quadratic.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;

TEMPLATE_TEST_CASE("the quadratic is k |x|^2 / 2, with gradient k x", "[energy][quadratic]", float,
                   double) {
  using Points    = Kokkos::View<TestType**, Kokkos::LayoutRight, Exec>;
  int constexpr n = 37, D = 5;
  auto const x      = numbers(n * D, 1, 2);
  auto const values = on_device<Exec, TestType>(x);
  Points const points(values.data(), n, D), gradients("g", n, D);
  Kokkos::View<TestType*, Exec> const energies("e", n);
  basin::energy::Quadratic<TestType, D> const stiff{{.stiffness = 3}}, plain;

  double const unit = std::numeric_limits<TestType>::epsilon() / 2;
  auto const check  = [&](auto const& energy, double k) {
    basin::energy::energies(Exec(), energy, points, energies);
    basin::energy::gradients(Exec(), energy, points, gradients);
    auto const e = on_host(energies), g = on_host(gradients);
    double error = 0;
    int unlike   = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double square = 0;
      for (std::size_t d = 0; d < D; ++d) {
        square += x[i * D + d] * x[i * D + d];
        unlike += g[i * D + d] != static_cast<TestType>(k * x[i * D + d]);
      }
      // Five sums of squares and a product, each rounded once; this loop rounds as much.
      error = std::max(error, std::abs(e[i] - k / 2 * square) / (k / 2 * square));
    }
    CHECK(error < 2 * (D + 1) * unit);
    CHECK(unlike == 0);
  };
  check(stiff, 3);
  check(plain, 1);
}

}  // namespace
