// SPDX-License-Identifier: Apache-2.0
// Expect: has no non-static data member named
#include <basin/objective/denoising_score_matching.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/train/trainer.hpp>

using Model = basin::energy::Network<float, basin::Vector<2>, basin::layer::Dense<1>>;
using Trainer =
    basin::train::Trainer<Model, basin::objective::DenoisingScoreMatching, basin::optimizer::Adam>;
// Options that are written out by their type name the field that they do not have.
Trainer::Options const options{.optimizer = {
#ifdef BASIN_EXPECT_REFUSAL
                                   .rate = 1e-3
#else
                                   .learning_rate = 1e-3
#endif
                               }};
