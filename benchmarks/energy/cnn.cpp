// SPDX-License-Identifier: Apache-2.0
// Question: do convolutional energies run as near to the machine's peak as MLPs?
// Smoke: --benchmark_filter=seed-cnn/b128/k1$
#include <basin/energy/cnn.hpp>

#include "benchmarks/support/networks.hpp"

namespace {

using namespace basin::bench;
using SeedCnn = basin::energy::Cnn<float, basin::Image<28, 28>, 32, 64, 128>;

auto const seed_batches  = batches(128);
auto const seed_chain    = register_langevin<SeedCnn>("seed-cnn", seed_batches, {60, 1});
auto const seed_training = register_training<SeedCnn>("seed-cnn", seed_batches, {60, 1});

}  // namespace
