// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_SWAPPED_OUTPUTS_HPP
#define BASIN_TESTS_SUPPORT_SWAPPED_OUTPUTS_HPP

#include <cstddef>
#include <utility>
#include <vector>

namespace basin::test {

/// theta of a network with output y in place of output 0 and the other way round.
template <class Net>
std::vector<double> swapped_outputs(std::vector<double> theta, int y) {
  int constexpr outputs = Net::outputs;
  for (auto const& b : Net::parameter_blocks()) {
    if (b.rows != outputs && b.columns != outputs) continue;
    bool const by_rows = b.rows == outputs;
    int const others   = by_rows ? b.columns : b.rows;
    for (int i = 0; i < others; ++i) {
      auto const at = [&](int output) {
        return static_cast<std::size_t>(b.offset +
                                        (by_rows ? output * others + i : i * outputs + output));
      };
      std::swap(theta[at(0)], theta[at(y)]);
    }
  }
  return theta;
}

}  // namespace basin::test

#endif
