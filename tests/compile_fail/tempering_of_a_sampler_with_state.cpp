// SPDX-License-Identifier: Apache-2.0
// Expect: basin::sampler: the sampler inside of this one has a state, which chains of different laws can not share
#include <basin/sampler/adaptive_hamiltonian.hpp>
#include <basin/sampler/parallel_tempering.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Inner = basin::sampler::AdaptiveHamiltonian;
#else
using Inner = basin::sampler::Hamiltonian;
#endif
static_assert(sizeof(basin::sampler::ParallelTempering<Inner>) > 0);
