// SPDX-License-Identifier: Apache-2.0
// One score of an image from what the levels of a ladder say of it. Higher is less like the data.
#ifndef EXAMPLES_IMAGE_DETECTION_SCORE_HPP
#define EXAMPLES_IMAGE_DETECTION_SCORE_HPP

#include <basin/sampler/noise_ladder.hpp>

#include "../images.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Dense>
#include <Kokkos_Core.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

using Values = Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace>;  // (images, columns)

struct Setting {
  unsigned levels = 0, kinds = 0;  // bit masks of what counts
  std::vector<int> columns;
  std::string pool;
  double lower = 0;  // deviations by which the center of a distance is below the mean
};

// Every subset of the levels and of the kinds of values, with each way to pool.
inline std::vector<Setting> all_settings(int levels, int kinds) {
  std::vector<Setting> settings;
  for (unsigned l = 1; l < 1u << levels; ++l)
    for (unsigned k = 1; k < 1u << kinds; ++k) {
      Setting setting{l, k, {}, ""};
      for (int i = 0; i < levels; ++i)
        for (int j = 0; j < kinds; ++j)
          if ((l >> i & 1) && (k >> j & 1)) setting.columns.push_back(i * kinds + j);
      for (char const* pool : {"sum", "maximum", "tails"}) {
        setting.pool = pool;
        settings.push_back(setting);
      }
      setting.pool = "distance";
      for (double const lower : {0, 1, 2, 4}) {
        setting.lower = lower;
        settings.push_back(setting);
      }
    }
  return settings;
}

inline nlohmann::ordered_json named(Setting const& setting,
                                    basin::sampler::NoiseLadder const& noise,
                                    std::vector<std::string> const& kinds) {
  nlohmann::ordered_json result{{"sigma", {}}, {"values", {}}, {"pool", setting.pool}};
  if (setting.pool == "distance") result["lower"] = setting.lower;
  for (int i = 0; i < noise.levels; ++i)
    if (setting.levels >> i & 1) result["sigma"].push_back(noise(i));
  for (std::size_t j = 0; j < kinds.size(); ++j)
    if (setting.kinds >> j & 1) result["values"].push_back(kinds[j]);
  return result;
}

// The metric of the covariance of vectors, with a fiftieth of its mean variance on the diagonal.
class Metric {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Rows   = Eigen::Map<Matrix>;

 public:
  explicit Metric(Images const& x) {
    Rows const rows       = matrix(x);
    mean_                 = rows.colwise().mean();
    Matrix const centered = rows.rowwise() - mean_;
    Matrix covariance     = centered.transpose() * centered / static_cast<float>(rows.rows());
    covariance.diagonal().array() += covariance.diagonal().mean() / 50;
    Eigen::LLT<Matrix> const factor(covariance);
    whitening_ = factor.matrixL().solve(Matrix::Identity(rows.cols(), rows.cols())).transpose();
  }

  // Vectors whose square is that of the Mahalanobis distance.
  Images whitened(Images const& x) const {
    Images const result("whitened", x.extent(0), x.extent(1));
    matrix(result).noalias() = (matrix(x).rowwise() - mean_) * whitening_;
    return result;
  }

 private:
  static Rows matrix(Images const& x) {
    return Rows(x.data(), static_cast<Eigen::Index>(x.extent(0)),
                static_cast<Eigen::Index>(x.extent(1)));
  }
  Eigen::RowVectorXf mean_;
  Matrix whitening_;
};

// Of the columns of a setting, standardized by images of the data ('fitted'): the sum; the largest;
// the sum of -log of the share of fitted images that are as high or higher, beyond the highest of
// which the order is kept by what is less than a step of a rank; or the squared distance in the
// metric of their covariance from a point that lies 'lower' deviations below the mean in each
// column: 0 is Mahalanobis' distance, which takes low values for as strange as high ones.
class PooledScore {
 public:
  PooledScore(Setting const& setting, Values const& fitted) : setting_(setting) {
    auto const count = static_cast<double>(fitted.extent(0));
    for (int const c : setting.columns) {
      std::vector<double> sorted;
      double mean = 0, square = 0;
      for (std::size_t n = 0; n < fitted.extent(0); ++n) {
        sorted.push_back(fitted(n, c));
        mean += fitted(n, c) / count;
      }
      for (double const v : sorted) square += (v - mean) * (v - mean) / count;
      std::sort(sorted.begin(), sorted.end());
      mean_.push_back(mean);
      deviation_.push_back(std::sqrt(square));
      for (double& v : sorted) v = (v - mean) / deviation_.back();
      sorted_.push_back(sorted);
    }
    if (setting.pool != "distance") return;
    int const k                = static_cast<int>(setting.columns.size());
    Eigen::MatrixXd covariance = 1e-6 * Eigen::MatrixXd::Identity(k, k);
    for (std::size_t n = 0; n < fitted.extent(0); ++n) {
      Eigen::VectorXd const z = standardized(fitted, n);
      covariance += z * z.transpose() / count;
    }
    factor_.compute(covariance);
  }

  std::vector<double> operator()(Values const& values) const {
    std::vector<double> result;
    for (std::size_t n = 0; n < values.extent(0); ++n) {
      Eigen::VectorXd const z = standardized(values, n);
      double score            = 0;
      if (setting_.pool == "sum")
        score = z.sum();
      else if (setting_.pool == "maximum")
        score = z.maxCoeff();
      else if (setting_.pool == "tails")
        for (int c = 0; c < z.size(); ++c) score += surprise(z(c), sorted_[c]);
      else
        score = factor_.matrixL().solve((z.array() + setting_.lower).matrix()).squaredNorm();
      result.push_back(score);
    }
    return result;
  }

 private:
  Eigen::VectorXd standardized(Values const& values, std::size_t n) const {
    Eigen::VectorXd z(static_cast<Eigen::Index>(mean_.size()));
    for (std::size_t c = 0; c < mean_.size(); ++c)
      z(static_cast<Eigen::Index>(c)) = (values(n, setting_.columns[c]) - mean_[c]) / deviation_[c];
    return z;
  }
  static double surprise(double z, std::vector<double> const& sorted) {
    auto const count = static_cast<double>(sorted.size());
    auto const below = std::lower_bound(sorted.begin(), sorted.end(), z) - sorted.begin();
    return std::log((count + 1) / (count - static_cast<double>(below) + 1)) +
           1e-3 * std::atan(z - sorted.back());
  }

  Setting setting_;
  std::vector<double> mean_, deviation_;     // (columns)
  std::vector<std::vector<double>> sorted_;  // (columns, fitted images)
  Eigen::LLT<Eigen::MatrixXd> factor_;
};

#endif
