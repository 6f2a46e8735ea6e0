// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_QUANTILE_ESTIMATE_HPP
#define BASIN_METRIC_QUANTILE_ESTIMATE_HPP

#include <basin/metric/effective_sample_size.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace basin::metric {

/// A quantile of all draws, with its Monte Carlo standard error.
struct QuantileEstimate {
  double quantile;
  double error;                  ///< units of the function
  double effective_sample_size;  ///< of the indicator of x <= quantile
};

namespace detail {

/// I_x(a, b), the distribution function of Beta(a, b), to 1e-10 for a and b up to 1e6: DLMF 8.17.22,
/// by the algorithm of Lentz.
inline double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(b, a, 1 - x);
  double const front = std::exp(a * std::log(x) + b * std::log1p(-x) + std::lgamma(a + b) -
                                std::lgamma(a) - std::lgamma(b)) /
                       a;
  double const tiny = 1e-300;
  double c = 1, d = 0, fraction = 1;
  for (int k = 1; k < 100000; ++k) {
    double const m    = k / 2;
    double const term = k % 2 == 0 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                                   : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d                 = 1 + term * d;
    d                 = 1 / (std::abs(d) < tiny ? tiny : d);
    c                 = 1 + term / c;
    if (std::abs(c) < tiny) c = tiny;
    fraction *= c * d;
    if (std::abs(c * d - 1) < 1e-15) break;
  }
  return front / fraction;
}

/// x with I_x(a, b) = p, for p in (0, 1), by bisection.
inline double beta_quantile(double p, double a, double b) {
  double low = 0, high = 1;
  for (int k = 0; k < 60; ++k) {
    double const middle                              = (low + high) / 2;
    (incomplete_beta(a, b, middle) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

template <class Exec>
QuantileEstimate quantile_estimate(Exec const& exec, ChainTable<Exec> const& table, double p) {
  if (!is_finite(exec, table)) return {no_number, no_number, no_number};
  auto const in_order  = sorted(exec, table);
  double const at      = quantile<Exec>(in_order, p);
  auto const indicator = chain_table(exec, table.extent(0), table.extent(1));
  for_each_item(exec, "basin::at_most", static_cast<std::int64_t>(table.size()),
                AtMost<Exec>{table, indicator, at});
  double const size = independent_draws(exec, split(exec, indicator));
  if (std::isnan(size)) return {at, no_number, no_number};
  // The order statistics one deviation below and above.
  double const S   = static_cast<double>(table.size());
  auto const place = [&](double share) {
    return S * beta_quantile(share, size * p + 1, size * (1 - p) + 1) - 1;
  };
  double const below = std::floor(std::max(place(0.1586553), 0.0));
  double const above = std::ceil(std::min(place(0.8413447), S - 1));
  auto const number  = [&](double index) {
    return neighbors<Exec>(in_order, static_cast<std::size_t>(index))[0];
  };
  return {at, (number(above) - number(below)) / 2, size};
}

}  // namespace detail

/// The quantile of all draws at p, linear between order statistics (type 7 of Hyndman and Fan 1996),
/// with its Monte Carlo standard error: half of the distance between the order statistics at the 16 %
/// and 84 % quantiles of
///
///   Beta(N p + 1, N (1 - p) + 1)
///
/// where N is the effective sample size of the indicator of x <= quantile. Source: Vehtari, Gelman,
/// Simpson, Carpenter and Buerkner 2021, Bayesian Analysis 16(2), arXiv:1903.08008, section 4.4.
///
/// \param draws  (draws, chains), or (draws, chains, functions), of any layout; at least 4 draws
/// \param p      in (0, 1)
/// \return an estimate, or one for each function; its error is NaN if the quantile is the largest
///         draw, all of it if a draw is not finite. Synchronizes exec.
/// \throws std::invalid_argument if p is outside of (0, 1), there are fewer than 4 draws, or no chains
template <class Exec, class Draws>
auto quantile_estimate(Exec const& exec, Draws const& draws, double p) {
  char const* who = "basin::metric::quantile_estimate";
  if (!(p > 0 && p < 1)) refuse(who, "p must be in (0, 1), got ", p);
  return detail::of_each_function(who, exec, draws, 4, [&](auto const& table) {
    return detail::quantile_estimate(exec, table, p);
  });
}

}  // namespace basin::metric

#endif
