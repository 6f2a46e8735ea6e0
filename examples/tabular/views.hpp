// SPDX-License-Identifier: Apache-2.0
// Views of a table: what its columns become before an energy sees them. And one scale for energies.
#ifndef EXAMPLES_TABULAR_VIEWS_HPP
#define EXAMPLES_TABULAR_VIEWS_HPP

#include <basin/data/samples.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <numbers>
#include <numeric>
#include <string>
#include <unsupported/Eigen/SpecialFunctions>
#include <vector>

using Rows   = basin::data::Samples;
using Scores = std::vector<float>;

// What a column becomes, from its training values in ascending order.
using ColumnMap  = std::function<double(double)>;
using ColumnView = ColumnMap (*)(std::vector<double> const& sorted);

inline ColumnMap standard(std::vector<double> const&) {
  return [](double x) { return x; };
}

// Linear up to a few deviations, logarithmic beyond: 3 asinh(z / 3) with z from the median and the
// mean absolute deviation from it, which for a Gaussian is sqrt(2 / pi) standard deviations.
inline ColumnMap robust(std::vector<double> const& sorted) {
  double const median = sorted[sorted.size() / 2];
  double deviation    = 0;
  for (double const x : sorted) deviation += std::abs(x - median);
  deviation *= std::sqrt(std::numbers::pi / 2) / static_cast<double>(sorted.size());
  double const scale = 3 * (deviation > 0 ? deviation : 1);
  return [=](double x) { return 3 * std::asinh((x - median) / scale); };
}

// Logarithmic from half a standard deviation on: for columns whose largest values hide the others.
inline ColumnMap compressed(std::vector<double> const&) {
  return [](double x) { return std::asinh(2 * x); };
}

// The Gaussian quantile of the rank (ties share theirs), linear in between, and beyond the ends
// one for each standard deviation.
inline ColumnMap normal_scores(std::vector<double> const& sorted) {
  auto const count = static_cast<double>(sorted.size());
  std::vector<double> values, scores;
  for (std::size_t i = 0, next = 0; i < sorted.size(); i = next) {
    while (next < sorted.size() && sorted[next] == sorted[i]) ++next;
    double const rank = static_cast<double>(i + next) / (2 * count);
    values.push_back(sorted[i]);
    scores.push_back(Eigen::numext::ndtri(rank));
  }
  return [=](double x) {
    if (x <= values.front()) return scores.front() + (x - values.front());
    if (x >= values.back()) return scores.back() + (x - values.back());
    auto const above  = static_cast<std::size_t>(std::upper_bound(values.begin(), values.end(), x) -
                                                 values.begin());
    double const part = (x - values[above - 1]) / (values[above] - values[above - 1]);
    return std::lerp(scores[above - 1], scores[above], part);
  };
}

// Half of each of the last two.
inline ColumnMap blended(std::vector<double> const& sorted) {
  return [logarithm = compressed(sorted), score = normal_scores(sorted)](double x) {
    return logarithm(x) + score(x);
  };
}

inline std::map<std::string, ColumnView> const views{{"blended", blended},
                                                     {"standard", standard},
                                                     {"robust", robust},
                                                     {"compressed", compressed},
                                                     {"normal_scores", normal_scores}};

// The view of all parts, standardized by the first, which is the training part.
inline std::vector<Rows> seen(ColumnView view, std::vector<Rows> const& parts) {
  Rows const& train = parts.front();
  std::vector<Rows> result;
  for (Rows const& part : parts)
    result.push_back(basin::data::make_samples(part.extent(0), part.extent(1)));
  for (std::size_t j = 0; j < train.extent(1); ++j) {
    std::vector<double> column(train.extent(0));
    for (std::size_t i = 0; i < column.size(); ++i) column[i] = train(i, j);
    std::sort(column.begin(), column.end());
    ColumnMap const map = view(column);
    for (double& x : column) x = map(x);
    double const count = static_cast<double>(column.size());
    double const mean  = std::accumulate(column.begin(), column.end(), 0.0) / count;
    double square      = 0;
    for (double const x : column) square += (x - mean) * (x - mean);
    double const deviation = square > 0 ? std::sqrt(square / count) : 1;
    for (std::size_t k = 0; k < parts.size(); ++k)
      for (std::size_t i = 0; i < parts[k].extent(0); ++i)
        result[k](i, j) = static_cast<float>((map(parts[k](i, j)) - mean) / deviation);
  }
  return result;
}

// -log of the share of training rows that are as high or higher. Beyond the highest of them the
// order is kept by what is less than any step of a rank.
inline std::vector<double> surprise(std::vector<double> const& e, std::size_t train) {
  std::vector<double> sorted(e.begin(), e.begin() + static_cast<std::ptrdiff_t>(train)), result;
  std::sort(sorted.begin(), sorted.end());
  double const count = static_cast<double>(train);
  double const mean  = std::accumulate(sorted.begin(), sorted.end(), 0.0) / count;
  double square      = 0;
  for (double const x : sorted) square += (x - mean) * (x - mean);
  double const deviation = square > 0 ? std::sqrt(square / count) : 1;
  for (double const x : e) {
    auto const below = std::lower_bound(sorted.begin(), sorted.end(), x) - sorted.begin();
    result.push_back(std::log((count + 1) / (count - static_cast<double>(below) + 1)) +
                     1e-3 * std::atan((x - sorted.back()) / deviation));
  }
  return result;
}

#endif
