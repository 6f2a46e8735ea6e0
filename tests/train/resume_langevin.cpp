// SPDX-License-Identifier: Apache-2.0
// Long: twelve trainers, with kernels of their own
#include <basin/sampler/langevin.hpp>

#include "train/resume.hpp"

namespace {

using namespace basin::sampler;
using basin::test::check_sampler_resumed;

TEST_CASE("a run of calibrated Langevin steps goes on to the bit", "[train][resume]") {
  check_sampler_resumed<0>(Langevin<>{.steps = 2, .step_size = 0.05, .lower = -1, .upper = 1});
}

TEST_CASE("a run of decoupled Langevin steps goes on to the bit", "[train][resume]") {
  check_sampler_resumed<1>(
      Langevin<Decoupled>{.steps = 2, .step_size = 0.1, .noise = 0.1, .lower = -1, .upper = 1});
}

}  // namespace
