// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_CLASSIFICATION_HPP
#define BASIN_METRIC_CLASSIFICATION_HPP

#include <basin/metric/detail/arguments.hpp>

#include <cmath>
#include <cstddef>

/// Metrics of a classifier, from logits or probabilities (n, classes) and labels (n) on the host, as
/// energy::logits and a mirror of its result give them. All are computed in double.
namespace basin::metric {

/// Rows of probabilities on the host.
using Probabilities = Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace>;

namespace detail {

// log sum_y exp f_y of a row; the maximum is subtracted first.
template <Table T>
double log_sum_exp(T const& logits, std::size_t n) {
  double const top = static_cast<double>(logits(n, largest_of_row(logits, n)));
  double sum       = 0;
  for (std::size_t y = 0; y < logits.extent(1); ++y)
    sum += std::exp(static_cast<double>(logits(n, y)) - top);
  return top + std::log(sum);
}

}  // namespace detail

/// p(y | x_n) = exp f_y(x_n) / sum_z exp f_z(x_n).
///
/// \param logits  (n, classes) f
/// \param temperature  > 0, by which the logits are divided
/// \return (n, classes)
/// \throws std::invalid_argument if there are no rows, a logit is not finite, or the temperature is
///         not > 0
template <detail::Table Logits>
Probabilities softmax(Logits const& logits, double temperature = 1) {
  char const* who = "basin::metric::softmax";
  detail::check_rows(who, "logits", logits);
  if (!(temperature > 0) || std::isinf(temperature))
    refuse(who, "temperature must be > 0 and finite, got ", temperature);
  Probabilities const p("basin::metric::probabilities", logits.extent(0), logits.extent(1));
  for (std::size_t n = 0; n < logits.extent(0); ++n)
    for (std::size_t y = 0; y < logits.extent(1); ++y)
      p(n, y) = static_cast<double>(logits(n, y)) / temperature;
  for (std::size_t n = 0; n < logits.extent(0); ++n) {
    double const total = detail::log_sum_exp(p, n);
    for (std::size_t y = 0; y < logits.extent(1); ++y) p(n, y) = std::exp(p(n, y) - total);
  }
  return p;
}

/// Share of rows whose largest value is at the label; of equal values the first counts.
///
/// \param scores  (n, classes) logits or probabilities
/// \param labels  (n) in [0, classes)
/// \throws std::invalid_argument if there are no rows, a score is not finite, or a label does not
///         fit
template <detail::Table Scores, detail::Classes Labels>
double accuracy(Scores const& scores, Labels const& labels) {
  char const* who = "basin::metric::accuracy";
  detail::check_rows(who, "scores", scores);
  detail::check_labels(who, scores, labels);
  std::size_t right = 0;
  for (std::size_t n = 0; n < labels.extent(0); ++n)
    right += detail::largest_of_row(scores, n) == static_cast<std::size_t>(labels(n));
  return static_cast<double>(right) / static_cast<double>(labels.extent(0));
}

/// mean_n -log p(y_n | x_n), in nats: the negative log-likelihood of the labels.
///
/// \param logits  (n, classes), \param labels (n) in [0, classes)
/// \throws std::invalid_argument as accuracy
template <detail::Table Logits, detail::Classes Labels>
double cross_entropy(Logits const& logits, Labels const& labels) {
  char const* who = "basin::metric::cross_entropy";
  detail::check_rows(who, "logits", logits);
  detail::check_labels(who, logits, labels);
  double sum = 0;
  for (std::size_t n = 0; n < labels.extent(0); ++n)
    sum += detail::log_sum_exp(logits, n) -
           static_cast<double>(logits(n, static_cast<std::size_t>(labels(n))));
  return sum / static_cast<double>(labels.extent(0));
}

/// The Brier score mean_n sum_y (p(y | x_n) - 1[y = y_n])^2, in [0, 2]. Source: Brier 1950, Monthly
/// Weather Review 78(1).
///
/// \param probabilities  (n, classes), see softmax
/// \param labels         (n) in [0, classes)
/// \throws std::invalid_argument if a row is no distribution, or a label does not fit
template <detail::Table P, detail::Classes Labels>
double brier_score(P const& probabilities, Labels const& labels) {
  char const* who = "basin::metric::brier_score";
  detail::check_probabilities(who, probabilities);
  detail::check_labels(who, probabilities, labels);
  double sum = 0;
  for (std::size_t n = 0; n < labels.extent(0); ++n)
    for (std::size_t y = 0; y < probabilities.extent(1); ++y) {
      double const apart = static_cast<double>(probabilities(n, y)) -
                           (y == static_cast<std::size_t>(labels(n)) ? 1.0 : 0.0);
      sum += apart * apart;
    }
  return sum / static_cast<double>(labels.extent(0));
}

}  // namespace basin::metric

#endif
