// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_FALSE_POSITIVE_RATE_HPP
#define BASIN_METRIC_FALSE_POSITIVE_RATE_HPP

#include <basin/metric/detail/arguments.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <vector>

namespace basin::metric {

namespace detail {

template <class Scalar>
double false_positive_rate(std::span<Scalar const> positive, std::span<Scalar const> negative,
                           double true_positive_rate) {
  char const* who = "basin::metric::false_positive_rate";
  check_scores(who, "positive", positive);
  check_scores(who, "negative", negative);
  if (!(true_positive_rate > 0 && true_positive_rate <= 1))
    refuse(who, "true_positive_rate must be in (0, 1], got ", true_positive_rate);
  double const all = static_cast<double>(positive.size());
  std::size_t hits = static_cast<std::size_t>(true_positive_rate * all);
  while (static_cast<double>(hits) / all < true_positive_rate) ++hits;
  std::vector<Scalar> sorted(positive.begin(), positive.end());
  auto const at = sorted.begin() + static_cast<std::ptrdiff_t>(hits) - 1;
  std::nth_element(sorted.begin(), at, sorted.end(), std::greater<>());
  auto const above =
      std::count_if(negative.begin(), negative.end(), [&](Scalar s) { return s >= *at; });
  return static_cast<double>(above) / static_cast<double>(negative.size());
}

}  // namespace detail

/// The false positive rate where at least a share r of the positives is found (for r = 0.95 'at 95 % true
/// positive rate'):
///
///   P(n >= t),  t the highest threshold with P(p >= t) >= r
///
/// A higher score means "positive": for an energy, -E(x). Source: Hendrycks and Gimpel 2017,
/// arXiv:1610.02136; Liang et al. 2018, arXiv:1706.02690, section 4.3.
///
/// \param positive            (P) scores, P > 0
/// \param negative            (N) scores, N > 0
/// \param true_positive_rate  r in (0, 1]
/// \return in [0, 1]; about r for scores that say nothing
/// \throws std::invalid_argument if either is empty or holds a NaN, or r is not in (0, 1]
inline double false_positive_rate(std::span<float const> positive, std::span<float const> negative,
                                  double true_positive_rate = 0.95) {
  return detail::false_positive_rate(positive, negative, true_positive_rate);
}

/// The same in double.
inline double false_positive_rate(std::span<double const> positive,
                                  std::span<double const> negative,
                                  double true_positive_rate = 0.95) {
  return detail::false_positive_rate(positive, negative, true_positive_rate);
}

}  // namespace basin::metric

#endif
