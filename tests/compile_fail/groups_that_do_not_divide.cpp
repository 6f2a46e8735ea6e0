// SPDX-License-Identifier: Apache-2.0
// Expect: basin::layer::GroupNorm<Groups>: Groups must divide the channels of the layer before it
// Expect: Image<3, 3, 6>, 4,
#include <basin/energy/network.hpp>
#include <basin/layer/group_norm.hpp>

#ifdef BASIN_EXPECT_REFUSAL
constexpr int groups = 4;
#else
constexpr int groups = 3;
#endif

using Energy = basin::energy::Network<float, basin::Image<3, 3, 6>, basin::layer::GroupNorm<groups>,
                                      basin::layer::Dense<1>>;
static_assert(Energy::parameters > 0);
