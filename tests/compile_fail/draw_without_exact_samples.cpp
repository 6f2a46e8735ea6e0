// SPDX-License-Identifier: Apache-2.0
// Expect: basin::energy::target::draw: this energy has no exact samples; its formula needs
#include <basin/energy/target/funnel.hpp>
#include <basin/energy/target/phi4.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Target = basin::energy::target::Phi4<float, 2, 2>;
#else
using Target = basin::energy::target::Funnel<float, 4>;
#endif

void user(Kokkos::View<float**> points) {
  basin::energy::target::draw(Kokkos::DefaultExecutionSpace{}, Target{}, points, {.seed = 1});
}
