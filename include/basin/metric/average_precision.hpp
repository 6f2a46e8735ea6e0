// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_AVERAGE_PRECISION_HPP
#define BASIN_METRIC_AVERAGE_PRECISION_HPP

#include <basin/metric/detail/arguments.hpp>

#include <algorithm>
#include <functional>
#include <span>
#include <vector>

namespace basin::metric {

namespace detail {

template <class Scalar>
double average_precision(std::span<Scalar const> positive, std::span<Scalar const> negative) {
  char const* who = "basin::metric::average_precision";
  check_scores(who, "positive", positive);
  check_scores(who, "negative", negative);
  std::vector<Scalar> p(positive.begin(), positive.end()), n(negative.begin(), negative.end());
  std::sort(p.begin(), p.end(), std::greater<>());
  std::sort(n.begin(), n.end(), std::greater<>());
  double sum       = 0;
  std::size_t hits = 0, false_alarms = 0;
  while (hits < p.size()) {
    Scalar const threshold  = p[hits];
    std::size_t const first = hits;
    while (hits < p.size() && p[hits] == threshold) ++hits;
    while (false_alarms < n.size() && n[false_alarms] >= threshold) ++false_alarms;
    sum += static_cast<double>(hits - first) * static_cast<double>(hits) /
           static_cast<double>(hits + false_alarms);
  }
  return sum / static_cast<double>(p.size());
}

}  // namespace detail

/// Area under the precision-recall curve (AUPR), as average precision:
///
///   sum_k (R_k - R_(k-1)) P_k
///
/// over the distinct scores as thresholds, from the highest on, R_k and P_k the recall and precision
/// of all scores >= threshold k; nothing is interpolated (Davis and Goadrich 2006, ICML, show that a
/// straight line would be too high). A higher score means "positive": for an energy, -E(x). Its
/// value for scores that say nothing is the share of positives.
///
/// \param positive  (P) scores, P > 0
/// \param negative  (N) scores, N > 0
/// \throws std::invalid_argument if either is empty or holds a NaN
inline double average_precision(std::span<float const> positive, std::span<float const> negative) {
  return detail::average_precision(positive, negative);
}

/// The same in double.
inline double average_precision(std::span<double const> positive,
                                std::span<double const> negative) {
  return detail::average_precision(positive, negative);
}

}  // namespace basin::metric

#endif
