// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_COLUMNS_HPP
#define BASIN_TESTS_SUPPORT_COLUMNS_HPP

#include <Kokkos_Core.hpp>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace basin::test {

/// Names of columns, in order.
template <class Columns>
std::vector<std::string> names_of(Columns const& columns) {
  std::vector<std::string> names;
  for (auto const& c : columns) names.emplace_back(c.quantity.name);
  return names;
}

/// Mean of the column of a name, on Exec; NaN where there is none.
template <class Exec, class Columns>
double mean_of(Columns const& columns, std::string_view name) {
  auto const mean = [](auto const* values, int count) {
    using T         = std::remove_pointer_t<decltype(values)>;
    auto const host = Kokkos::create_mirror_view_and_copy(
        Kokkos::HostSpace(),
        Kokkos::View<T*, Exec, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(values, count));
    double sum = 0;
    for (int n = 0; n < count; ++n) sum += double(host(n)) / count;
    return sum;
  };
  for (auto const& c : columns)
    if (name == c.quantity.name)
      return c.values ? mean(c.values, c.count) : mean(c.integers, c.count);
  return std::nan("");
}

}  // namespace basin::test

#endif
