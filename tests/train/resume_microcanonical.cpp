// SPDX-License-Identifier: Apache-2.0
// Long: six trainers, with kernels of their own
#include <basin/sampler/microcanonical.hpp>

#include "train/resume.hpp"

namespace {

using namespace basin::sampler;
using basin::test::check_sampler_resumed;

TEST_CASE("a run of microcanonical steps goes on to the bit", "[train][resume]") {
  check_sampler_resumed<11>(Microcanonical{.steps = 2, .adaptation = {.warmup = 10}});
}

}  // namespace
