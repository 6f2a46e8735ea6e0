// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_MISSING_HPP
#define BASIN_DATA_MISSING_HPP

#include <basin/core/archive.hpp>
#include <basin/data/columns.hpp>
#include <basin/data/samples.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

// A missing number is a NaN, as read_csv returns it on request.

namespace basin::data {

/// What stands for the missing numbers of a column, from those that are there. Another rule is a type
/// with the same member value.
namespace missing {

/// Their mean, m = 1/n sum_i x_i.
struct Mean {
  static constexpr bool needs_numbers = true;
  double value(std::vector<double>& x) const {
    double sum = 0;
    for (double const number : x) sum += (number - x[0]) / static_cast<double>(x.size());
    return x[0] + sum;
  }
};

/// Their median; of an even number of them the middle of the two in the middle.
struct Median {
  static constexpr bool needs_numbers = true;
  double value(std::vector<double>& x) const {
    auto const middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
    std::nth_element(x.begin(), middle, x.end());
    if (x.size() % 2 == 1) return *middle;
    double const below = *std::max_element(x.begin(), middle);
    return below + (*middle - below) / 2;
  }
};

/// The number that is there most often, of several the smallest: of a categorical column, whose numbers
/// have no middle.
struct MostFrequent {
  static constexpr bool needs_numbers = true;
  double value(std::vector<double>& x) const {
    std::sort(x.begin(), x.end());
    double found     = x[0];
    std::size_t most = 0;
    for (std::size_t i = 0, first = 0; i < x.size(); ++i) {
      if (x[i] != x[first]) first = i;
      if (i - first + 1 > most) most = i - first + 1, found = x[i];
    }
    return found;
  }
};

/// A number that is given, the same for all columns.
struct Constant {
  static constexpr bool needs_numbers = false;
  double number                       = 0;
  double value(std::vector<double>&) const { return number; }
};

}  // namespace missing

/// What stands for a missing number of each column.
struct Imputation {
  std::vector<double> values;  ///< (dimension); NaN: missing numbers of this column stay

  template <Archive A>
  void archive(A& a) {
    a("values", values);
  }
};

/// \brief Replaces missing numbers, NaN, in place.
///
/// \param samples     Samples or a Table
/// \param imputation  of the training set, also where samples are the test set
/// \throws std::invalid_argument if it is of another dimension; samples are then unchanged
template <Rows R>
void impute(R const& samples, Imputation const& imputation) {
  if (imputation.values.size() != samples.extent(1))
    throw std::invalid_argument("basin::data::impute: samples have dimension " +
                                std::to_string(samples.extent(1)) + ", the imputation has " +
                                std::to_string(imputation.values.size()));
  for (std::size_t i = 0; i < samples.extent(0); ++i)
    for (std::size_t j = 0; j < samples.extent(1); ++j)
      if (std::isnan(samples(i, j)))
        samples(i, j) = static_cast<typename R::value_type>(imputation.values[j]);
}

/// Replaces missing numbers by a rule: missing::Mean, Median, MostFrequent or Constant of each column.
///
/// Imputed numbers are none that were measured: a density that is fitted to them is narrower than
/// that of the data.
///
/// \param columns  where the rule holds; empty: all
/// \return the numbers that stand for them, for use on other sets
/// \throws std::invalid_argument if a column does not exist, holds no number and the rule needs one, or
///         the rule's value is not finite; samples are then unchanged
template <Rows R, class Rule>
Imputation impute(R const& samples, Rule const& rule, std::vector<int> const& columns = {}) {
  std::string const caller    = "basin::data::impute";
  std::size_t const dimension = samples.extent(1);
  detail::check_columns(caller, columns, dimension);
  std::vector<bool> wanted(dimension, columns.empty());
  for (int const column : columns) wanted[static_cast<std::size_t>(column)] = true;
  Imputation imputation{std::vector<double>(dimension, std::numeric_limits<double>::quiet_NaN())};
  std::vector<double> numbers;
  for (std::size_t j = 0; j < dimension; ++j) {
    if (!wanted[j]) continue;
    numbers.clear();
    for (std::size_t i = 0; i < samples.extent(0); ++i)
      if (!std::isnan(samples(i, j))) numbers.push_back(samples(i, j));
    if (Rule::needs_numbers && numbers.empty())
      throw std::invalid_argument(caller + ": all " + std::to_string(samples.extent(0)) +
                                  " numbers of column " + std::to_string(j) +
                                  " are missing; drop it, or write missing::Constant");
    double const value = rule.value(numbers);
    if (!std::isfinite(value))
      throw std::invalid_argument(caller + ": column " + std::to_string(j) + " gets " +
                                  std::to_string(value) + " for a missing number, must be finite");
    imputation.values[j] = value;
  }
  impute(samples, imputation);
  return imputation;
}

}  // namespace basin::data

#endif
