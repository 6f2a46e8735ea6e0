// SPDX-License-Identifier: Apache-2.0
// Expect: basin::train::Trainer: the energy has no parameters to train; write an energy::Network
#include <basin/energy/quadratic.hpp>
#include <basin/objective/contrastive_divergence.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/train/trainer.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Energy = basin::energy::Quadratic<float, 2>;
#else
using Energy = basin::energy::Network<float, basin::Vector<2>, basin::layer::Dense<1>>;
#endif

using Objective = basin::objective::ContrastiveDivergence<basin::sampler::Langevin<>>;
static_assert(sizeof(basin::train::Trainer<Energy, Objective, basin::optimizer::Adam>) > 0);
