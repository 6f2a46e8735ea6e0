// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_MAXIMUM_MEAN_DISCREPANCY_HPP
#define BASIN_METRIC_MAXIMUM_MEAN_DISCREPANCY_HPP

#include <basin/metric/detail/arguments.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace basin::metric {

/// The median distance of two different rows, a usual bandwidth of a kernel: take it from reference
/// data alone, so that it does not depend on the model. Of an even number of pairs the upper one
/// counts. O(n^2 D).
///
/// \param reference  (n, D) on the host, at least two rows
/// \throws std::invalid_argument if there are too few rows or a value is not finite
template <detail::Table Reference>
double median_distance(Reference const& reference) {
  detail::check_rows("basin::metric::median_distance", "reference", reference, 2);
  std::vector<double> squares;
  squares.reserve(reference.extent(0) * (reference.extent(0) - 1) / 2);
  for (std::size_t i = 0; i < reference.extent(0); ++i)
    for (std::size_t j = 0; j < i; ++j)
      squares.push_back(detail::squared_distance(reference, i, reference, j));
  auto const middle = squares.begin() + static_cast<std::ptrdiff_t>(squares.size() / 2);
  std::nth_element(squares.begin(), middle, squares.end());
  return std::sqrt(*middle);
}

/// The squared maximum mean discrepancy, unbiased:
///
///   sum_(i != j) k(x_i, x_j) / n (n - 1) + sum_(i != j) k(y_i, y_j) / m (m - 1) - 2 mean k(x_i, y_j)
///
/// with the mean k of Gaussian kernels exp(-|x - y|^2 / 2 h^2) over the bandwidths h. It may be
/// negative. O((n + m)^2 D). Source: Gretton et al. 2012, JMLR 13, eq. 3.
///
/// \param samples, reference  (n, D), (m, D) on the host, at least two rows of each
/// \param bandwidths          h, units of x, all > 0; for example median_distance(reference) times
///                            1/4, 1/2, 1, 2, 4
/// \throws std::invalid_argument if shapes do not fit, a value is not finite, or a bandwidth is not
///         > 0
template <detail::Table Samples, detail::Table Reference>
double squared_maximum_mean_discrepancy(Samples const& samples, Reference const& reference,
                                        std::vector<double> const& bandwidths) {
  char const* who = "basin::metric::squared_maximum_mean_discrepancy";
  detail::check_rows(who, "samples", samples, 2);
  detail::check_rows(who, "reference", reference, 2);
  detail::check_same_columns(who, "samples", samples, "reference", reference);
  if (bandwidths.empty()) refuse(who, "bandwidths has 0 values, write at least one");
  for (double const h : bandwidths)
    if (!(h > 0) || std::isinf(h)) refuse(who, "a bandwidth must be > 0 and finite, got ", h);
  auto const kernel = [&](double square) {
    double sum = 0;
    for (double const h : bandwidths) sum += std::exp(-square / (2 * h * h));
    return sum / static_cast<double>(bandwidths.size());
  };
  auto const within = [&](auto const& x) {
    double sum     = 0;
    double const n = static_cast<double>(x.extent(0));
    for (std::size_t i = 0; i < x.extent(0); ++i)
      for (std::size_t j = 0; j < i; ++j) sum += kernel(detail::squared_distance(x, i, x, j));
    return 2 * sum / (n * (n - 1));
  };
  double between = 0;
  for (std::size_t i = 0; i < samples.extent(0); ++i)
    for (std::size_t j = 0; j < reference.extent(0); ++j)
      between += kernel(detail::squared_distance(samples, i, reference, j));
  return within(samples) + within(reference) -
         2 * between /
             (static_cast<double>(samples.extent(0)) * static_cast<double>(reference.extent(0)));
}

}  // namespace basin::metric

#endif
