// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::WeightedPersistentCd: after sampler and buffer write nothing; a loss or an augmentation of the chains has no weights.
#include <basin/objective/weighted_persistent_cd.hpp>

using Buffer = basin::buffer::Replay<basin::sampler::start::Gaussian, basin::buffer::Columns<1>>;
#ifdef BASIN_EXPECT_REFUSAL
struct Flip {
  using axis = Flip;
};
using Objective =
    basin::objective::WeightedPersistentCd<basin::sampler::WeightedLangevin, Buffer, Flip>;
#else
using Objective = basin::objective::WeightedPersistentCd<basin::sampler::WeightedLangevin, Buffer>;
#endif

static_assert(sizeof(Objective) > 0);
