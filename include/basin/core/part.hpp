// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_PART_HPP
#define BASIN_CORE_PART_HPP

#include <cstdint>

namespace basin {

/// The numbers [first, last).
struct Part {
  std::uint64_t first, last;
  constexpr std::uint64_t count() const { return last - first; }
};

/// Part p of 'parts' nearly equal ones of [0, total), for a total below 2^63 / parts.
constexpr Part part_of(std::uint64_t total, int parts, int p) {
  auto const n = static_cast<std::uint64_t>(parts), at = static_cast<std::uint64_t>(p);
  return {at * total / n, (at + 1) * total / n};
}

}  // namespace basin

#endif
