// SPDX-License-Identifier: Apache-2.0
// Long: twelve trainers, three of each objective
#include <basin/objective/cross_entropy.hpp>
#include <basin/objective/energy_discrepancy.hpp>
#include <basin/objective/noise_contrastive.hpp>
#include <basin/objective/sum.hpp>
#include <basin/sampler/langevin.hpp>

#include "train/resume.hpp"

namespace {

using namespace basin::objective;
using basin::test::check_each_optimizer_resumed;
using Net = basin::energy::Network<float, basin::Vector<2>, basin::layer::Dense<8>,
                                   basin::layer::Silu, basin::layer::Dense<1>>;

TEST_CASE("a run of noise contrasts goes on to the bit", "[train][resume]") {
  check_each_optimizer_resumed<basin::test::row_of("NoiseContrastive", 0), false, Net>(
      NoiseContrastive<>{});
  check_each_optimizer_resumed<basin::test::row_of("EnergyDiscrepancy", 0), false, Net>(
      EnergyDiscrepancy{});
}

TEST_CASE("a run of a sum goes on to the bit", "[train][resume]") {
  using Chains = PersistentCd<basin::sampler::Langevin<>>;
  check_each_optimizer_resumed<basin::test::row_of("Sum", 0), false, Net>(
      Sum<Chains, NoiseContrastive<>>{
          .first = {.sampler = {.steps = 2, .step_size = 0.05}, .buffer = {.capacity = 24}}});
}

TEST_CASE("a run of a classifier goes on to the bit", "[train][resume]") {
  check_each_optimizer_resumed<basin::test::row_of("CrossEntropy", 0), true,
                               basin::test::ResumeNet>(CrossEntropy{.smoothing = 0.1});
}

}  // namespace
