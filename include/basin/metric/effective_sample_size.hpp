// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_EFFECTIVE_SAMPLE_SIZE_HPP
#define BASIN_METRIC_EFFECTIVE_SAMPLE_SIZE_HPP

#include <basin/metric/autocorrelation.hpp>
#include <basin/metric/detail/ranks.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace basin::metric {

namespace detail {

// Of the mean of a table, which is centered in place; >= 2 draws.
template <class Exec>
double independent_draws(Exec const& exec, ChainTable<Exec> const& table) {
  if (!is_finite(exec, table)) return no_number;
  Autocorrelations<Exec> rho(exec, table);
  // Geyer's initial positive sequence: pairs of lags (0, 1), (2, 3), ... while their sum is > 0.
  std::vector<double> pairs;  // the sums that are kept
  std::size_t const n = rho.draws();
  double even = 1, odd = rho(1);
  std::size_t t = 1;  // the last lag read
  while (t + 3 < n && even + odd > 0) {
    pairs.push_back(even + odd);
    even = rho(t + 1);
    odd  = rho(t + 2);
    t += 2;
  }
  if (std::isnan(even + odd)) return no_number;
  // Of the pair behind them, the even lag alone, if it or the pair is not negative.
  double const last = even > 0 || even + odd >= 0 ? even : 0;
  // The initial monotone sequence.
  double sum = 0;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    if (k > 0) pairs[k] = std::min(pairs[k], pairs[k - 1]);
    sum += pairs[k];
  }
  double const size = static_cast<double>(table.size());
  return size / std::max(-1 + 2 * sum + last, 1 / std::log10(size));
}

template <class Exec>
double of_scores(Exec const& exec, ChainTable<Exec> const& table) {
  if (!is_finite(exec, table)) return no_number;
  auto const halves = split(exec, table);
  to_normal_scores(exec, halves, sorted(exec, halves));
  return independent_draws(exec, halves);
}

template <class Exec>
struct AtMost {
  ChainTable<Exec> table, indicator;
  double limit;
  KOKKOS_FUNCTION void operator()(std::int64_t i) const {
    indicator.data()[i] = table.data()[i] <= limit ? 1 : 0;
  }
};

// Of the indicator of x <= q at the 5 % and the 95 % quantile q.
template <class Exec>
double of_tails(Exec const& exec, ChainTable<Exec> const& table) {
  if (!is_finite(exec, table)) return no_number;
  auto const in_order  = sorted(exec, table);
  auto const indicator = chain_table(exec, table.extent(0), table.extent(1));
  double size[2];
  for (int tail = 0; tail < 2; ++tail) {
    double const limit = quantile<Exec>(in_order, tail == 0 ? 0.05 : 0.95);
    for_each_item(exec, "basin::at_most", static_cast<std::int64_t>(table.size()),
                  AtMost<Exec>{table, indicator, limit});
    size[tail] = independent_draws(exec, split(exec, indicator));
  }
  return std::fmin(size[0], size[1]);  // a NaN counts where both are
}

}  // namespace detail

/// How many independent draws would give the mean of a function of the state as well as these,
///
///   S / max(tau, 1 / log10 S),   tau = -1 + 2 sum_t rho_t
///
/// of S draws in chains that are split in halves; rho_t as in autocorrelation. The sum ends with
/// Geyer's initial monotone sequence. For the error of a mean; to judge convergence take the bulk
/// and tail sizes, which exist where moments do not. Source: Vehtari, Gelman, Simpson, Carpenter and
/// Buerkner 2021, Bayesian Analysis 16(2), arXiv:1903.08008, section 3.2; Geyer 1992, Statistical
/// Science 7(4). O(S tau), in double. Up to S log10 S, for chains that alternate.
///
/// \param draws  (draws, chains), or (draws, chains, functions), of any layout; at least 4 draws
/// \return a number, or one for each function; NaN if a draw is not finite, or all are equal: of a
///         chain that stands still nothing is known (ArviZ says S). Synchronizes exec.
/// \throws std::invalid_argument if there are fewer than 4 draws, or no chains
template <class Exec, class Draws>
auto effective_sample_size(Exec const& exec, Draws const& draws) {
  return detail::of_each_function(
      "basin::metric::effective_sample_size", exec, draws, 4, [&](auto const& table) {
        return detail::independent_draws(exec, detail::split(exec, table));
      });
}

/// The same of normal scores, Phi^-1((r - 3/8) / (S + 1/4)) of the ranks r among all draws of split
/// chains: of the bulk of the distribution, whatever its moments. Section 4.1. Sorts the draws.
template <class Exec, class Draws>
auto bulk_effective_sample_size(Exec const& exec, Draws const& draws) {
  return detail::of_each_function(
      "basin::metric::bulk_effective_sample_size", exec, draws, 4,
      [&](auto const& table) { return detail::of_scores(exec, table); });
}

/// The smaller of the sizes for P(x <= q) at the 5 % and 95 % quantiles q. Section 4.3. Sorts the
/// draws. A quantile that is the largest draw, as of a function with few values, is left out; NaN
/// also where both are.
template <class Exec, class Draws>
auto tail_effective_sample_size(Exec const& exec, Draws const& draws) {
  return detail::of_each_function("basin::metric::tail_effective_sample_size", exec, draws, 4,
                                  [&](auto const& table) { return detail::of_tails(exec, table); });
}

}  // namespace basin::metric

#endif
