// SPDX-License-Identifier: Apache-2.0
// Question: does training of deep convolutional energies run as near to the peak? Chains: deep_cnn.cpp
// Long: its unit takes over a minute
// Smoke: --benchmark_filter=deep-cnn/b128/k1$
#include <basin/energy/cnn.hpp>

#include "benchmarks/support/networks.hpp"

namespace {

using namespace basin::bench;
using DeepCnn = basin::energy::DeepCnn<float, basin::Image<32, 32, 3>, 5, 64, 128>;

// Of 65536 chains and as many rows of data, the record would take 153 GB.
auto const deep_training = register_training<DeepCnn>("deep-cnn", batches(128, 4096), {60, 1});

}  // namespace
