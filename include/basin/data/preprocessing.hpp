// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_DATA_PREPROCESSING_HPP
#define BASIN_DATA_PREPROCESSING_HPP

#include <basin/data/detail/host_random.hpp>
#include <basin/data/samples.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace basin::data {

/// Mean and standard deviation of each column.
struct ColumnMoments {
  std::vector<double> mean;                ///< (dimension)
  std::vector<double> standard_deviation;  ///< (dimension)
};

/// \brief Mean and standard deviation of each column, in two passes in double.
///
///   m = 1/N sum_i x_i,   s^2 = 1/N sum_i (x_i - m)^2
///
/// s is 0 where it is below epsilon max |x|, epsilon of the numbers' type: such a column is a
/// constant and its rounding.
///
/// \param samples  Samples or a Table
/// \throws std::invalid_argument if there are no samples
template <Rows R>
ColumnMoments column_moments(R const& samples) {
  std::size_t const count = samples.extent(0), dimension = samples.extent(1);
  if (count == 0)
    throw std::invalid_argument("basin::data::column_moments: 0 samples of dimension " +
                                std::to_string(dimension));
  ColumnMoments moments{std::vector<double>(dimension, 0), std::vector<double>(dimension, 0)};
  // Of x less its first: a mean that is off by its rounding would look like a deviation.
  auto const shifted = [&](std::size_t i, std::size_t j) {
    return double(samples(i, j)) - double(samples(0, j));
  };
  std::vector<double> largest(dimension, 0);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < dimension; ++j) {
      moments.mean[j] += shifted(i, j);
      largest[j] = std::max(largest[j], std::abs(double(samples(i, j))));
    }
  for (double& mean : moments.mean) mean /= static_cast<double>(count);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < dimension; ++j) {
      double const deviation = shifted(i, j) - moments.mean[j];
      moments.standard_deviation[j] += deviation * deviation;
    }
  double constexpr epsilon = std::numeric_limits<typename R::value_type>::epsilon();
  for (std::size_t j = 0; j < dimension; ++j) {
    double& deviation = moments.standard_deviation[j];
    deviation         = std::sqrt(deviation / static_cast<double>(count));
    if (deviation <= epsilon * largest[j]) deviation = 0;
    moments.mean[j] += samples(0, j);
  }
  return moments;
}

namespace detail {

// Whether rows of this dimension can be standardized by these moments.
inline void check_moments(std::string const& caller, std::size_t dimension,
                          ColumnMoments const& moments, bool in_float) {
  if (moments.mean.size() != dimension || moments.standard_deviation.size() != dimension)
    throw std::invalid_argument(caller + ": samples have dimension " + std::to_string(dimension) +
                                ", moments have " + std::to_string(moments.mean.size()) +
                                " means and " + std::to_string(moments.standard_deviation.size()) +
                                " standard deviations");
  for (std::size_t j = 0; j < dimension; ++j) {
    double const mean = moments.mean[j], deviation = moments.standard_deviation[j];
    if (deviation == 0 && std::isfinite(mean))
      throw std::invalid_argument(caller + ": column " + std::to_string(j) + " is constant, " +
                                  std::to_string(mean) +
                                  " to the rounding of its numbers; drop it" +
                                  (in_float ? ", or standardize a Table, which is in double" : ""));
    if (!(deviation > 0 && std::isfinite(deviation) && std::isfinite(mean)))
      throw std::invalid_argument(caller + ": column " + std::to_string(j) + " has mean " +
                                  std::to_string(mean) + " and standard deviation " +
                                  std::to_string(deviation) + ", which must be finite and > 0");
  }
}

inline void check_ranges(std::string const& caller, double lower, double upper, double new_lower,
                         double new_upper) {
  if (!(lower < upper))
    throw std::invalid_argument(caller + ": lower must be < upper, got " + std::to_string(lower) +
                                " and " + std::to_string(upper));
  if (!(new_lower < new_upper))
    throw std::invalid_argument(caller + ": new_lower must be < new_upper, got " +
                                std::to_string(new_lower) + " and " + std::to_string(new_upper));
}

}  // namespace detail

/// \brief x <- (x - m) / s for each column, in place.
///
/// \param samples  Samples or a Table; a table is rounded to float afterwards, by rounded() or by
///                 the trainer
/// \param moments  of the training set, also where samples are the test set
/// \throws std::invalid_argument if a column's s is not finite and > 0, or moments are of another
///         dimension; samples are then unchanged
template <Rows R>
void standardize(R const& samples, ColumnMoments const& moments) {
  std::size_t const dimension = samples.extent(1);
  detail::check_moments("basin::data::standardize", dimension, moments,
                        std::same_as<typename R::value_type, float>);
  for (std::size_t i = 0; i < samples.extent(0); ++i)
    for (std::size_t j = 0; j < dimension; ++j)
      samples(i, j) = static_cast<typename R::value_type>(
          (double(samples(i, j)) - moments.mean[j]) / moments.standard_deviation[j]);
}

