// SPDX-License-Identifier: Apache-2.0
// Question: how near to the machine's peak does a whole Langevin chain of an MLP run?
#include "benchmarks/support/networks.hpp"

namespace {

using namespace basin::bench;

auto const a = register_langevin<NetworkA>("2-128-128-1", batches(256), {60, 1});
auto const b = register_langevin<NetworkB>("43-512-512-1", batches(256), {60, 1});
auto const c = register_langevin<NetworkC>("784-256-256-1", batches(128), {60, 1});

auto const b_reduced = register_reduced<NetworkB>("43-512-512-1", batches(256), {60, 1});
auto const c_reduced = register_reduced<NetworkC>("784-256-256-1", batches(128), {60, 1});

}  // namespace
