// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::WeightedPersistentCd: a chain that was augmented has another weight; leave the augmentation of the buffer out.
#include <basin/augmentation/flip.hpp>
#include <basin/objective/weighted_persistent_cd.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Augmentation = basin::augmentation::Pipeline<basin::Image<4, 4>, basin::augmentation::Flip>;
#else
using Augmentation = basin::augmentation::None;
#endif
using Buffer =
    basin::buffer::Replay<basin::sampler::start::Gaussian, basin::buffer::Columns<1>, Augmentation>;

static_assert(
    sizeof(basin::objective::WeightedPersistentCd<basin::sampler::WeightedLangevin, Buffer>) > 0);
