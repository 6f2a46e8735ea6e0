// SPDX-License-Identifier: Apache-2.0
// Long: six trainers, with kernels of their own
#include <basin/sampler/adaptive_hamiltonian.hpp>
#include <basin/sampler/boxed.hpp>

#include "train/resume.hpp"

namespace {

using namespace basin::sampler;
using basin::test::check_sampler_resumed;

TEST_CASE("a run of a boxed sampler with a state goes on to the bit", "[train][resume]") {
  Boxed<AdaptiveHamiltonian> sampler;
  sampler.steps             = 2;
  sampler.trajectory_length = 0.5;
  sampler.adaptation.warmup = 10;
  sampler.box               = {.lower = -1, .upper = 1};
  check_sampler_resumed<12>(sampler);
}

}  // namespace
