// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_LINEAR_REGRESSION_HPP
#define BASIN_ENERGY_TARGET_LINEAR_REGRESSION_HPP

#include <basin/core/check.hpp>
#include <basin/energy/analytic.hpp>
#include <basin/energy/target/gaussian.hpp>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Kokkos_Core.hpp>

#include <cmath>
#include <numbers>

namespace basin::energy::target {

template <Real Scalar, int Dimension, class Memory>
class LinearRegressionFormula {
 public:
  using scalar_type              = Scalar;
  static constexpr int dimension = Dimension;

  /// \param rows               (rows, dimension) x_n; a column of ones for an intercept
  /// \param answers            (rows) y_n
  /// \param noise_deviation    s > 0, units of y
  /// \param prior_deviation    p > 0, units of y / x
  /// \throws std::invalid_argument if a shape does not fit, or a deviation is not > 0
  LinearRegressionFormula(Borrowed<Scalar const**, Memory> const& rows,
                          Borrowed<Scalar const*, Memory> const& answers, double noise_deviation,
                          double prior_deviation)
      : rows_(rows),
        answers_(answers),
        noise_precision_(static_cast<Scalar>(1 / (noise_deviation * noise_deviation))),
        prior_precision_(static_cast<Scalar>(1 / (prior_deviation * prior_deviation))) {
    char const* who = "basin::energy::target::LinearRegression";
    if (!is_extent(rows.extent(1), Dimension))
      refuse(who, "rows has second extent ", rows.extent(1), ", the dimension is ", Dimension);
    if (answers.extent(0) != rows.extent(0))
      refuse(who, "there are ", answers.extent(0), " answers and ", rows.extent(0), " rows");
    checked_count(who, "rows", rows.extent(0));
    if (!(noise_deviation > 0) || std::isinf(noise_deviation))
      refuse(who, "noise_deviation must be > 0 and finite, got ", noise_deviation);
    if (!(prior_deviation > 0) || std::isinf(prior_deviation))
      refuse(who, "prior_deviation must be > 0 and finite, got ", prior_deviation);
  }

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[Dimension], V (&dx)[Dimension]) const {
    V prior(0), squares(0);
    for (int d = 0; d < Dimension; ++d) {
      dx[d] = V(prior_precision_) * x[d];
      prior = fma(x[d], x[d], prior);
    }
    int const rows = static_cast<int>(rows_.extent(0));
    for (int n = 0; n < rows; ++n) {
      V off = V(-answers_(n));
      for (int d = 0; d < Dimension; ++d) off = fma(V(rows_(n, d)), x[d], off);
      squares       = fma(off, off, squares);
      V const force = V(noise_precision_) * off;
      for (int d = 0; d < Dimension; ++d) dx[d] = fma(force, V(rows_(n, d)), dx[d]);
    }
    return V(Scalar(0.5)) * (V(noise_precision_) * squares + V(prior_precision_) * prior);
  }

  double log_partition() const { return posterior().log_partition; }
  double mean(int d) const { return posterior().mean(d); }
  double variance(int d) const { return posterior().covariance(d, d); }

  /// Writes the mean, and the Cholesky factor of the covariance: Gaussian<Scalar, Dimension>{{factor,
  /// mean}} is the same law, with exact samples.
  ///
  /// \param factor  (dimension, dimension), LayoutRight
  /// \param mean    (dimension)
  template <class Factor, class Mean>
  void write_posterior(Factor const& factor, Mean const& mean) const {
    Posterior const of      = posterior();
    Eigen::MatrixXd const l = of.covariance.llt().matrixL();
    auto const factor_host  = Kokkos::create_mirror_view(factor);
    auto const mean_host    = Kokkos::create_mirror_view(mean);
    for (int d = 0; d < Dimension; ++d) {
      mean_host(d) = static_cast<Scalar>(of.mean(d));
      for (int e = 0; e < Dimension; ++e) factor_host(d, e) = static_cast<Scalar>(l(d, e));
    }
    Kokkos::deep_copy(factor, factor_host);
    Kokkos::deep_copy(mean, mean_host);
  }

 private:
  struct Posterior {
    double log_partition;
    Eigen::VectorXd mean;        // (dimension)
    Eigen::MatrixXd covariance;  // (dimension, dimension)
  };

  // With A = X^T X / s^2 + 1 / p^2 and b = X^T y / s^2: N(A^-1 b, A^-1).
  Posterior posterior() const {
    auto const x       = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), rows_);
    auto const y       = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), answers_);
    double const noise = static_cast<double>(noise_precision_);
    Eigen::MatrixXd a =
        static_cast<double>(prior_precision_) * Eigen::MatrixXd::Identity(Dimension, Dimension);
    Eigen::VectorXd b = Eigen::VectorXd::Zero(Dimension);
    double squares    = 0;
    for (std::size_t n = 0; n < x.extent(0); ++n) {
      Eigen::VectorXd row(Dimension);
      for (int d = 0; d < Dimension; ++d) row(d) = static_cast<double>(x(n, d));
      double const answer = static_cast<double>(y(n));
      a += noise * row * row.transpose();
      b += noise * answer * row;
      squares += noise * answer * answer;
    }
    Eigen::LLT<Eigen::MatrixXd> const of(a);
    Eigen::VectorXd const mean = of.solve(b);
    double log_determinant     = 0;
    for (int d = 0; d < Dimension; ++d) log_determinant += 2 * std::log(of.matrixLLT()(d, d));
    return {
        (Dimension * std::log(2 * std::numbers::pi) - log_determinant - squares + b.dot(mean)) / 2,
        mean, of.solve(Eigen::MatrixXd::Identity(Dimension, Dimension))};
  }

  Borrowed<Scalar const**, Memory> rows_;    // (rows, dimension)
  Borrowed<Scalar const*, Memory> answers_;  // (rows)
  Scalar noise_precision_, prior_precision_;
};

/// The posterior of linear regression with known noise and a Gaussian prior on its coefficients b,
///
///   E(b) = sum_n (y_n - x_n b)^2 / 2 s^2 + |b|^2 / 2 p^2
///
/// a Gaussian, whose mean, variances and log_partition are known. Write it as
/// LinearRegression<double, 3>{{rows, answers, 0.5, 1.0}}; both Views are read on the device and
/// not copied. Source: Bishop 2006, Pattern Recognition and Machine Learning, section 3.3.
///
/// \tparam Exec  whose memory holds rows and answers
template <Real Scalar, int Dimension, class Exec = Kokkos::DefaultExecutionSpace>
using LinearRegression =
    Analytic<LinearRegressionFormula<Scalar, Dimension, typename Exec::memory_space>>;

}  // namespace basin::energy::target

#endif
