// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_BYTE_VALUES_HPP
#define BASIN_CORE_BYTE_VALUES_HPP

#include <array>
#include <cstddef>

namespace basin {

/// What bytes [0, 255] of a file stand for: lower + (upper - lower) byte / 255, in double and rounded
/// once.
inline std::array<float, 256> byte_values(float lower, float upper) {
  std::array<float, 256> value{};
  double const from = lower, range = double(upper) - double(lower);
  for (std::size_t byte = 0; byte < value.size(); ++byte)
    value[byte] = static_cast<float>(from + range * static_cast<double>(byte) / 255);
  return value;
}

}  // namespace basin

#endif
