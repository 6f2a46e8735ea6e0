// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::Sum: one objective sets coordinates of the energy that the other takes
#include <basin/objective/denoising_score_matching.hpp>
#include <basin/objective/noise_conditional_score_matching.hpp>
#include <basin/objective/sum.hpp>

using Denoising = basin::objective::DenoisingScoreMatching;
#ifdef BASIN_EXPECT_REFUSAL
using Other = basin::objective::NoiseConditionalScoreMatching;
#else
using Other = Denoising;
#endif
static_assert(sizeof(basin::objective::Sum<Denoising, Other>) > 0);
