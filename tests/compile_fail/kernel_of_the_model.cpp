// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::DiffusionContrastiveDivergence: the kernel is a sampler, which moves by the energy itself
#include <basin/objective/diffusion_contrastive_divergence.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Kernel = basin::sampler::Langevin<>;
#else
using Kernel = basin::objective::kernel::VarianceExploding;
#endif
static_assert(sizeof(basin::objective::DiffusionContrastiveDivergence<Kernel>) > 0);
