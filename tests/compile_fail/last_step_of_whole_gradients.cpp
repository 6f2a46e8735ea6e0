// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective::ImprovedContrastiveDivergence: a step of this sampler has no derivative here; write sampler::Langevin with clip::None or clip::PerElement
#include <basin/energy/network.hpp>
#include <basin/layer/silu.hpp>
#include <basin/objective/improved_contrastive_divergence.hpp>
#include <basin/sampler/langevin.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Sampler = basin::sampler::Langevin<basin::sampler::clip::PerSample>;
#else
using Sampler = basin::sampler::Langevin<basin::sampler::clip::PerElement>;
#endif
using Exec = Kokkos::DefaultHostExecutionSpace;
using E    = basin::energy::Network<double, basin::Vector<2>, basin::layer::Dense<2>,
                                    basin::layer::Silu, basin::layer::Dense<1>>;

static_assert(sizeof(basin::objective::ImprovedContrastiveDivergence<Sampler>::bind<
                     E, Exec, basin::tile::default_tuning<Exec, double>()>) > 0);
