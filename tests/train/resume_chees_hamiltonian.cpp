// SPDX-License-Identifier: Apache-2.0
// Long: six trainers, with kernels of their own
#include <basin/sampler/chees_hamiltonian.hpp>

#include "train/resume.hpp"

namespace {

using namespace basin::sampler;
using basin::test::check_sampler_resumed;

TEST_CASE("a run of ChEES goes on to the bit", "[train][resume]") {
  check_sampler_resumed<10>(
      CheesHamiltonian{.steps = 2, .trajectory_length = 0.5, .adaptation = {.warmup = 10}});
}

}  // namespace
