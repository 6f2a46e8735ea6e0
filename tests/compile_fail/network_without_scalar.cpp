// SPDX-License-Identifier: Apache-2.0
// Expect: basin::energy::Network: the first argument must be the scalar, float or double; write for example
#include <basin/energy/network.hpp>

namespace layer = basin::layer;
#if defined(BASIN_EXPECT_REFUSAL)
using Model = basin::energy::Network<basin::Vector<2>, layer::Dense<1>>;
#else
using Model = basin::energy::Network<float, basin::Vector<2>, layer::Dense<1>>;
#endif
static_assert(Model::parameters == 3);
