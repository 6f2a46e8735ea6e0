// SPDX-License-Identifier: Apache-2.0
// Expect: basin::sampler::Langevin: write one of Calibrated and Decoupled.
#include <basin/sampler/langevin.hpp>

namespace sampler = basin::sampler;
#ifdef BASIN_EXPECT_REFUSAL
using Langevin = sampler::Langevin<sampler::Decoupled, sampler::Calibrated>;
#else
using Langevin = sampler::Langevin<sampler::Decoupled>;
#endif

static_assert(sizeof(Langevin) > 0);
