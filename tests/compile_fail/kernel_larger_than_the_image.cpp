// SPDX-License-Identifier: Apache-2.0
// Expect: basin::layer::Conv2d: the kernel is larger than the padded image
// Expect: Image<4, 2, 3>, 3, 1,
#include <basin/energy/network.hpp>
#include <basin/layer/conv2d.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Padding = basin::layer::padding::Valid;
#else
using Padding = basin::layer::padding::Same;
#endif

using Energy =
    basin::energy::Network<float, basin::Image<4, 2, 3>, basin::layer::Conv2d<2, 3, 1, Padding>,
                           basin::layer::Dense<1>>;
static_assert(Energy::parameters > 0);
