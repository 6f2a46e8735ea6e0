// SPDX-License-Identifier: Apache-2.0
// Long: twelve trainers, with kernels of their own
#include <basin/sampler/stochastic_gradient_langevin.hpp>
#include <basin/sampler/underdamped_langevin.hpp>

#include "train/resume.hpp"

namespace {

using namespace basin::sampler;
using basin::test::check_sampler_resumed;

TEST_CASE("a run of underdamped Langevin steps goes on to the bit", "[train][resume]") {
  check_sampler_resumed<6>(UnderdampedLangevin{.steps = 2, .step_size = 0.2});
}

TEST_CASE("a run of stochastic gradient Langevin steps goes on to the bit", "[train][resume]") {
  check_sampler_resumed<7>(StochasticGradientLangevin{.steps = 2, .scale = 0.05});
}

}  // namespace
