// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/noise.hpp>

#include "support/density.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace {

using namespace basin::test;
namespace noise = basin::objective::noise;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::WithinAbs;

constexpr double pi = 3.14159265358979323846;

template <class Scalar = double, class Law>
auto bind(Law const& law, Eigen::MatrixXd const& data) {
  return typename Law::template bind<Scalar, Kokkos::DefaultHostExecutionSpace>(law, data);
}

Eigen::MatrixXd matrix_of(Rows const& rows) {
  Eigen::MatrixXd m(rows.extent(0), rows.extent(1));
  for (int n = 0; n < m.rows(); ++n)
    for (int d = 0; d < m.cols(); ++d) m(n, d) = rows(n, d);
  return m;
}

TEST_CASE("fitted laws are normalized and draw what they say", "[objective][noise]") {
  Correlated const correlated;
  Eigen::MatrixXd const data = matrix_of(correlated.rows);
  auto const full            = bind(noise::Gaussian{}, data);
  auto const diagonal        = bind(noise::DiagonalGaussian{}, data);
  auto const box             = bind(noise::Box{.margin = 0.1}, data);
  Eigen::VectorXd x(5);
  x << 0.3, -0.2, 0.5, 0.1, -0.7;
  double const log_det = std::log(correlated.covariance.determinant());
  CHECK_THAT(full.log_density(x.data()),
             WithinAbs(-2.5 * std::log(2 * pi) - 0.5 * log_det -
                           0.5 * x.dot(correlated.covariance.inverse() * x),
                       1e-10));
  Eigen::VectorXd const s = correlated.covariance.diagonal();
  CHECK_THAT(diagonal.log_density(x.data()),
             WithinAbs(-2.5 * std::log(2 * pi) - 0.5 * s.array().log().sum() -
                           0.5 * (x.array().square() / s.array()).sum(),
                       1e-10));
  Eigen::VectorXd const span = data.colwise().maxCoeff() - data.colwise().minCoeff();
  CHECK_THAT(box.log_density(x.data()), WithinAbs(-(1.2 * span).array().log().sum(), 1e-10));
  x(3) = 100;
  CHECK(box.log_density(x.data()) == -std::numeric_limits<double>::infinity());

  // Moments of 20000 draws: sqrt(2 / 20000) = 1 % for variances, five standard errors.
  auto const covariance_of = [&](auto const& law) {
    Eigen::MatrixXd drawn(20000, 5);
    for (int n = 0; n < drawn.rows(); ++n) {
      Eigen::VectorXd y(5);
      law.sample({9, basin::Purpose::contrast, 0}, static_cast<std::uint32_t>(n), y.data());
      drawn.row(n) = y;
    }
    return Eigen::MatrixXd(drawn.transpose() * drawn / 20000.0);
  };
  Eigen::MatrixXd const wide = s.cwiseSqrt() * s.cwiseSqrt().transpose();
  CHECK(((covariance_of(full) - correlated.covariance).array() / wide.array()).abs().maxCoeff() <
        0.05);
  CHECK(((covariance_of(diagonal) - Eigen::MatrixXd(s.asDiagonal())).array() / wide.array())
            .abs()
            .maxCoeff() < 0.05);
}

// In single precision from + width need not be the upper bound, and the largest of a column is
// data.
TEMPLATE_TEST_CASE("a box without a margin holds its data and what it draws", "[objective][noise]",
                   float, double) {
  using Scalar = TestType;
  std::mt19937_64 bits(11);
  std::uniform_real_distribution<double> uniform(-1, 1);
  int constexpr columns = 200;
  Eigen::MatrixXd data(30, columns);
  for (int d = 0; d < columns; ++d) {
    double const center = 10 * uniform(bits);
    for (int n = 0; n < data.rows(); ++n) data(n, d) = static_cast<Scalar>(center + uniform(bits));
  }
  auto const box    = bind<Scalar>(noise::Box{}, data);
  auto const inside = [&](Eigen::Matrix<Scalar, Eigen::Dynamic, 1> const& x) {
    return box.log_density(x.data()) == box.density;
  };
  CHECK(std::isfinite(box.density));
  int outside = 0;
  for (int n = 0; n < data.rows(); ++n)
    outside += !inside(data.row(n).transpose().template cast<Scalar>());
  CHECK(outside == 0);
  CHECK(inside(data.colwise().maxCoeff().transpose().template cast<Scalar>()));
  CHECK(inside(data.colwise().minCoeff().transpose().template cast<Scalar>()));
  // Uniform: means of 200 columns x 2000 draws in units of the width, variance 1 / 12, and of their
  // squares, variance 4 / 45 by 1 / 5 - 1 / 9; five standard errors.
  double mean = 0, square = 0;
  int constexpr draws         = 2000;
  Eigen::VectorXd const least = data.colwise().minCoeff(),
                        span  = Eigen::VectorXd(data.colwise().maxCoeff()) - least;
  for (std::uint32_t n = 0; n < draws; ++n) {
    Eigen::Matrix<Scalar, Eigen::Dynamic, 1> x(columns);
    box.sample({9, basin::Purpose::contrast, 0}, n, x.data());
    outside += !inside(x);
    Eigen::ArrayXd const u = (x.template cast<double>() - least).array() / span.array();
    mean += u.sum();
    square += u.square().sum();
  }
  CHECK(outside == 0);
  double constexpr numbers = double(draws) * columns;
  CHECK_THAT(mean / numbers, WithinAbs(1. / 2, 5 * std::sqrt(1. / 12 / numbers)));
  CHECK_THAT(square / numbers, WithinAbs(1. / 3, 5 * std::sqrt(4. / 45 / numbers)));
}

