// SPDX-License-Identifier: Apache-2.0
// Expect: basin::energy::Network: an energy is one number, so the last layer must have width 1
// Expect: ends_in_a_scalar<8>
#include <basin/energy/network.hpp>

#ifdef BASIN_EXPECT_REFUSAL
constexpr int last = 8;
#else
constexpr int last = 1;
#endif

using Energy = basin::energy::Network<float, basin::Vector<2>, basin::layer::Dense<4>,
                                      basin::layer::Dense<last>>;
static_assert(Energy::parameters > 0);
