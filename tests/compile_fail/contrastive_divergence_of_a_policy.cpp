// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::ContrastiveDivergence: the first argument is no sampler; write for
#include <basin/objective/contrastive_divergence.hpp>
#include <basin/sampler/langevin.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Sampler = basin::sampler::Calibrated;
#else
using Sampler = basin::sampler::Langevin<basin::sampler::Calibrated>;
#endif
static_assert(sizeof(basin::objective::ContrastiveDivergence<Sampler>) > 0);
