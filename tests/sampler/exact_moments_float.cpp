// SPDX-License-Identifier: Apache-2.0
// Long: seven samplers, each with nine energies
#include "sampler/exact_moments.hpp"

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;

TEST_CASE("every sampler has the moments of small targets, in float",
          "[sampler][exact_moments][long]") {
  with_small_targets<Exec, float>(EverySampler<Exec>());
}

TEST_CASE("every sampler has the moments of a lattice and of eight schools, in float",
          "[sampler][exact_moments][long]") {
  with_large_targets<float>(EverySampler<Exec>());
}

}  // namespace
