// SPDX-License-Identifier: Apache-2.0
// Expect: basin::layer::Conv2d: after the stride write at most one padding::, one bias:: and one initializer::
#include <basin/energy/network.hpp>
#include <basin/layer/conv2d.hpp>
#include <basin/layer/silu.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Policy = basin::layer::Silu;
#else
using Policy = basin::layer::bias::Without;
#endif

using Energy =
    basin::energy::Network<float, basin::Image<4, 4>, basin::layer::Conv2d<2, 3, 1, Policy>,
                           basin::layer::Dense<1>>;
static_assert(Energy::parameters > 0);
