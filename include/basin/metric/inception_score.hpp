// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_INCEPTION_SCORE_HPP
#define BASIN_METRIC_INCEPTION_SCORE_HPP

#include <basin/metric/detail/arguments.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace basin::metric {

/// Of the splits of the samples.
struct InceptionScore {
  double mean;
  double standard_deviation;  ///< of the splits about their mean, divided by their number
};

/// exp(mean_n KL(p(y | x_n) || mean_n p(y | x_n))) of each split, consecutive rows, averaged over the
/// splits; in [1, classes]. With the Inception network as the classifier it is the IS of the
/// literature, of 10 splits; with another one it is comparable to itself only. Source: Salimans et
/// al. 2016, arXiv:1606.03498, section 4.
///
/// \param probabilities  (n, classes) p(y | x_n) on the host, see metric::softmax
/// \param splits         in [1, n]
/// \throws std::invalid_argument if a row is no distribution, or splits does not fit
template <detail::Table P>
InceptionScore inception_score(P const& probabilities, int splits = 1) {
  char const* who = "basin::metric::inception_score";
  detail::check_probabilities(who, probabilities);
  std::size_t const n = probabilities.extent(0), classes = probabilities.extent(1);
  if (splits < 1 || static_cast<std::size_t>(splits) > n)
    refuse(who, "splits must be in [1, ", n, "], the number of rows, got ", splits);
  std::size_t const parts = static_cast<std::size_t>(splits);
  double sum = 0, squares = 0;
  for (std::size_t s = 0; s < parts; ++s) {
    std::size_t const first = s * n / parts, end = (s + 1) * n / parts;
    double const share = 1 / static_cast<double>(end - first);
    std::vector<double> marginal(classes);
    for (std::size_t i = first; i < end; ++i)
      for (std::size_t y = 0; y < classes; ++y)
        marginal[y] += share * static_cast<double>(probabilities(i, y));
    double divergence = 0;
    for (std::size_t i = first; i < end; ++i)
      for (std::size_t y = 0; y < classes; ++y)
        if (double const p = static_cast<double>(probabilities(i, y)); p > 0)
          divergence += share * p * std::log(p / marginal[y]);
    double const score = std::exp(divergence);
    sum += score;
    squares += score * score;
  }
  double const mean = sum / splits, variance = squares / splits - mean * mean;
  return {mean, std::sqrt(variance > 0 ? variance : 0)};
}

}  // namespace basin::metric

#endif
