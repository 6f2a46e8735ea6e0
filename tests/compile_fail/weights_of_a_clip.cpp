// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::WeightedPersistentCd: this sampler does not report 'log_ratio', what its steps are worth on the way back; a clip, a clamp and decoupled noise have none. Write sampler::WeightedLangevin.
#include <basin/objective/weighted_persistent_cd.hpp>
#include <basin/sampler/langevin.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Sampler = basin::sampler::Langevin<basin::sampler::clip::PerElement>;
#else
using Sampler = basin::sampler::WeightedLangevin;
#endif

static_assert(sizeof(basin::objective::WeightedPersistentCd<Sampler>) > 0);
