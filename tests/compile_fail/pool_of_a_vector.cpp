// SPDX-License-Identifier: Apache-2.0
// Expect: basin::layer: a pooling layer needs an image before it
// Expect: Vector<7>
#include <basin/energy/network.hpp>
#include <basin/layer/pool.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Input = basin::Vector<7>;
#else
using Input = basin::Image<7, 7>;
#endif

using Energy =
    basin::energy::Network<float, Input, basin::layer::AveragePool<2>, basin::layer::Dense<1>>;
static_assert(Energy::parameters > 0);
