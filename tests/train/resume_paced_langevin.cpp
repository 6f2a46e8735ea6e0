// SPDX-License-Identifier: Apache-2.0
// Long: six trainers, with kernels of their own
#include <basin/sampler/paced_langevin.hpp>

#include "train/resume.hpp"

namespace {

using namespace basin::sampler;
using basin::test::check_sampler_resumed;

TEST_CASE("a run of paced Langevin steps goes on to the bit", "[train][resume]") {
  check_sampler_resumed<13>(PacedLangevin<Decoupled>{
      {.steps = 2, .step_size = 0.1, .noise = 0.1, .lower = -1, .upper = 1},
      {.displacement = 0.3}});
}

}  // namespace
