// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective: this sampler sets coordinates of the energy itself, as sampler::AnnealedLangevin does log sigma
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
