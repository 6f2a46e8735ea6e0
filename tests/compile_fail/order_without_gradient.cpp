// SPDX-License-Identifier: Apache-2.0
// Expect: basin::sampler::UpdateOrder: write Op::gradient and Op::move once each.
#include <basin/sampler/langevin.hpp>

using basin::sampler::Op;
#ifdef BASIN_EXPECT_REFUSAL
using Order = basin::sampler::UpdateOrder<Op::move, Op::noise>;
#else
using Order = basin::sampler::UpdateOrder<Op::gradient, Op::move, Op::noise>;
#endif

static_assert(sizeof(basin::sampler::Langevin<Order>) > 0);
