// SPDX-License-Identifier: Apache-2.0
// Expect: basin::tile::Tuning: a vector of 'lanes' values must fit in 64 bytes
#include <basin/sampler/start.hpp>

#ifdef BASIN_EXPECT_REFUSAL
constexpr int lanes = 16;
#else
constexpr int lanes = 8;
#endif
constexpr basin::tile::Tuning tuning{
    .width = 16, .lanes = lanes, .rows = 4, .vectors = 1, .team = 1};

void user(Kokkos::View<double**> chains) {
  basin::sampler::start_chains<tuning>(Kokkos::DefaultExecutionSpace{},
                                       basin::sampler::start::Uniform{}, chains, chains,
                                       {.seed = 1});
}
