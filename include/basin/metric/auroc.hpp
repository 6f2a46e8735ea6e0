// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_AUROC_HPP
#define BASIN_METRIC_AUROC_HPP

#include <basin/core/arithmetic.hpp>
#include <basin/metric/detail/arguments.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace basin::metric {

namespace detail {

template <class Scalar>
double auroc(std::span<Scalar const> positive, std::span<Scalar const> negative) {
  check_scores("basin::metric::auroc", "positive", positive);
  check_scores("basin::metric::auroc", "negative", negative);
  std::vector<Scalar> sorted(negative.begin(), negative.end());
  std::sort(sorted.begin(), sorted.end());
  // #(n < p) + #(n <= p) counts a smaller negative twice and a tie once: twice U, an integer.
  std::uint64_t twice = 0;
  for (Scalar const score : positive) {
    auto const [below, above] = std::equal_range(sorted.begin(), sorted.end(), score);
    twice += static_cast<std::uint64_t>((below - sorted.begin()) + (above - sorted.begin()));
  }
  return static_cast<double>(twice) /
         (2 * static_cast<double>(positive.size()) * static_cast<double>(negative.size()));
}

}  // namespace detail

/// \brief Area under the receiver operating characteristic.
///
///   P(p > n) + 1/2 P(p = n) = U / (P N)
///
/// over all pairs of a positive score p and a negative score n; U is the Mann-Whitney statistic
/// with midranks for ties (Hanley and McNeil 1982, Radiology 143(1)). Counted in integers, in
/// O((P + N) log N). A higher score means "positive": for an energy, -E(x) scores "is as the data".
///
/// \param positive  (P) scores, P > 0
/// \param negative  (N) scores, N > 0
/// \return in [0, 1], 1/2 for scores that say nothing
/// \throws std::invalid_argument if either is empty or holds a NaN
inline double auroc(std::span<float const> positive, std::span<float const> negative) {
  return detail::auroc(positive, negative);
}

/// The same in double.
inline double auroc(std::span<double const> positive, std::span<double const> negative) {
  return detail::auroc(positive, negative);
}

}  // namespace basin::metric

#endif
