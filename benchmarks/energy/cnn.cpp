// SPDX-License-Identifier: Apache-2.0
// Question: do convolutional energies run as near to the machine's peak as MLPs?
// Smoke: --benchmark_filter=seed-cnn/b128/k1$
#include <basin/energy/cnn.hpp>

#include "benchmarks/support/networks.hpp"

namespace {

using namespace basin::bench;
using SeedCnn = basin::energy::Cnn<float, basin::Image<28, 28>, 32, 64, 128>;
using DeepCnn = basin::energy::DeepCnn<float, basin::Image<32, 32, 3>, 5, 64, 128>;

// Of 65536 chains and as many rows of data, the deep network's record would take 153 GB, and 60
// steps of these chains are 1.4 PFLOP.
auto const seed_batches = batches(128), deep_batches = batches(128, 4096);

auto const seed_chain    = register_langevin<SeedCnn>("seed-cnn", seed_batches, {60, 1});
auto const seed_training = register_training<SeedCnn>("seed-cnn", seed_batches, {60, 1});
auto const deep_chain    = register_langevin<DeepCnn>("deep-cnn", deep_batches, {60, 1});
auto const deep_training = register_training<DeepCnn>("deep-cnn", deep_batches, {60, 1});

}  // namespace
