// SPDX-License-Identifier: Apache-2.0
// Expect: basin::sampler::Langevin: the order has no Op::clip, but a clip:: policy is given
#include <basin/sampler/langevin.hpp>

namespace sampler = basin::sampler;
using sampler::Op;
#ifdef BASIN_EXPECT_REFUSAL
using Order = sampler::UpdateOrder<Op::gradient, Op::move, Op::noise>;
#else
using Order = sampler::UpdateOrder<Op::gradient, Op::clip, Op::move, Op::noise>;
#endif

static_assert(sizeof(sampler::Langevin<Order, sampler::clip::PerSample>) > 0);
