// SPDX-License-Identifier: Apache-2.0
// Expect: basin::sampler::Order: write Op::gradient and Op::move once each.
#include <basin/sampler/langevin.hpp>

using basin::sampler::Op;
#ifdef BASIN_EXPECT_REFUSAL
using Order = basin::sampler::Order<Op::move, Op::noise>;
#else
using Order = basin::sampler::Order<Op::gradient, Op::move, Op::noise>;
#endif

static_assert(sizeof(basin::sampler::Langevin<Order>) > 0);
