// SPDX-License-Identifier: Apache-2.0
// Question: what does a whole training step add to its sampler?
#include "benchmarks/support/networks.hpp"

namespace {

using namespace basin::bench;

auto const a = register_training<NetworkA>("2-128-128-1", batches(256), {60, 1});
auto const b = register_training<NetworkB>("43-512-512-1", batches(256), {60, 1});
auto const c = register_training<NetworkC>("784-256-256-1", batches(128), {60, 1});

}  // namespace
