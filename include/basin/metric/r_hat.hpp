// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_R_HAT_HPP
#define BASIN_METRIC_R_HAT_HPP

#include <basin/metric/detail/draws.hpp>
#include <basin/metric/detail/ranks.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace basin::metric {

namespace detail {

// sqrt((B / W + n - 1) / n) of two chains of n draws or more, B = n var_m x_m.
inline double scale_reduction(ChainMoments const& of, std::size_t draws) {
  double const n      = static_cast<double>(draws);
  double const within = mean_of(of.squares) / (n - 1);
  return std::sqrt((n * variance_of(of.mean) / within + n - 1) / n);
}

// The larger of reduction(moments) of normal scores and of normal scores of |x - median|, of chains
// split in halves.
template <class Exec, class F>
double of_bulk_and_folded(Exec const& exec, ChainTable<Exec> const& table, F const& reduction) {
  if (!is_finite(exec, table)) return no_number;
  auto const halves   = split(exec, table);
  auto const in_order = sorted(exec, halves);
  auto const folded   = fold(exec, halves, median<Exec>(in_order));
  to_normal_scores(exec, halves, in_order);
  to_normal_scores(exec, folded, sorted(exec, folded));
  // Of two values, each as far from the median, the fold is one number: it says nothing more.
  double const bulk = reduction(moments(exec, halves)), tail = reduction(moments(exec, folded));
  return tail > bulk || std::isnan(bulk) ? tail : bulk;
}

}  // namespace detail

/// The rank-normalized split R-hat: the larger of
///
///   sqrt((B / W + n - 1) / n),   W = mean_m s_m^2,   B = n var_m x_m
///
/// of normal scores Phi^-1((r - 3/8) / (S + 1/4)) of the ranks r of all draws, and of those of
/// |x - median|; of chains split in halves of n draws, with means x_m and variances s_m^2. About 1
/// where chains agree in location and in scale, whatever the moments; 1.01 is the usual limit, with
/// four chains or more. Source: Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021, Bayesian
/// Analysis 16(2), arXiv:1903.08008, sections 3.1 and 4.1. Sorts the draws twice.
///
/// \param draws  (draws, chains), or (draws, chains, functions), of any layout; at least 4 draws.
///               One chain is compared with itself: its first half with its last.
/// \return a number, or one for each function; infinite for chains that stand still apart, NaN if a
///         draw is not finite, or all are equal. Synchronizes exec.
/// \throws std::invalid_argument if there are fewer than 4 draws, or no chains
template <class Exec, class Draws>
auto r_hat(Exec const& exec, Draws const& draws) {
  return detail::of_each_function("basin::metric::r_hat", exec, draws, 4, [&](auto const& table) {
    return detail::of_bulk_and_folded(exec, table, [&](detail::ChainMoments const& scores) {
      return detail::scale_reduction(scores, table.extent(1) / 2);
    });
  });
}

/// The same of the draws as they are, split but neither ranked nor folded: from one pass over the
/// draws, for functions with a variance. Source: Gelman et al. 2013, Bayesian Data Analysis, 3rd
/// edition, section 11.4.
template <class Exec, class Draws>
auto split_r_hat(Exec const& exec, Draws const& draws) {
  return detail::of_each_function(
      "basin::metric::split_r_hat", exec, draws, 4, [&](auto const& table) {
        return detail::scale_reduction(detail::moments(exec, detail::split(exec, table)),
                                       table.extent(1) / 2);
      });
}

}  // namespace basin::metric

#endif
