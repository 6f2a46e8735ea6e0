// SPDX-License-Identifier: Apache-2.0
// Long: seven samplers, each with nine energies
#include "sampler/exact_moments.hpp"

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;

TEST_CASE("every sampler has the moments of small targets, in double",
          "[sampler][exact_moments][long]") {
  with_small_targets<Exec, double>(EverySampler<Exec>());
}

TEST_CASE("every sampler has the moments of a lattice and of eight schools, in double",
          "[sampler][exact_moments][long]") {
  with_large_targets<double>(EverySampler<Exec>());
}

}  // namespace
