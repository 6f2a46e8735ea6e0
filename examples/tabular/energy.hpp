// SPDX-License-Identifier: Apache-2.0
// The energy of a table with COLUMNS columns, which the build sets.
#ifndef EXAMPLES_TABULAR_ENERGY_HPP
#define EXAMPLES_TABULAR_ENERGY_HPP

#include <basin/energy/network.hpp>
#include <basin/layer/dense.hpp>
#include <basin/layer/pool.hpp>
#include <basin/layer/scale.hpp>
#include <basin/layer/sequence.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/square.hpp>
#include <basin/layer/sum.hpp>

#include <ratio>

namespace layer = basin::layer;

// E(x) = |x|^2 / 2 + MLP(x). With SiLU the network grows at most linearly, so that exp(-E) has a
// finite integral whatever the weights. (A row is an image one pixel high: SumPool sums pixels.)
using Mlp    = layer::Sequence<layer::Dense<128>, layer::Silu, layer::Dense<128>, layer::Silu,
                               layer::Dense<1>>;
using Tail   = layer::Sequence<layer::Square, layer::SumPool, layer::Scale<std::ratio<1, 2>>>;
using Energy = basin::energy::Network<float, basin::Image<1, COLUMNS>, layer::Sum<Mlp, Tail>>;

#endif
