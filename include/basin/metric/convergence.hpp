// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_CONVERGENCE_HPP
#define BASIN_METRIC_CONVERGENCE_HPP

#include <basin/metric/effective_sample_size.hpp>
#include <basin/metric/monte_carlo_estimate.hpp>
#include <basin/metric/r_hat.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace basin::metric {

/// What the draws of a function say of it, and of the chains.
struct Convergence {
  MonteCarloEstimate estimate;
  double bulk_effective_sample_size;
  double tail_effective_sample_size;
  double r_hat;
};

/// All of these of each function, see monte_carlo_estimate, bulk_effective_sample_size,
/// tail_effective_sample_size and r_hat.
///
/// \param draws  (draws, chains), or (draws, chains, functions), of any layout; at least 4 draws
/// \return one, or one for each function. Synchronizes exec.
/// \throws std::invalid_argument if there are fewer than 4 draws, or no chains
template <class Exec, class Draws>
auto convergence(Exec const& exec, Draws const& draws) {
  return detail::of_each_function(
      "basin::metric::convergence", exec, draws, 4, [&](auto const& table) {
        auto const reduction = [&](detail::ChainMoments const& scores) {
          return detail::scale_reduction(scores, table.extent(1) / 2);
        };
        return Convergence{detail::monte_carlo_estimate(exec, table),
                           detail::of_scores(exec, table), detail::of_tails(exec, table),
                           detail::of_bulk_and_folded(exec, table, reduction)};
      });
}

/// A line for each function, as of a progress line: "mu  mean 4.41  mcse 0.033  sd 3.3  ess_bulk
/// 9200  ess_tail 8100  r_hat 1.001". Names are padded to one width.
///
/// \param names  one for each function
/// \throws std::invalid_argument if there are more or fewer
inline std::string convergence_table(std::vector<std::string> const& names,
                                     std::vector<Convergence> const& functions) {
  if (names.size() != functions.size())
    refuse("basin::metric::convergence_table", "there are ", names.size(), " names and ",
           functions.size(), " functions");
  std::size_t width = 0;
  for (std::string const& name : names) width = std::max(width, name.size());
  std::string table;
  for (std::size_t k = 0; k < names.size(); ++k) {
    Convergence const& of = functions[k];
    char text[256];
    std::snprintf(text, sizeof text,
                  "  mean %.4g  mcse %.2g  sd %.4g  ess_bulk %.0f  ess_tail %.0f  r_hat %.4g\n",
                  of.estimate.mean, of.estimate.error_of_mean, of.estimate.standard_deviation,
                  of.bulk_effective_sample_size, of.tail_effective_sample_size, of.r_hat);
    table += names[k] + std::string(width - names[k].size(), ' ') + text;
  }
  return table;
}

}  // namespace basin::metric

#endif
