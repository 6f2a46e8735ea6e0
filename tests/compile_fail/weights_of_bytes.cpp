// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::WeightedPersistentCd: a chain whose coordinates are rounded has another weight; write buffer::storage::Full.
#include <basin/objective/weighted_persistent_cd.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Storage = basin::buffer::storage::Byte;
#else
using Storage = basin::buffer::storage::Full;
#endif
using Buffer =
    basin::buffer::Replay<basin::sampler::start::Gaussian, basin::buffer::Columns<1>, Storage>;

static_assert(
    sizeof(basin::objective::WeightedPersistentCd<basin::sampler::WeightedLangevin, Buffer>) > 0);
