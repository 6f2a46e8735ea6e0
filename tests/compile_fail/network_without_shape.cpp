// SPDX-License-Identifier: Apache-2.0
// Expect: basin::energy::Network: the second argument must be the shape of one state; write for example
#include <basin/energy/network.hpp>

namespace layer = basin::layer;
#if defined(BASIN_EXPECT_REFUSAL)
using Model = basin::energy::Network<float, layer::Dense<4>, layer::Dense<1>>;
#else
using Model = basin::energy::Network<float, basin::Vector<2>, layer::Dense<1>>;
#endif
static_assert(Model::parameters == 3);
