// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::FlowMatching: write at most one sampler::start:: policy, the source, and at most one coupling:: policy.
#include <basin/objective/flow_matching.hpp>
#include <basin/objective/loss.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Policy = basin::objective::loss::Difference;
#else
using Policy = basin::objective::coupling::Independent;
#endif

static_assert(sizeof(basin::objective::FlowMatching<Policy>) > 0);
