// SPDX-License-Identifier: Apache-2.0
// Expect: basin::sampler: a box is 'box::Reflecting', 'box::Periodic', or a policy with
#include <basin/sampler/boxed.hpp>
#include <basin/sampler/hamiltonian.hpp>

#ifdef BASIN_EXPECT_REFUSAL
struct Box {
  double lower = 0, upper = 1;
};
#else
using Box = basin::sampler::box::Periodic;
#endif
basin::sampler::Boxed<basin::sampler::Hamiltonian, Box> sampler;