/// Standardizes samples by their own moments, which it returns for use on other sets.
template <Rows R>
ColumnMoments standardize(R const& samples) {
  ColumnMoments moments = column_moments(samples);
  standardize(samples, moments);
  return moments;
}

/// \brief Maps [lower, upper] to [new_lower, new_upper], in place.
///
///   x <- new_lower + (new_upper - new_lower) (x - lower) / (upper - lower)
///
/// Values outside the range stay outside.
///
/// \throws std::invalid_argument if lower >= upper or new_lower >= new_upper
template <Rows R>
void rescale(R const& samples, double lower, double upper, double new_lower, double new_upper) {
  detail::check_ranges("basin::data::rescale", lower, upper, new_lower, new_upper);
  double const factor = (new_upper - new_lower) / (upper - lower);
  for (std::size_t i = 0; i < samples.extent(0); ++i)
    for (std::size_t j = 0; j < samples.extent(1); ++j)
      samples(i, j) =
          static_cast<typename R::value_type>(new_lower + factor * (double(samples(i, j)) - lower));
}

/// Row indices of two disjoint parts.
struct RowSplit {
  std::vector<std::size_t> train;
  std::vector<std::size_t> test;
};

/// \brief Splits the rows 0 ... count - 1 at random; round(train_fraction * count) are for
/// training.
///
/// The rows are shuffled (Fisher and Yates 1938; Knuth, TAOCP 3.4.2, algorithm P); the same seed
/// gives the same parts on every platform.
///
/// \throws std::invalid_argument if train_fraction is outside (0, 1) or a part would be empty
inline RowSplit split_rows(std::size_t count, double train_fraction, std::uint64_t seed) {
  if (!(train_fraction > 0 && train_fraction < 1))
    throw std::invalid_argument("basin::data::split: train_fraction must be in (0, 1), got " +
                                std::to_string(train_fraction));
  auto const train =
      static_cast<std::size_t>(std::llround(train_fraction * static_cast<double>(count)));
  if (train == 0 || train == count)
    throw std::invalid_argument("basin::data::split: train_fraction " +
                                std::to_string(train_fraction) + " of " + std::to_string(count) +
                                " samples leaves a part empty");
  std::vector<std::size_t> rows(count);
  for (std::size_t i = 0; i < count; ++i) rows[i] = i;
  detail::HostRandom random(seed);
  for (std::size_t i = count; i > 1; --i) std::swap(rows[i - 1], rows[random.below(i)]);
  auto const cut = rows.begin() + static_cast<std::ptrdiff_t>(train);
  return {{rows.begin(), cut}, {cut, rows.end()}};
}

namespace detail {

inline void check_rows(std::vector<std::size_t> const& rows, std::size_t count) {
  for (std::size_t const row : rows)
    if (row >= count)
      throw std::invalid_argument("basin::data::select_rows: row " + std::to_string(row) +
                                  " is asked for, there are " + std::to_string(count));
}

}  // namespace detail

/// \brief Copy of some rows, in the given order.
///
/// \throws std::invalid_argument if a row does not exist
template <Rows R>
detail::RowsLike<R> select_rows(R const& samples, std::vector<std::size_t> const& rows) {
  detail::check_rows(rows, samples.extent(0));
  auto const selected = detail::make_rows<R>(rows.size(), samples.extent(1));
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < samples.extent(1); ++j) selected(i, j) = samples(rows[i], j);
  return selected;
}

/// The same for labels.
inline Labels select_rows(Labels const& labels, std::vector<std::size_t> const& rows) {
  detail::check_rows(rows, labels.extent(0));
  Labels const selected = make_labels(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) selected(i) = labels(rows[i]);
  return selected;
}

/// Two parts of a data set.
template <Rows R = Samples>
struct Split {
  R train;
  R test;
};

/// Copies of the two parts that split_rows gives; select_rows splits labels the same way.
template <Rows R>
Split<detail::RowsLike<R>> split(R const& samples, double train_fraction, std::uint64_t seed) {
  RowSplit const rows = split_rows(samples.extent(0), train_fraction, seed);
  return {select_rows(samples, rows.train), select_rows(samples, rows.test)};
}

}  // namespace basin::data

#endif
