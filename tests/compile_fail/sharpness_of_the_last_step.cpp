// SPDX-License-Identifier: Apache-2.0
// Expect: basin::train::SharpnessAwareSteps: the second gradient moves no chains, and this objective has a term through the last step of its sampler; write for example objective::PersistentCd.
#include <basin/layer/silu.hpp>
#include <basin/objective/improved_contrastive_divergence.hpp>
#include <basin/objective/persistent_cd.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/train/sharpness_aware.hpp>

using namespace basin;
using Exec    = Kokkos::DefaultHostExecutionSpace;
using E       = energy::Network<float, Vector<2>, layer::Dense<2>, layer::Silu, layer::Dense<1>>;
using Sampler = sampler::Langevin<>;
#ifdef BASIN_EXPECT_REFUSAL
using Objective = objective::ImprovedContrastiveDivergence<Sampler>;
#else
using Objective = objective::PersistentCd<Sampler>;
#endif

static_assert(sizeof(train::SharpnessAwareSteps<E, Objective, optimizer::Adam, optimizer::Constant,
                                                Exec, tile::default_tuning<Exec, float>()>) > 0);
