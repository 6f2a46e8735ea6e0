// SPDX-License-Identifier: Apache-2.0
// Question: do deep convolutional energies, which are run layer by layer, run as near to the peak?
// Smoke: --benchmark_filter=deep-cnn/b128/k1$
#include <basin/energy/cnn.hpp>

#include "benchmarks/support/networks.hpp"

namespace {

using namespace basin::bench;
using DeepCnn = basin::energy::DeepCnn<float, basin::Image<32, 32, 3>, 5, 64, 128>;

// Of 65536 chains and as many rows of data, the record would take 153 GB, and 60 steps of these
// chains are 1.4 PFLOP.
auto const deep_batches  = batches(128, 4096);
auto const deep_chain    = register_langevin<DeepCnn>("deep-cnn", deep_batches, {60, 1});
auto const deep_training = register_training<DeepCnn>("deep-cnn", deep_batches, {60, 1});

}  // namespace
