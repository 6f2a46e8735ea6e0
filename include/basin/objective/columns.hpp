// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_COLUMNS_HPP
#define BASIN_OBJECTIVE_COLUMNS_HPP

#include <basin/objective/batch.hpp>

#include <array>
#include <cstddef>

namespace basin::objective {

/// Columns shared by objectives. Samplers define their own columns.
namespace quantity {

inline constexpr Quantity energy_data{"energy_data", "E", "mean E of the batch of data"};
inline constexpr Quantity energy_samples{"energy_samples", "E", "mean E of the batch of samples"};
inline constexpr Quantity energy_noise{"energy_noise", "E", "mean E of the batch of noise"};
inline constexpr Quantity loss{"loss", "1", "mean of what the objective minimizes"};
inline constexpr Quantity buffer_age{"buffer_age", "1",
                                     "mean sampler calls since the chains started, as drawn"};

}  // namespace quantity

/// Concatenates two lists of columns.
template <class Scalar, std::size_t n, std::size_t m>
std::array<Column<Scalar>, n + m> join(std::array<Column<Scalar>, n> const& first,
                                       std::array<Column<Scalar>, m> const& second) {
  std::array<Column<Scalar>, n + m> all{};
  for (std::size_t i = 0; i < n; ++i) all[i] = first[i];
  for (std::size_t i = 0; i < m; ++i) all[n + i] = second[i];
  return all;
}

}  // namespace basin::objective

#endif