TEST_CASE("fitted laws have the bits of sums in order", "[objective][noise]") {
  // Each sum over the rows, then over the columns, one number after the other: on every machine.
  int constexpr rows = 301, columns = 5;
  Eigen::MatrixXd data(rows, columns);
  for (int n = 0; n < rows; ++n)
    for (int d = 0; d < columns; ++d) data(n, d) = std::sin((1.7 + 0.4 * d) * n) + d;
  double mean[columns]{}, s[columns][columns]{}, log_sum = 0;
  for (int d = 0; d < columns; ++d) {
    for (int n = 0; n < rows; ++n) mean[d] += data(n, d);
    mean[d] /= rows;
  }
  for (int i = 0; i < columns; ++i)
    for (int j = 0; j <= i; ++j) {
      for (int n = 0; n < rows; ++n)
        s[i][j] = std::fma(data(n, i) - mean[i], data(n, j) - mean[j], s[i][j]);
      s[i][j] /= rows;
      for (int k = 0; k < j; ++k) s[i][j] = std::fma(-s[i][k], s[j][k], s[i][j]);
      s[i][j] = i == j ? std::sqrt(s[i][j]) : s[i][j] / s[j][j];
    }
  auto const full = bind(noise::Gaussian{}, data);
  int wrong       = 0;
  for (int i = 0; i < columns; ++i) {
    wrong += full.mean(i) != mean[i];
    for (int j = 0; j <= i; ++j) wrong += full.lower(i * columns + j) != s[i][j];
    log_sum += std::log(s[i][i]);
  }
  wrong += full.constant != -2.5 * noise::detail::log_two_pi() - log_sum;
  CHECK(wrong == 0);
}

TEST_CASE("noise that cannot be fitted is refused", "[objective][noise][refusal]") {
  using Catch::Matchers::Message;
  Eigen::MatrixXd flat = Eigen::MatrixXd::Random(10, 2);
  flat.col(1).setConstant(3);
  CHECK_THROWS_MATCHES(bind(noise::Gaussian{}, flat), std::invalid_argument,
                       Message("basin::objective::noise::Gaussian: column 1 of the data is "
                               "constant; write a ridge > 0, it is 0"));
  // The mean of 0.1, 0.1, ... is no 0.1 where it is summed.
  for (int rows = 3; rows < 20; ++rows) {
    Eigen::MatrixXd constant = Eigen::MatrixXd::Random(rows, 2);
    constant.col(1).setConstant(0.1);
    CHECK_THROWS_WITH(bind(noise::Gaussian{}, constant), ContainsSubstring("column 1"));
    CHECK_THROWS_WITH(bind(noise::DiagonalGaussian{}, constant), ContainsSubstring("column 1"));
  }
  // Dependent to rounding, of the scalar that the data are of.
  Eigen::MatrixXd dependent = Eigen::MatrixXd::Random(500, 4);
  dependent.col(2)          = (dependent.col(0) + dependent.col(1)).array() + 3;
  std::string const sentence =
      "basin::objective::noise::Gaussian: column 2 of the data is to rounding a linear function of "
      "those before it; leave it out, or write a ridge > 0, it is 0";
  CHECK_THROWS_WITH(bind(noise::Gaussian{}, dependent), sentence);
  Eigen::MatrixXd const in_float = dependent.cast<float>().cast<double>();
  CHECK_THROWS_WITH(bind<float>(noise::Gaussian{}, in_float), sentence);
  CHECK_NOTHROW(bind<float>(noise::Gaussian{.ridge = 1e-6}, in_float));
  // Of a correlation that is none of rounding nothing is said.
  dependent.col(2) += 1e-4 * Eigen::VectorXd::Random(500);
  CHECK_NOTHROW(bind<float>(noise::Gaussian{}, dependent.cast<float>().cast<double>()));
  CHECK_THROWS_MATCHES(bind(noise::DiagonalGaussian{}, flat), std::invalid_argument,
                       Message("basin::objective::noise::DiagonalGaussian: column 1 of the data is "
                               "constant; write a ridge > 0, it is 0"));
  CHECK_THROWS_MATCHES(noise::Gaussian{.ridge = -1}.check(), std::invalid_argument,
                       Message("basin::objective::noise::Gaussian: ridge must be >= 0 and finite, "
                               "got -1"));
  CHECK_THROWS_MATCHES(noise::DiagonalGaussian{.ridge = -1}.check(), std::invalid_argument,
                       Message("basin::objective::noise::DiagonalGaussian: ridge must be >= 0 and "
                               "finite, got -1"));
  CHECK_THROWS_MATCHES(noise::Box{.margin = -0.5}.check(), std::invalid_argument,
                       Message("basin::objective::noise::Box: margin must be >= 0 and finite, got "
                               "-0.5"));
  CHECK_THROWS_MATCHES(bind(noise::Box{}, flat), std::invalid_argument,
                       Message("basin::objective::noise::Box: column 1 of the data is constant, a "
                               "box would have no volume"));
}

}  // namespace
