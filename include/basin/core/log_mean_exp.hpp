// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_LOG_MEAN_EXP_HPP
#define BASIN_CORE_LOG_MEAN_EXP_HPP

#include <basin/core/check.hpp>

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace basin {

/// The logarithm of a mean of weights, and how far it can be trusted.
struct LogMeanExp {
  double value;              ///< log mean w
  double standard_error;     ///< sqrt(var w / n) / mean w, of 'value' where it is small
  double effective_weights;  ///< (sum w)^2 / sum w^2, in [1, n]: Kong 1992; few: do not believe it
};

/// log((1/n) sum_i exp(log_w_i)): an estimate of a ratio of normalizers from importance weights. Its
/// expectation is below the true logarithm, by Jensen's inequality. In double, from the largest
/// weight down. Waits for the View's space.
///
/// \param log_weights  (n) a View, host or device; -infinity is a weight of 0
/// \throws std::invalid_argument if there are none, or one is NaN or +infinity, naming it
template <class View>
LogMeanExp log_mean_exp(View const& log_weights) {
  char const* who     = "basin::log_mean_exp";
  std::size_t const n = log_weights.extent(0);
  if (n == 0) refuse(who, "there are no weights");
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), log_weights);
  double largest  = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < n; ++i) {
    double const w = static_cast<double>(host(i));
    if (!(w < std::numeric_limits<double>::infinity()))
      refuse(who, "weight ", i, " has the logarithm ", w);
    largest = std::max(largest, w);
  }
  if (std::isinf(largest)) return {largest, std::numeric_limits<double>::infinity(), 0};
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double const w = std::exp(static_cast<double>(host(i)) - largest);
    sum += w;
    squares += w * w;
  }
  double const count = static_cast<double>(n), mean = sum / count;
  double const variance = std::max(0.0, squares / count - mean * mean);
  return {largest + std::log(mean), std::sqrt(variance / count) / mean, sum * sum / squares};
}

}  // namespace basin

#endif
