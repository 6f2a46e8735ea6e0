// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_COLUMNS_HPP
#define BASIN_DATA_COLUMNS_HPP

#include <basin/data/samples.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace basin::data {

namespace detail {

inline void check_columns(std::string const& caller, std::vector<int> const& columns,
                          std::size_t count, std::string const& advice = {}) {
  for (int const column : columns)
    if (column < 0 || static_cast<std::size_t>(column) >= count)
      throw std::invalid_argument(caller + ": column " + std::to_string(column) +
                                  " is asked for, there are " + std::to_string(count) + advice);
}

}  // namespace detail

/// \brief Copy of some columns, in the given order.
///
/// \throws std::invalid_argument if a column does not exist, or none is given
template <Rows R>
detail::RowsLike<R> select_columns(R const& samples, std::vector<int> const& columns) {
  detail::check_columns("basin::data::select_columns", columns, samples.extent(1));
  if (columns.empty())
    throw std::invalid_argument("basin::data::select_columns: 0 columns are asked for, there are " +
                                std::to_string(samples.extent(1)));
  auto const selected = detail::make_rows<R>(samples.extent(0), columns.size());
  for (std::size_t i = 0; i < samples.extent(0); ++i)
    for (std::size_t j = 0; j < columns.size(); ++j) selected(i, j) = samples(i, columns[j]);
  return selected;
}

/// \brief Copy of all columns but some, in their order.
///
/// \throws std::invalid_argument if a column does not exist, or none would be left
template <Rows R>
detail::RowsLike<R> drop_columns(R const& samples, std::vector<int> const& columns) {
  detail::check_columns("basin::data::drop_columns", columns, samples.extent(1));
  std::vector<bool> dropped(samples.extent(1), false);
  for (int const column : columns) dropped[column] = true;
  std::vector<int> kept;
  for (std::size_t j = 0; j < dropped.size(); ++j)
    if (!dropped[j]) kept.push_back(static_cast<int>(j));
  if (kept.empty())
    throw std::invalid_argument("basin::data::drop_columns: all " +
                                std::to_string(samples.extent(1)) + " columns are to be dropped");
  return select_columns(samples, kept);
}

/// \brief One column as class labels.
///
/// \return (samples)
/// \throws std::invalid_argument if the column does not exist, or holds a value that is not an
///         integer from 0 to 2^31 - 1, in float to 2^24 - 1
template <Rows R>
Labels label_column(R const& samples, int column) {
  std::string const caller = "basin::data::label_column";
  detail::check_columns(caller, {column}, samples.extent(1));
  // From 2^24 on float skips integers: what was read need not be what was written.
  int constexpr most  = std::same_as<typename R::value_type, float> ? 0xFFFFFF : 0x7FFFFFFF;
  Labels const labels = make_labels(samples.extent(0));
  for (std::size_t i = 0; i < samples.extent(0); ++i) {
    double const value = samples(i, column);
    if (!(value >= 0 && value <= most && value == std::floor(value)))
      throw std::invalid_argument(caller + ": sample " + std::to_string(i) + " has " +
                                  std::to_string(value) + " in column " + std::to_string(column) +
                                  ", a label is an integer from 0 to " + std::to_string(most));
    labels(i) = static_cast<int>(value);
  }
  return labels;
}

}  // namespace basin::data

#endif
