// SPDX-License-Identifier: Apache-2.0
// Samplers that accept or reject, as those of persistent contrastive divergence: no bias of a step size is learned.
#include <basin/objective/persistent_cd.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/sampler/hamiltonian.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/sampler/mala.hpp>
#include <basin/train/trainer.hpp>

#include "support/gaussian_model.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::objective::PersistentCd;
using basin::optimizer::Constant;
using basin::optimizer::Sgd;
using basin::sampler::Hamiltonian;
using basin::sampler::Langevin;
using basin::sampler::Mala;
using basin::test::GaussianModel;

// The stiffness that persistent contrastive divergence learns of data of variance v.
template <class Sampler>
double learned(Sampler const& sampler, double v, long updates, double& acceptance) {
  using Trainer = basin::train::Trainer<GaussianModel, PersistentCd<Sampler>, Sgd, Constant, Exec>;
  Trainer trainer({.objective     = {.sampler = sampler, .buffer = {.capacity = 1500, .fresh = 0}},
                   .optimizer     = {.learning_rate = 0.005},
                   .batch         = 1024,
                   .seed          = 5,
                   .monitor_every = 10},
                  basin::test::normal_rows(4096, v));
  double const k = basin::test::learned_stiffness(trainer, updates, updates);
  auto const m   = trainer.metrics();
  acceptance     = m.has("acceptance") ? m["acceptance"] : 1;
  return k;
}

TEST_CASE("persistent chains that accept or reject learn the stiffness of the data",
          "[objective][persistent_cd][exact]") {
  double const alpha = 0.5, v = 1.7, biased = basin::test::fixed_point(alpha, v);
  long const updates = 400;
  // As in persistent_cd.cpp, with an autocorrelation of at most 0.9 between the steps of training.
  double const error = std::sqrt(2 * 1.9 / 0.1 / (1024. * double(updates))) / v;
  REQUIRE(std::abs(biased - 1 / v) > 8 * error);
  double acceptance = 0;
  CHECK(std::abs(learned(Langevin<>{.steps = 4, .step_size = alpha}, v, updates, acceptance) -
                 biased) < 4 * error);
  CHECK(std::abs(learned(Mala{.steps = 4, .step_size = alpha}, v, updates, acceptance) - 1 / v) <
        4 * error);
  CHECK((acceptance > 0.5 && acceptance < 1));
  CHECK(std::abs(learned(Hamiltonian{.steps = 2, .step_size = 1.2, .trajectory_length = 3.6}, v,
                         updates, acceptance) -
                 1 / v) < 4 * error);
  CHECK((acceptance > 0.5 && acceptance < 1));
}

}  // namespace
