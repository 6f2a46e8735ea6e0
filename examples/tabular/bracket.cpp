// SPDX-License-Identifier: Apache-2.0
// Compiled once for each number of columns, which is COLUMNS.
#include "energy.hpp"
#include "model.hpp"

namespace {

basin::sampler::LogPartitionBounds bracket(Parameters const& theta, Rows const& rows,
                                           basin::sampler::LogPartition const& options,
                                           std::uint64_t seed) {
  return basin::sampler::log_partition(Kokkos::DefaultExecutionSpace(), options,
                                       Energy(theta.data()), rows, seed);
}

bool const entered = bracketers().emplace(COLUMNS, bracket).second;

}  // namespace
