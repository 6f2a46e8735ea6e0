// SPDX-License-Identifier: Apache-2.0
// Expect: found that moves chains of this energy by the sampler of the objective; write for
#include <basin/objective/persistent_cd.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/sampler/annealed_langevin.hpp>
#include <basin/train/trainer.hpp>

using Model = basin::energy::Network<float, basin::Vector<2>, basin::layer::Dense<1>>;
#ifdef BASIN_EXPECT_REFUSAL
using Sampler = basin::sampler::AnnealedLangevin;
#else
using Sampler = basin::sampler::Langevin<>;
#endif
using Trainer =
    basin::train::Trainer<Model, basin::objective::PersistentCd<Sampler>, basin::optimizer::Adam>;
static_assert(sizeof(Trainer) > 0);
