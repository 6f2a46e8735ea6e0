// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_PRECISION_RECALL_HPP
#define BASIN_METRIC_PRECISION_RECALL_HPP

#include <basin/metric/detail/arguments.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace basin::metric {

/// Of samples beside a reference.
struct PrecisionRecall {
  double precision;  ///< share of samples within the reference: quality
  double recall;     ///< share of the reference within the samples: coverage
};

namespace detail {

// Squared distance of each row to its k-th neighbor, itself left out.
template <Table T>
std::vector<double> squared_radii(T const& points, int k) {
  std::vector<double> radii, squares;
  for (std::size_t i = 0; i < points.extent(0); ++i) {
    squares.clear();
    for (std::size_t j = 0; j < points.extent(0); ++j)
      if (j != i) squares.push_back(squared_distance(points, i, points, j));
    std::nth_element(squares.begin(), squares.begin() + (k - 1), squares.end());
    radii.push_back(squares[static_cast<std::size_t>(k - 1)]);
  }
  return radii;
}

// Share of the points that lie in the ball of at least one center.
template <Table T, Table U>
double share_within(T const& points, U const& centers, std::vector<double> const& radii) {
  std::size_t within = 0;
  for (std::size_t i = 0; i < points.extent(0); ++i)
    for (std::size_t j = 0; j < centers.extent(0); ++j)
      if (squared_distance(points, i, centers, j) <= radii[j]) {
        ++within;
        break;
      }
  return static_cast<double>(within) / static_cast<double>(points.extent(0));
}

}  // namespace detail

/// Precision and recall by nearest neighbors: a set covers the balls around its points that reach to
/// the k-th neighbor of each within the set; precision is the share of samples that the reference
/// covers, recall the share of the reference that the samples cover. Two sets of one distribution
/// have less than 1 of both: compare with such a pair. O((n + m)^2 D). Source: Kynkaanniemi et al.
/// 2019, arXiv:1904.06991, eq. 1 and 2.
///
/// \param samples, reference  (n, D), (m, D) features on the host, more than k rows of each
/// \param k                   >= 1
/// \throws std::invalid_argument if shapes do not fit, a value is not finite, or k < 1
template <detail::Table Samples, detail::Table Reference>
PrecisionRecall precision_recall(Samples const& samples, Reference const& reference, int k = 3) {
  char const* who = "basin::metric::precision_recall";
  if (k < 1) refuse(who, "k must be >= 1, got ", k);
  std::size_t const least = static_cast<std::size_t>(k) + 1;
  detail::check_rows(who, "samples", samples, least);
  detail::check_rows(who, "reference", reference, least);
  detail::check_same_columns(who, "samples", samples, "reference", reference);
  return {detail::share_within(samples, reference, detail::squared_radii(reference, k)),
          detail::share_within(reference, samples, detail::squared_radii(samples, k))};
}

}  // namespace basin::metric

#endif
