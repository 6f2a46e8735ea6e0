// SPDX-License-Identifier: Apache-2.0
// Long: six trainers, with kernels of their own
#include <basin/sampler/elliptical_slice.hpp>

#include "train/resume.hpp"

namespace {

using namespace basin::sampler;
using basin::test::check_sampler_resumed;

TEST_CASE("a run of elliptical slices goes on to the bit", "[train][resume]") {
  check_sampler_resumed<8>(EllipticalSlice<>{.steps = 2});
}

}  // namespace
