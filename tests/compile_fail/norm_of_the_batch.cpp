// SPDX-License-Identifier: Apache-2.0
// Expect: basin::layer::BatchNorm: an energy must not depend on the other states of its batch; write
// Expect: layer::GroupNorm<Groups> or layer::LayerNorm<>
#include <basin/energy/network.hpp>
#include <basin/layer/group_norm.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Norm = basin::layer::BatchNorm<>;
#else
using Norm = basin::layer::LayerNorm<>;
#endif

using Energy = basin::energy::Network<float, basin::Image<3, 3, 6>, Norm, basin::layer::Dense<1>>;
static_assert(Energy::parameters > 0);
