// SPDX-License-Identifier: Apache-2.0
// Long: twelve trainers, three of each objective
#include <basin/objective/denoising_score_matching.hpp>
#include <basin/objective/noise_conditional_score_matching.hpp>
#include <basin/objective/score_matching.hpp>
#include <basin/objective/sliced_score_matching.hpp>

#include "train/resume.hpp"

namespace {

using namespace basin::objective;
using basin::test::check_each_optimizer_resumed;
using Net = basin::energy::Network<float, basin::Vector<2>, basin::layer::Dense<8>,
                                   basin::layer::Silu, basin::layer::Dense<1>>;

TEST_CASE("a run of score matching goes on to the bit", "[train][resume]") {
  check_each_optimizer_resumed<basin::test::row_of("ScoreMatching", 0), false, Net>(
      ScoreMatching<>{});
  check_each_optimizer_resumed<basin::test::row_of("SlicedScoreMatching", 0), false, Net>(
      SlicedScoreMatching<>{});
}

TEST_CASE("a run of denoising score matching goes on to the bit", "[train][resume]") {
  check_each_optimizer_resumed<basin::test::row_of("DenoisingScoreMatching", 0), false, Net>(
      DenoisingScoreMatching{});
  check_each_optimizer_resumed<basin::test::row_of("NoiseConditionalScoreMatching", 0), false, Net>(
      NoiseConditionalScoreMatching{{.first = 1, .last = 0.3, .levels = 3}});
}

}  // namespace
