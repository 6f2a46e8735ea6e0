// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_DETAIL_MOMENTS_HPP
#define BASIN_OBJECTIVE_DETAIL_MOMENTS_HPP

#include <basin/tile/simd.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

// Moments of data and their factors, on the host. Every sum is in the order of its index, with one
// rounding for a multiply-add: those of Eigen are in an order that depends on the width of the
// machine's vectors. Arrays are Eigen's, column-major.

namespace basin::objective::detail {

/// The mean of every column; of a constant one exactly its number, so that deviations are 0.
inline Eigen::VectorXd column_means(Eigen::MatrixXd const& data) {
  Eigen::VectorXd means(data.cols());
  for (Eigen::Index d = 0; d < data.cols(); ++d) {
    double sum = 0;
    for (Eigen::Index n = 0; n < data.rows(); ++n) sum += data(n, d);
    bool const constant = data.col(d).maxCoeff() == data.col(d).minCoeff();
    means(d)            = constant ? data(0, d) : sum / static_cast<double>(data.rows());
  }
  return means;
}

/// The mean square deviation of every column.
inline Eigen::VectorXd variances(Eigen::MatrixXd const& data, Eigen::VectorXd const& means) {
  Eigen::VectorXd result(data.cols());
  for (Eigen::Index d = 0; d < data.cols(); ++d) {
    double sum = 0;
    for (Eigen::Index n = 0; n < data.rows(); ++n) {
      double const away = data(n, d) - means(d);
      sum               = std::fma(away, away, sum);
    }
    result(d) = sum / static_cast<double>(data.rows());
  }
  return result;
}

/// The covariance matrix; only elements (i, j) with i >= j are right.
inline Eigen::MatrixXd covariance(Eigen::MatrixXd const& data, Eigen::VectorXd const& means) {
  using V                  = tile::Simd<double, 4>;
  constexpr int L          = V::lanes;
  auto const dimension     = static_cast<std::size_t>(data.cols());
  std::size_t const padded = (dimension + L - 1) / L * L;
  // A few rows at a time stay in the cache while all pairs of columns are summed.
  constexpr Eigen::Index block = 64;
  std::vector<double> centered(block * padded);  // (block, padded)
  std::vector<double> sums(dimension * padded);  // (dimension, padded): j, i
  for (Eigen::Index first = 0; first < data.rows(); first += block) {
    auto const rows = static_cast<std::size_t>(std::min(block, data.rows() - first));
    for (std::size_t d = 0; d < dimension; ++d)
      for (std::size_t n = 0; n < rows; ++n)
        centered[n * padded + d] =
            data(first + static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(d)) -
            means(static_cast<Eigen::Index>(d));
    for (std::size_t j = 0; j < dimension; ++j)
      for (std::size_t i = j / L * L; i < padded; i += L) {
        double* const to = sums.data() + j * padded + i;
        V sum            = tile::load_unaligned<V>(to);
        for (std::size_t n = 0; n < rows; ++n) {
          double const* const row = centered.data() + n * padded;
          sum                     = fma(tile::load_unaligned<V>(row + i), V(row[j]), sum);
        }
        tile::store_unaligned(to, sum);
      }
  }
  Eigen::MatrixXd result = Eigen::MatrixXd::Zero(data.cols(), data.cols());
  for (Eigen::Index j = 0; j < data.cols(); ++j)
    for (Eigen::Index i = j; i < data.cols(); ++i)
      result(i, j) = sums[static_cast<std::size_t>(j) * padded + static_cast<std::size_t>(i)] /
                     static_cast<double>(data.rows());
  return result;
}

/// The lower factor L of S = L L^T, in place of the lower half of S; zeros above. Stops at the first
/// column whose pivot is not above least(column).
///
/// \returns that column, or -1
template <class Least>
int factor_in_place(Eigen::MatrixXd& s, Least const& least) {
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Rows l     = Rows::Zero(s.rows(), s.cols());
  for (Eigen::Index i = 0; i < s.rows(); ++i)
    for (Eigen::Index j = 0; j <= i; ++j) {
      double sum = s(i, j);
      for (Eigen::Index k = 0; k < j; ++k) sum = std::fma(-l(i, k), l(j, k), sum);
      if (j < i) {
        l(i, j) = sum / l(j, j);
      } else {
        if (!(sum > least(i))) return static_cast<int>(i);
        l(i, i) = std::sqrt(sum);
      }
    }
  s = l;
  return -1;
}

/// L^-1 of a lower triangular L.
inline Eigen::MatrixXd inverse_of_lower(Eigen::MatrixXd const& l) {
  Eigen::MatrixXd inverse = Eigen::MatrixXd::Zero(l.rows(), l.cols());
  for (Eigen::Index j = 0; j < l.cols(); ++j)
    for (Eigen::Index i = j; i < l.rows(); ++i) {
      double sum = i == j ? 1 : 0;
      for (Eigen::Index k = j; k < i; ++k) sum = std::fma(-l(i, k), inverse(k, j), sum);
      inverse(i, j) = sum / l(i, i);
    }
  return inverse;
}

/// sum_i log a_i
inline double sum_of_logs(Eigen::VectorXd const& a) {
  double sum = 0;
  for (Eigen::Index i = 0; i < a.size(); ++i) sum += std::log(a(i));
  return sum;
}

}  // namespace basin::objective::detail

#endif
