// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_FRECHET_DISTANCE_HPP
#define BASIN_METRIC_FRECHET_DISTANCE_HPP

#include <basin/metric/detail/arguments.hpp>

#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include <cstddef>

namespace basin::metric {

namespace detail {

struct Moments {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;  // of n - 1

  template <Table T>
  explicit Moments(T const& features) {
    Eigen::MatrixXd rows(static_cast<Eigen::Index>(features.extent(0)),
                         static_cast<Eigen::Index>(features.extent(1)));
    for (std::size_t n = 0; n < features.extent(0); ++n)
      for (std::size_t d = 0; d < features.extent(1); ++d)
        rows(static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(d)) =
            static_cast<double>(features(n, d));
    mean = rows.colwise().mean();
    rows.rowwise() -= mean.transpose();
    covariance = rows.transpose() * rows / static_cast<double>(rows.rows() - 1);
  }
};

}  // namespace detail

/// The squared Frechet (2-Wasserstein) distance of the Gaussians fitted to two sets of features,
///
///   |m - m'|^2 + tr(S + S' - 2 (S^1/2 S' S^1/2)^1/2)
///
/// with means m and covariances S (divided by n - 1). The square root is that of a symmetric
/// matrix, by its eigenvalues; negative ones, which are rounding, count as 0. On features of the
/// Inception network it is the FID; on pixels it is not. Its bias for two sets of n from N(0, I) is
/// D (D + 5) / 2n: compare at equal n only. Source: Dowson and Landau 1982, J. Multivariate Anal.
/// 12(3); Heusel et al. 2017, arXiv:1706.08500.
///
/// \param features, reference  (n, D), (m, D) on the host, at least two rows of each
/// \return >= 0 up to rounding, units of features squared
/// \throws std::invalid_argument if shapes do not fit or a value is not finite
template <detail::Table Features, detail::Table Reference>
double frechet_distance(Features const& features, Reference const& reference) {
  char const* who = "basin::metric::frechet_distance";
  detail::check_rows(who, "features", features, 2);
  detail::check_rows(who, "reference", reference, 2);
  detail::check_same_columns(who, "features", features, "reference", reference);
  detail::Moments const a(features), b(reference);
  using Solver = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>;
  Solver const of_a(a.covariance);
  Eigen::VectorXd const roots = of_a.eigenvalues().cwiseMax(0).cwiseSqrt();
  Eigen::MatrixXd const root =
      of_a.eigenvectors() * roots.asDiagonal() * of_a.eigenvectors().transpose();
  Solver const of_product(root * b.covariance * root, Eigen::EigenvaluesOnly);
  return (a.mean - b.mean).squaredNorm() + a.covariance.trace() + b.covariance.trace() -
         2 * of_product.eigenvalues().cwiseMax(0).cwiseSqrt().sum();
}

}  // namespace basin::metric

#endif
