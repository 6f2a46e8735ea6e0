// SPDX-License-Identifier: Apache-2.0
// Expect: basin::layer::Residual: write at least one layer.
// Expect: basin::layer::Sequence: write at least one layer.
#include <basin/energy/network.hpp>
#include <basin/layer/silu.hpp>

#ifdef BASIN_EXPECT_REFUSAL
using Skip = basin::layer::Residual<>;
using None = basin::layer::Sequence<>;
#else
using Skip = basin::layer::Residual<basin::layer::Silu>;
using None = basin::layer::Sequence<basin::layer::Silu>;
#endif

template <class Layer>
using Energy = basin::energy::Network<float, basin::Vector<2>, basin::layer::Dense<4>, Layer,
                                      basin::layer::Dense<1>>;
static_assert(Energy<Skip>::parameters > 0);
static_assert(Energy<None>::parameters > 0);
