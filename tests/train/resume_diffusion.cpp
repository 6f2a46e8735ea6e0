// SPDX-License-Identifier: Apache-2.0
// Long: twelve trainers, three of each objective
#include <basin/objective/diffusion_contrastive_divergence.hpp>
#include <basin/objective/energy_matching.hpp>
#include <basin/objective/recovery_likelihood.hpp>

#include "train/resume.hpp"

namespace {

using namespace basin::objective;
using basin::test::check_each_optimizer_resumed;
using basin::test::row_of;
template <int dimension>
using Net = basin::energy::Network<float, basin::Vector<dimension>, basin::layer::Dense<8>,
                                   basin::layer::Silu, basin::layer::Dense<1>>;

TEST_CASE("a run of a flow goes on to the bit", "[train][resume]") {
  check_each_optimizer_resumed<row_of("FlowMatching", 0), false, Net<2>>(FlowMatching<>{});
  check_each_optimizer_resumed<row_of("EnergyMatching", 0), false, Net<2>>(
      EnergyMatching<>{.sampler = {.steps = 20, .step_size = 0.1}, .phase = 2});
}

TEST_CASE("a run of a diffusion goes on to the bit", "[train][resume]") {
  using Ladder = basin::sampler::ladder::VarianceExploding;
  check_each_optimizer_resumed<row_of("RecoveryLikelihood", 0), false, Net<3>>(
      RecoveryLikelihood<Ladder>{
          .recovery = {.ladder = {{.first = 1, .last = 0.3, .levels = 3}}, .steps = 3}});
  check_each_optimizer_resumed<row_of("DiffusionContrastiveDivergence", 0), false, Net<2>>(
      DiffusionContrastiveDivergence<>{});
}

}  // namespace
