// SPDX-License-Identifier: Apache-2.0
// Expect: gradient(Context const& c, scalar_type* workspace) const' that writes dE/dx into the rows
#include <basin/sampler/langevin.hpp>

struct UserEnergy {
  using scalar_type                   = float;
  static constexpr int dimension      = 2;
  static constexpr int state_row      = 0;
  static constexpr int gradient_row   = 2;
  static constexpr int energy_row     = 4;
  static constexpr int workspace_rows = 5;

  template <class Context>
  KOKKOS_FUNCTION void energy(Context const&, float*) const {}
#ifndef BASIN_EXPECT_REFUSAL  // the mistake: no gradient()
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const&, float*) const {}
#endif
};

void user(Kokkos::View<float**> chains) {
  basin::sampler::sample(Kokkos::DefaultExecutionSpace{}, basin::sampler::Langevin<>{},
                         UserEnergy{}, chains, {.seed = 1});
}
