// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_NESTED_R_HAT_HPP
#define BASIN_METRIC_NESTED_R_HAT_HPP

#include <basin/metric/r_hat.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace basin::metric {

namespace detail {

inline void check_superchains(char const* who, int superchains, std::size_t chains) {
  if (superchains < 2 || chains % static_cast<std::size_t>(superchains) != 0)
    refuse(who, "superchains must be >= 2 and divide the number of chains, ", chains, ", got ",
           superchains);
}

// sqrt(1 + B / W). Chains are blocks of superchains: one block, or two of chains that are split.
inline double nested_reduction(ChainMoments const& of, std::size_t draws, int superchains,
                               std::size_t blocks) {
  std::size_t const K = static_cast<std::size_t>(superchains), block = of.mean.size() / blocks,
                    each = block / K;  // chains of a superchain in a block
  double const n         = static_cast<double>(draws);
  std::vector<double> superchain_means, within;
  for (std::size_t k = 0; k < K; ++k) {
    std::vector<double> means;
    double squares = 0;
    for (std::size_t b = 0; b < blocks; ++b)
      for (std::size_t m = b * block + k * each; m < b * block + (k + 1) * each; ++m) {
        means.push_back(of.mean[m]);
        squares += of.squares[m];
      }
    double const count = static_cast<double>(means.size());
    superchain_means.push_back(mean_of(means));
    within.push_back((n > 1 ? squares / (n - 1) / count : 0) +
                     (means.size() > 1 ? variance_of(means) : 0));
  }
  return std::sqrt(1 + variance_of(superchain_means) / mean_of(within));
}

}  // namespace detail

/// The nested R-hat of many short chains, sqrt(1 + B / W), of K superchains, each of chains that
/// start at one point:
///
///   B = var_k x_k,   W = mean_k (mean_m s_km^2 + var_m x_km)
///
/// with the means x_k of superchains, the means x_km and variances s_km^2 of their chains, and
/// sample variances, divided by their number - 1; a variance of one number counts as 0. One draw of
/// each chain is enough. Superchains that agree have about 1 + 1 / (2 M), M the independent draws of
/// a superchain. Source: Margossian, Hoffman, Sountsov, Riou-Durand, Vehtari and Gelman 2024,
/// Bayesian Analysis, arXiv:2110.13017, eq. 4 to 8. From one pass over the draws.
///
/// \param draws        (draws, chains), or (draws, chains, functions), of any layout
/// \param superchains  K >= 2; chains 0 ... chains / K - 1 are the first, and so on
/// \return a number, or one for each function; NaN if a draw is not finite, or all are equal.
///         Synchronizes exec.
/// \throws std::invalid_argument if there are no draws or chains, or K does not divide the chains
template <class Exec, class Draws>
auto nested_r_hat(Exec const& exec, Draws const& draws, int superchains) {
  char const* who = "basin::metric::nested_r_hat";
  return detail::of_each_function(who, exec, draws, 1, [&](auto const& table) {
    detail::check_superchains(who, superchains, table.extent(0));
    return detail::nested_reduction(detail::moments(exec, table), table.extent(1), superchains, 1);
  });
}

/// The same of chains split in halves, ranked and folded as in r_hat. At least 4 draws.
template <class Exec, class Draws>
auto rank_nested_r_hat(Exec const& exec, Draws const& draws, int superchains) {
  char const* who = "basin::metric::rank_nested_r_hat";
  return detail::of_each_function(who, exec, draws, 4, [&](auto const& table) {
    detail::check_superchains(who, superchains, table.extent(0));
    return detail::of_bulk_and_folded(exec, table, [&](detail::ChainMoments const& scores) {
      return detail::nested_reduction(scores, table.extent(1) / 2, superchains, 2);
    });
  });
}

}  // namespace basin::metric

#endif
