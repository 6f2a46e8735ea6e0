// SPDX-License-Identifier: Apache-2.0
// Expect: basin::layer::Residual: no 1x1 projection leads from the image before the block to the one
// Expect: Projection<basin::Image<6, 6, 2>, basin::Image<4, 4, 2
#include <basin/energy/network.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Padding = basin::layer::padding::Valid;
#else
using Padding = basin::layer::padding::Same;
#endif

using Energy =
    basin::energy::Network<float, basin::Image<6, 6, 2>,
                           basin::layer::Residual<basin::layer::Conv2d<2, 3, 1, Padding>>,
                           basin::layer::Dense<1>>;
static_assert(Energy::parameters > 0);
