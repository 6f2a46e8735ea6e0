// SPDX-License-Identifier: Apache-2.0
// Long: twelve trainers, three of each objective
#include <basin/objective/dual_score_matching.hpp>
#include <basin/objective/improved_contrastive_divergence.hpp>
#include <basin/objective/noise_level_classification.hpp>
#include <basin/objective/weighted_persistent_cd.hpp>
#include <basin/sampler/langevin.hpp>

#include "train/resume.hpp"

namespace {

using namespace basin::objective;
using basin::test::check_each_optimizer_resumed;
using basin::test::row_of;
using Net = basin::energy::Network<float, basin::Vector<2>, basin::layer::Dense<8>,
                                   basin::layer::Silu, basin::layer::Dense<1>>;

TEST_CASE("a run of an energy of all noise levels goes on to the bit", "[train][resume]") {
  check_each_optimizer_resumed<row_of("DualScoreMatching", 0), false, Net>(
      DualScoreMatching{{.first = 1, .last = 0.3, .levels = 3}});
  check_each_optimizer_resumed<row_of("NoiseLevelClassification", 0), false, Net>(
      NoiseLevelClassification{{.first = 1, .last = 0.3, .levels = 3}});
}

TEST_CASE("a run of weighted chains goes on to the bit", "[train][resume]") {
  check_each_optimizer_resumed<row_of("WeightedPersistentCd", 0), false, Net>(
      WeightedPersistentCd<>{.sampler         = {.steps = 2, .step_size = 0.05},
                             .buffer          = {.capacity = 24, .fresh = 0.2},
                             .effective_share = 0.9});
}

TEST_CASE("a run of improved CD goes on to the bit", "[train][resume]") {
  check_each_optimizer_resumed<row_of("ImprovedContrastiveDivergence", 0), false, Net>(
      ImprovedContrastiveDivergence<basin::sampler::Langevin<>>{
          .sampler = {.steps = 2, .step_size = 0.05},
          .buffer  = {.capacity = 24, .fresh = 0.2},
          .draws   = 12});
}

}  // namespace
