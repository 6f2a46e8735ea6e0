// SPDX-License-Identifier: Apache-2.0
// Expect: basin::sampler: a clamp with accept or reject has another law than exp(-E / T)
#include <basin/sampler/boxed.hpp>
#include <basin/sampler/mala.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Box = basin::sampler::box::Clamped;
#else
using Box = basin::sampler::box::Reflecting;
#endif
basin::sampler::Boxed<basin::sampler::Mala, Box> sampler;
