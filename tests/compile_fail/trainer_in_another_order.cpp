// SPDX-License-Identifier: Apache-2.0
// Expect: basin::train::Trainer: the second argument is no objective; write for example
// Expect: basin::train::Trainer: the third argument is no optimizer; write for example
#include <basin/objective/contrastive_divergence.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/train/trainer.hpp>

using Model     = basin::energy::Network<float, basin::Vector<2>, basin::layer::Dense<1>>;
using Objective = basin::objective::ContrastiveDivergence<basin::sampler::Langevin<>>;
#ifdef BASIN_EXPECT_REFUSAL
using Trainer = basin::train::Trainer<Model, basin::optimizer::Adam, Objective>;
#else
using Trainer = basin::train::Trainer<Model, Objective, basin::optimizer::Adam>;
#endif
static_assert(sizeof(Trainer) > 0);
