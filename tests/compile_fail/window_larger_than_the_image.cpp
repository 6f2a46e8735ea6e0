// SPDX-License-Identifier: Apache-2.0
// Expect: basin::layer::AveragePool<Size>: the window is larger than the image
// Expect: AveragePool<4>::bind<float, basin::Image<5, 3
#include <basin/energy/network.hpp>
#include <basin/layer/pool.hpp>

#ifdef BASIN_EXPECT_REFUSAL
constexpr int size = 4;
#else
constexpr int size = 3;
#endif

using Energy = basin::energy::Network<float, basin::Image<5, 3>, basin::layer::AveragePool<size>,
                                      basin::layer::Dense<1>>;
static_assert(Energy::parameters > 0);
