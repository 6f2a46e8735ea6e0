// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_MONTE_CARLO_ESTIMATE_HPP
#define BASIN_METRIC_MONTE_CARLO_ESTIMATE_HPP

#include <basin/metric/effective_sample_size.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace basin::metric {

/// A mean and a standard deviation over all draws, each with its Monte Carlo standard error.
struct MonteCarloEstimate {
  double mean;
  double standard_deviation;           ///< divided by S - 1
  double error_of_mean;                ///< units of the function, as the other three
  double error_of_standard_deviation;  ///< by the delta method
};

namespace detail {

template <class Exec>
struct SquaredDistance {
  ChainTable<Exec> table;  // x, then (x - center)^2
  double center;
  KOKKOS_FUNCTION void operator()(std::int64_t i) const {
    double const apart = table.data()[i] - center;
    table.data()[i]    = apart * apart;
  }
};

template <class Exec>
MonteCarloEstimate monte_carlo_estimate(Exec const& exec, ChainTable<Exec> const& table) {
  if (!is_finite(exec, table)) return {no_number, no_number, no_number, no_number};
  double const S     = static_cast<double>(table.size());
  double const mean  = mean_of(moments(exec, table).mean);
  double const size  = independent_draws(exec, split(exec, table));
  auto const squares = chain_table(exec, table.extent(0), table.extent(1));
  Kokkos::deep_copy(exec, squares, table);
  for_each_item(exec, "basin::squares", static_cast<std::int64_t>(table.size()),
                SquaredDistance<Exec>{squares, mean});
  auto const of          = moments(exec, squares);
  double const variance  = mean_of(of.mean);  // of S
  double const deviation = std::sqrt(variance * S / (S - 1));
  // Of the squares about their own mean: within chains, and between them.
  double spread = mean_of(of.squares) / static_cast<double>(table.extent(1));
  for (double const m : of.mean)
    spread += (m - variance) * (m - variance) / static_cast<double>(of.mean.size());
  double const size_of_squares = independent_draws(exec, split(exec, squares));
  return {mean, deviation, deviation / std::sqrt(size),
          std::sqrt(spread / size_of_squares / (4 * variance))};
}

}  // namespace detail

/// Mean and standard deviation with their Monte Carlo standard errors: of the mean s / sqrt(N), of
/// s sqrt(var v / (4 N_v mean v)) with v = (x - mean)^2, where N is the effective sample size of x,
/// N_v that of v. Source: Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021, Bayesian Analysis
/// 16(2), arXiv:1903.08008, section 4; Kenney and Keeping 1951 for the second.
///
/// \param draws  (draws, chains), or (draws, chains, functions), of any layout; at least 4 draws
/// \return an estimate, or one for each function; its errors are NaN if all draws are equal, all of
///         it if a draw is not finite. Synchronizes exec.
/// \throws std::invalid_argument if there are fewer than 4 draws, or no chains
template <class Exec, class Draws>
auto monte_carlo_estimate(Exec const& exec, Draws const& draws) {
  return detail::of_each_function(
      "basin::metric::monte_carlo_estimate", exec, draws, 4,
      [&](auto const& table) { return detail::monte_carlo_estimate(exec, table); });
}

}  // namespace basin::metric

#endif
