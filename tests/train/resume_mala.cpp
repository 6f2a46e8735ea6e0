// SPDX-License-Identifier: Apache-2.0
// Long: twelve trainers, with kernels of their own
#include <basin/sampler/mala.hpp>
#include <basin/sampler/metropolis.hpp>

#include "train/resume.hpp"

namespace {

using namespace basin::sampler;
using basin::test::check_sampler_resumed;

TEST_CASE("a run of Mala goes on to the bit", "[train][resume]") {
  check_sampler_resumed<2>(Mala{.steps = 2, .step_size = 0.05});
}

TEST_CASE("a run of Metropolis steps goes on to the bit", "[train][resume]") {
  check_sampler_resumed<5>(Metropolis{.steps = 2, .scale = 0.3});
}

}  // namespace
