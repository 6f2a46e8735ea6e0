// SPDX-License-Identifier: Apache-2.0
// Compiled once for each number of columns, which is COLUMNS.
#include "energy.hpp"
#include "model.hpp"

namespace {

Bracket bracket(Parameters const& theta, Rows const& rows, Annealing const& options) {
  return bracket_log_partition(Energy(theta.data()), rows, options);
}

bool const entered = bracketers().emplace(COLUMNS, bracket).second;

}  // namespace
