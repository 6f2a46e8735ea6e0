// SPDX-License-Identifier: Apache-2.0
// Expect: basin::layer::GroupNorm: a group of one number has no variance
// Expect: Vector<6>, 6,
#include <basin/energy/network.hpp>
#include <basin/layer/group_norm.hpp>

#ifdef BASIN_EXPECT_REFUSAL
constexpr int groups = 6;
#else
constexpr int groups = 3;
#endif

using Energy = basin::energy::Network<float, basin::Vector<6>, basin::layer::GroupNorm<groups>,
                                      basin::layer::Dense<1>>;
static_assert(Energy::parameters > 0);
