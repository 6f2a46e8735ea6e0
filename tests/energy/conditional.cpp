// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/conditional.hpp>
#include <basin/layer/silu.hpp>

#include "support/finite_difference.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <cstddef>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using Net = basin::energy::Network<double, basin::Vector<2>, basin::layer::Dense<24>,
                                   basin::layer::Silu, basin::layer::Dense<1>>;

TEST_CASE("an energy at a condition is the energy there", "[energy][at_condition]") {
  Model<Exec, Net> const model(parameters_of<Net>(1));
  using Points = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
  auto const x = on_device<Exec, double>({0.5, -1, 2});
  Kokkos::View<double*, Exec> const e("e", 3), g("g", 3);
  basin::energy::AtCondition<Net> const at(model.net(), -0.75);
  basin::energy::energies(Exec(), at, Points(x.data(), 3, 1), e);
  basin::energy::gradients(Exec(), at, Points(x.data(), 3, 1), Points(g.data(), 3, 1));
  std::vector<double> const whole{0.5, -0.75, -1, -0.75, 2, -0.75};
  CHECK(on_host(e) == model.energies(whole));
  auto const gradients = model.gradients(whole);
  // A GPU splits the sums of a tile by its width.
  auto const found = on_host(g);
  for (std::size_t n = 0; n < 3; ++n)
    CHECK(std::abs(found[n] - gradients[2 * n]) <= (is_host<Exec> ? 0.0 : 1e-14));
}

}  // namespace
