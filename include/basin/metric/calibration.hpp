// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_CALIBRATION_HPP
#define BASIN_METRIC_CALIBRATION_HPP

#include <basin/metric/classification.hpp>
#include <basin/metric/detail/arguments.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace basin::metric {

/// How confidences are put into bins.
enum class Binning {
  equal_width,  ///< bin b holds confidences in (b / bins, (b + 1) / bins], the first also 0
  equal_mass,   ///< sorted by confidence, bin b holds the ranks from floor(b n / bins) on
};

/// Bins of a reliability diagram. Published values use 15 or 20 of equal width: say which.
struct Bins {
  int count       = 15;  ///< > 0
  Binning binning = Binning::equal_width;
};

/// What a classifier claims beside what is true, bin by bin. A bin without samples has the count 0,
/// and NaN for its means.
struct ReliabilityDiagram {
  std::vector<double> lower, upper;  ///< (bins) range of the confidences
  std::vector<double> confidence;    ///< (bins) mean of max_y p(y | x)
  std::vector<double> accuracy;      ///< (bins) share of samples whose label is the arg max
  std::vector<long> count;           ///< (bins) samples

  /// sum_b n_b / n |accuracy_b - confidence_b|
  double expected_calibration_error() const {
    double sum = 0, samples = 0;
    for (std::size_t b = 0; b < count.size(); ++b) {
      if (count[b] == 0) continue;
      sum += static_cast<double>(count[b]) * std::abs(accuracy[b] - confidence[b]);
      samples += static_cast<double>(count[b]);
    }
    return sum / samples;
  }
};

/// The reliability diagram of the predicted class. Source: Niculescu-Mizil and Caruana 2005, ICML;
/// Guo et al. 2017, arXiv:1706.04599, section 2.
///
/// \param probabilities  (n, classes) p(y | x_n), see metric::softmax
/// \param labels         (n) in [0, classes)
/// \throws std::invalid_argument if a row is no distribution, a label does not fit, or there are no
///         bins, or more bins of equal mass than samples
template <detail::Table P, detail::Classes Labels>
ReliabilityDiagram reliability_diagram(P const& probabilities, Labels const& labels,
                                       Bins const& bins = {}) {
  char const* who = "basin::metric::reliability_diagram";
  detail::check_probabilities(who, probabilities);
  detail::check_labels(who, probabilities, labels);
  std::size_t const n = labels.extent(0), count = static_cast<std::size_t>(bins.count);
  if (bins.count < 1) refuse(who, "count of bins must be >= 1, got ", bins.count);
  if (bins.binning == Binning::equal_mass && count > n)
    refuse(who, bins.count, " bins of equal mass need as many samples, there are ", n);

  std::vector<double> claimed(n), right(n);
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t const y = detail::largest_of_row(probabilities, i);
    claimed[i]          = static_cast<double>(probabilities(i, y));
    right[i]            = y == static_cast<std::size_t>(labels(i)) ? 1 : 0;
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t i, std::size_t j) { return claimed[i] < claimed[j]; });

  double const none = std::numeric_limits<double>::quiet_NaN();
  ReliabilityDiagram d;
  std::size_t next = 0;  // of the samples in order
  for (std::size_t b = 0; b < count; ++b) {
    double const edge = static_cast<double>(b + 1) / static_cast<double>(count);
    std::size_t end   = (b + 1) * n / count;
    if (bins.binning == Binning::equal_width) {
      end = next;
      while (end < n && (claimed[order[end]] <= edge || b + 1 == count)) ++end;
    }
    double confidence = 0, accuracy = 0;
    for (std::size_t k = next; k < end; ++k) {
      confidence += claimed[order[k]];
      accuracy += right[order[k]];
    }
    double const size = static_cast<double>(end - next);
    bool const mass   = bins.binning == Binning::equal_mass;
    d.lower.push_back(mass ? claimed[order[next]]
                           : static_cast<double>(b) / static_cast<double>(count));
    d.upper.push_back(mass ? claimed[order[end - 1]] : edge);
    d.confidence.push_back(size > 0 ? confidence / size : none);
    d.accuracy.push_back(size > 0 ? accuracy / size : none);
    d.count.push_back(static_cast<long>(end - next));
    next = end;
  }
  return d;
}

/// The expected calibration error of the predicted class, sum_b n_b / n |accuracy_b - confidence_b|
/// over the bins of a reliability diagram. It is biased upwards: a perfectly calibrated classifier
/// has about 0.004 with 10^4 samples and 15 bins of equal width, 0.012 with 10^3. Source: Naeini,
/// Cooper and Hauskrecht 2015, AAAI; Guo et al. 2017, arXiv:1706.04599, eq. 3.
///
/// \param probabilities  (n, classes) p(y | x_n), \param labels (n) in [0, classes)
/// \return in [0, 1]
/// \throws std::invalid_argument as reliability_diagram
template <detail::Table P, detail::Classes Labels>
double expected_calibration_error(P const& probabilities, Labels const& labels,
                                  Bins const& bins = {}) {
  return reliability_diagram(probabilities, labels, bins).expected_calibration_error();
}

/// The temperature T by which a classifier's logits are divided for the least cross-entropy of these
/// rows, argmin_T mean_n -log p_T(y_n | x_n) with p_T = softmax(f / T): fit it on rows for validation,
/// and give it to metric::softmax of others. The cross-entropy is convex in 1 / T; bisection of its
/// slope, mean_n (sum_y p_T(y | x_n) f_y(x_n) - f_(y_n)(x_n)), to the last bits of log T. Source: Guo
/// et al. 2017, arXiv:1706.04599, section 4.2.
///
/// \param logits  (n, classes), \param labels (n) in [0, classes)
/// \return T > 0
/// \throws std::invalid_argument as accuracy, or if no T in [2^-20, 2^20] has the least
///         cross-entropy: all rows are right, or the logits are no better than equal ones
template <detail::Table Logits, detail::Classes Labels>
double calibration_temperature(Logits const& logits, Labels const& labels) {
  char const* who = "basin::metric::calibration_temperature";
  detail::check_rows(who, "logits", logits);
  detail::check_labels(who, logits, labels);
  auto const slope = [&](double log_temperature) {
    Probabilities const p = softmax(logits, std::exp2(log_temperature));
    double sum            = 0;
    for (std::size_t n = 0; n < labels.extent(0); ++n) {
      double const at_label = static_cast<double>(logits(n, static_cast<std::size_t>(labels(n))));
      for (std::size_t y = 0; y < logits.extent(1); ++y)
        sum += p(n, y) * (static_cast<double>(logits(n, y)) - at_label);
    }
    return sum;  // falls with T
  };
  double low = -20, high = 20;
  if (!(slope(low) > 0))
    refuse(who, "the cross-entropy falls down to T = 2^", low,
           ": every label has the largest logit; use rows that were not trained on");
  if (!(slope(high) < 0))
    refuse(who, "the cross-entropy falls up to T = 2^", high,
           ": the logits say no more of the labels than equal ones");
  for (int halving = 0; halving < 60; ++halving) {
    double const middle              = 0.5 * (low + high);
    (slope(middle) > 0 ? low : high) = middle;
  }
  return std::exp2(0.5 * (low + high));
}

}  // namespace basin::metric

#endif
