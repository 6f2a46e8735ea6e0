// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::PersistentCd: the first argument is no sampler; write for example
// Expect: basin::objective::PersistentCd: the second argument is no buffer; write for example
#include <basin/objective/persistent_cd.hpp>
#include <basin/sampler/langevin.hpp>

using Sampler = basin::sampler::Langevin<>;
using Buffer  = basin::buffer::Replay<>;
#ifdef BASIN_EXPECT_REFUSAL
using Objective = basin::objective::PersistentCd<Buffer, Sampler>;
#else
using Objective = basin::objective::PersistentCd<Sampler, Buffer>;
#endif
static_assert(sizeof(Objective) > 0);
