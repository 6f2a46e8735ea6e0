// SPDX-License-Identifier: Apache-2.0
// Expect: basin::sampler::sample: chains must be a View of rank 2, (chains, dimension).
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/langevin.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Chains = Kokkos::View<float*>;
#else
using Chains = Kokkos::View<float**>;
#endif

void user(Chains chains) {
  basin::sampler::sample(Kokkos::DefaultExecutionSpace{}, basin::sampler::Langevin<>{},
                         basin::energy::Quadratic<float, 2>{}, chains, {.seed = 1});
}
