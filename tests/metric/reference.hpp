// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_METRIC_REFERENCE_HPP
#define BASIN_TESTS_METRIC_REFERENCE_HPP

// Written by reference.py: what scikit-learn and SciPy compute of these sets.
namespace basin::test::reference {

/// Element (n, d) of set s; integers, so that every language has the same.
inline double element(int s, int n, int d) {
  return ((n * 37 + d * 101 + n * d * 13 + s * (n * n + 29 * d)) % 97) / 8.0 - 6 + s * 0.5 * d;
}
inline int label(int n) { return n * n % 7 % 3; }

// 60 rows of set 0 by 3 columns, divided by 4, as logits, and their labels
inline constexpr double accuracy      = 0.3333333333333333;
inline constexpr double cross_entropy = 1.3269471681872334;
inline constexpr double brier         = 0.7946083437549009;
// column 1 of 50 rows of set 1 as positive, of 70 rows of set 0 as negative scores
inline constexpr double average_precision   = 0.539134421399773;
inline constexpr double false_positive_rate = 0.8428571428571429;
// 40 rows of set 0 beside 55 rows of set 1, by 4 columns
inline constexpr double frechet   = 6.949914005848628;
inline constexpr double mmd       = 0.004262454776288338;
inline constexpr double precision = 0.95;
inline constexpr double recall    = 1.0;

}  // namespace basin::test::reference

#endif
