// SPDX-License-Identifier: Apache-2.0
// Expect: basin::objective: the chains of this sampler have different temperatures
#include <basin/objective/persistent_cd.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/sampler/hamiltonian.hpp>
#include <basin/sampler/parallel_tempering.hpp>
#include <basin/train/trainer.hpp>

using Model = basin::energy::Network<float, basin::Vector<2>, basin::layer::Dense<1>>;
#ifdef BASIN_EXPECT_REFUSAL
using Sampler = basin::sampler::ParallelTempering<basin::sampler::Hamiltonian>;
#else
using Sampler = basin::sampler::Hamiltonian;
#endif
using Trainer =
    basin::train::Trainer<Model, basin::objective::PersistentCd<Sampler>, basin::optimizer::Adam>;
static_assert(sizeof(Trainer) > 0);
