// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TARGET_LOGISTIC_REGRESSION_HPP
#define BASIN_ENERGY_TARGET_LOGISTIC_REGRESSION_HPP

#include <basin/core/check.hpp>
#include <basin/energy/analytic.hpp>
#include <basin/energy/target/gaussian.hpp>
#include <basin/tile/simd.hpp>

#include <Kokkos_Core.hpp>

#include <cmath>

namespace basin::energy::target {

template <Real Scalar, int Dimension, class Memory>
class LogisticRegressionFormula {
 public:
  using scalar_type              = Scalar;
  static constexpr int dimension = Dimension;

  /// \param rows             (rows, dimension) x_n; a column of ones for an intercept
  /// \param labels           (rows) y_n, 0 or 1
  /// \param prior_deviation  s > 0
  /// \throws std::invalid_argument if a shape does not fit, or s is not > 0
  LogisticRegressionFormula(Borrowed<Scalar const**, Memory> const& rows,
                            Borrowed<Scalar const*, Memory> const& labels, double prior_deviation)
      : rows_(rows),
        labels_(labels),
        precision_(static_cast<Scalar>(1 / (prior_deviation * prior_deviation))) {
    char const* who = "basin::energy::target::LogisticRegression";
    if (!is_extent(rows.extent(1), Dimension))
      refuse(who, "rows has second extent ", rows.extent(1), ", the dimension is ", Dimension);
    if (labels.extent(0) != rows.extent(0))
      refuse(who, "there are ", labels.extent(0), " labels and ", rows.extent(0), " rows");
    checked_count(who, "rows", rows.extent(0));
    if (!(prior_deviation > 0) || std::isinf(prior_deviation))
      refuse(who, "prior_deviation must be > 0 and finite, got ", prior_deviation);
  }

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[Dimension], V (&dx)[Dimension]) const {
    V prior(0), sum(0);
    for (int d = 0; d < Dimension; ++d) {
      dx[d] = V(precision_) * x[d];
      prior = fma(x[d], x[d], prior);
    }
    int const rows = static_cast<int>(rows_.extent(0));
    int n          = 0;
    for (; n + block <= rows; n += block) add_rows<block>(n, x, dx, sum);
    for (; n < rows; ++n) add_rows<1>(n, x, dx, sum);
    return fma(V(Scalar(0.5) * precision_), prior, sum);
  }

 private:
  static constexpr int block = 4;  // rows whose logits do not wait for each other

  template <int rows, class V>
  KOKKOS_FORCEINLINE_FUNCTION void add_rows(int from, V const (&x)[Dimension], V (&dx)[Dimension],
                                            V& sum) const {
    V off[rows];  // logits, then what dE/dx is a sum of
    BASIN_UNROLL for (int r = 0; r < rows; ++r) off[r] = V(0);
    for (int d = 0; d < Dimension; ++d) {
      BASIN_UNROLL for (int r = 0; r < rows; ++r) off[r] = fma(V(rows_(from + r, d)), x[d], off[r]);
    }
    BASIN_UNROLL for (int r = 0; r < rows; ++r) {
      V const label = V(labels_(from + r));
      sum += softplus(off[r]) - label * off[r];
      off[r] = sigmoid(off[r]) - label;
    }
    for (int d = 0; d < Dimension; ++d) {
      BASIN_UNROLL for (int r = 0; r < rows; ++r) dx[d] = fma(off[r], V(rows_(from + r, d)), dx[d]);
    }
  }

  Borrowed<Scalar const**, Memory> rows_;   // (rows, dimension)
  Borrowed<Scalar const*, Memory> labels_;  // (rows)
  Scalar precision_;
};

/// The posterior of logistic regression with a Gaussian prior on its coefficients b,
///
///   E(b) = sum_n [ln(1 + exp(x_n b)) - y_n x_n b] + |b|^2 / 2 s^2
///
/// Write it as LogisticRegression<double, 3>{{rows, labels, 1.0}}; both Views are read on the
/// device and not copied. Source: Gelman et al. 2013, Bayesian Data Analysis, 3rd edition, chapter
/// 16.
///
/// \tparam Exec  whose memory holds rows and labels
template <Real Scalar, int Dimension, class Exec = Kokkos::DefaultExecutionSpace>
using LogisticRegression =
    Analytic<LogisticRegressionFormula<Scalar, Dimension, typename Exec::memory_space>>;

}  // namespace basin::energy::target

#endif
