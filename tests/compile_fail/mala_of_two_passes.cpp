// SPDX-License-Identifier: Apache-2.0
// Expect: basin::Energy: this sampler accepts or rejects, for which it needs E(x) and dE/dx at once; define
#include <basin/sampler/mala.hpp>

struct Flat {
  using scalar_type                   = float;
  static constexpr int dimension      = 1;
  static constexpr int state_row      = 0;
  static constexpr int gradient_row   = 1;
  static constexpr int energy_row     = 2;
  static constexpr int workspace_rows = 3;
  template <class Context>
  KOKKOS_FUNCTION void energy(Context const&, float*) const {}
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const&, float*) const {}
#if !defined(BASIN_EXPECT_REFUSAL)
  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const&, float*) const {}
#endif
};

void run(Kokkos::View<float**, Kokkos::LayoutRight> const& chains) {
  basin::sampler::sample(Kokkos::DefaultExecutionSpace(), basin::sampler::Mala{}, Flat{}, chains,
                         {});
}
