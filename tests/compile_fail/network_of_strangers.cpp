// SPDX-License-Identifier: Apache-2.0
// Expect: basin::energy::Network: every argument after the input shape must be a layer: a type with a member
#include <basin/energy/network.hpp>
#include <basin/layer/silu.hpp>

struct Swish {
  template <class V>
  static void forward(V) {}
};

#ifdef BASIN_EXPECT_REFUSAL  // the mistake: not the interface of a layer
using Activation = Swish;
#else
using Activation = basin::layer::Silu;
#endif

using Energy = basin::energy::Network<float, basin::Vector<2>, basin::layer::Dense<4>, Activation,
                                      basin::layer::Dense<1>>;
static_assert(Energy::parameters > 0);
