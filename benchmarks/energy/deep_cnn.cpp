// SPDX-License-Identifier: Apache-2.0
// Long: half a minute of compiler, for a question of speed alone
// Question: do deep convolutional energies, which are run layer by layer, run as near to the peak?
// Smoke: --benchmark_filter=deep-cnn/b128/k1$
#include <basin/energy/cnn.hpp>

#include "benchmarks/support/networks.hpp"

namespace {

using namespace basin::bench;
using DeepCnn = basin::energy::DeepCnn<float, basin::Image<32, 32, 3>, 5, 64, 128>;

// 60 steps of 65536 of these chains are 1.4 PFLOP.
auto const deep_chain = register_langevin<DeepCnn>("deep-cnn", batches(128, 4096), {60, 1});

}  // namespace
