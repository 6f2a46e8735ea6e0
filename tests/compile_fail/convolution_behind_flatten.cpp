// SPDX-License-Identifier: Apache-2.0
// Expect: basin::layer::Conv2d: a convolution needs an image before it
// Expect: Vector<32>
#include <basin/energy/network.hpp>
#include <basin/layer/conv2d.hpp>
#include <basin/layer/flatten.hpp>
#include <basin/layer/silu.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Between = basin::layer::Flatten;
#else
using Between = basin::layer::Silu;
#endif

using Energy = basin::energy::Network<float, basin::Image<4, 4>, basin::layer::Conv2d<2, 3>,
                                      Between, basin::layer::Conv2d<2, 3>, basin::layer::Dense<1>>;
static_assert(Energy::parameters > 0);
