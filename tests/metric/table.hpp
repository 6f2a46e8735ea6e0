// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_METRIC_TABLE_HPP
#define BASIN_TESTS_METRIC_TABLE_HPP

#include <basin/data/detail/host_random.hpp>

#include "metric/reference.hpp"

#include <Kokkos_Core.hpp>

#include <vector>

// Tables on the host.
namespace basin::test {

using Table  = Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace>;
using Labels = Kokkos::View<int*, Kokkos::HostSpace>;

/// The rows, repeated.
inline Table table(std::vector<std::vector<double>> const& rows, int repeats = 1) {
  Table const t("table", rows.size() * static_cast<std::size_t>(repeats), rows.front().size());
  for (std::size_t n = 0; n < t.extent(0); ++n)
    for (std::size_t d = 0; d < t.extent(1); ++d) t(n, d) = rows[n % rows.size()][d];
  return t;
}

inline Table reference_table(int set, int rows, int columns) {
  Table const t("table", rows, columns);
  for (int n = 0; n < rows; ++n)
    for (int d = 0; d < columns; ++d) t(n, d) = reference::element(set, n, d);
  return t;
}

/// N(shift, scale^2) in every coordinate.
inline Table normal_table(int rows, int columns, double shift, double scale, std::uint64_t seed) {
  Table const t("table", rows, columns);
  data::detail::HostRandom random(seed);
  for (int n = 0; n < rows; ++n)
    for (int d = 0; d < columns; ++d) t(n, d) = shift + scale * random.normal_pair()[0];
  return t;
}

}  // namespace basin::test

#endif
