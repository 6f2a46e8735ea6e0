// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/noise_contrastive.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/density.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::NoiseContrastive;
namespace noise = basin::objective::noise;
using Catch::Matchers::WithinAbs;

constexpr double pi = 3.14159265358979323846;

template <class Law>
auto bind(Law const& law, Eigen::MatrixXd const& data) {
  return typename Law::template bind<double, Kokkos::DefaultHostExecutionSpace>(law, data);
}

Eigen::MatrixXd matrix_of(Rows const& rows) {
  Eigen::MatrixXd m(rows.extent(0), rows.extent(1));
  for (int n = 0; n < m.rows(); ++n)
    for (int d = 0; d < m.cols(); ++d) m(n, d) = rows(n, d);
  return m;
}

TEST_CASE("fitted laws are normalised and draw what they say", "[objective][noise_contrastive]") {
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

// E = w x^2 + b leaves c + b = log Z determined.
TEST_CASE("noise-contrastive estimation learns the stiffness 1 / v and log Z",
          "[objective][noise_contrastive]") {
  double constexpr v = 1.7;
  auto const trainer = trained<Exec, Parabola>(NoiseContrastive<>{.ratio = 2},
                                               numbers_of_variance(10000, v), 3000, 0.02, 500);
  auto const theta   = on_host(trainer->parameters());
  CHECK_THAT(2 * theta[0], WithinAbs(1 / v, 0.02));
  CHECK_THAT(on_host(trainer->objective_parameters())[0] + theta[1],
             WithinAbs(0.5 * std::log(2 * pi * v), 0.02));
}

TEST_CASE("noise-contrastive estimation recovers a precision matrix",
          "[objective][noise_contrastive]") {
  Correlated const data;
  auto const trainer = trained<Exec, Quadric>(NoiseContrastive<noise::DiagonalGaussian>{.ratio = 4},
                                              data.rows, 4000, 0.01, 512);
  CHECK(precision_error<Exec>(*trainer, data.covariance) < 0.08);
}

TEST_CASE("noise-contrastive estimation finds the log Z of a mixture within 2 % of quadrature",
          "[objective][noise_contrastive]") {
  using Net =
      basin::energy::Network<double, basin::Vector<2>, basin::layer::Dense<32>, basin::layer::Silu,
                             basin::layer::Dense<32>, basin::layer::Silu, basin::layer::Dense<1>>;
  Rows const rows("rows", 20000, 2);
  std::mt19937_64 bits(3);
  std::normal_distribution<double> normal;
  for (int n = 0; n < 20000; ++n) {
    rows(n, 0) = (n % 2 ? 1.5 : -1.5) + 0.6 * normal(bits);
    rows(n, 1) = (n % 2 ? 0.5 : -0.5) + 0.8 * normal(bits);
  }
  auto const trainer = trained<Exec, Net>(NoiseContrastive<>{.ratio = 2}, rows, 3000, 5e-3, 256);
  // Z by the midpoint rule on [-8, 8]^2, beyond which there is no data and E is large.
  int constexpr side = 160;
  Rows const grid("grid", side * side, 2);
  double constexpr h = 16.0 / side;
  for (int i = 0; i < side * side; ++i) {
    grid(i, 0) = -8 + h * (i / side + 0.5);
    grid(i, 1) = -8 + h * (i % side + 0.5);
  }
  auto const e = trainer->energies(grid);
  double z     = 0;
  for (int i = 0; i < side * side; ++i) z += std::exp(-e(std::size_t(i))) * h * h;
  double const c = on_host(trainer->objective_parameters())[0];
  CHECK_THAT(std::exp(c) / z, WithinAbs(1, 0.02));
}

TEST_CASE(
    "noise-contrastive estimation gives the same bits in every tuning and for any number of "
    "threads",
    "[objective][noise_contrastive]") {
  CHECK(differing_runs<Exec>(NoiseContrastive<>{.ratio = 3}) == 0);
}

TEST_CASE("noise-contrastive estimation allocates nothing and fences nothing",
          "[objective][noise_contrastive]") {
  basin::bench::watch_kokkos();
  auto const t = tally<Exec>(NoiseContrastive<noise::Box>{});
  CHECK(t.allocations == 0);
  CHECK(t.fences == 0);
}

TEST_CASE("noise that cannot be fitted is refused", "[objective][noise_contrastive][refusal]") {
  using Catch::Matchers::Message;
  Eigen::MatrixXd flat = Eigen::MatrixXd::Random(10, 2);
  flat.col(1).setConstant(3);
  CHECK_THROWS_MATCHES(NoiseContrastive<>{.ratio = 0}.check(1), std::invalid_argument,
                       Message("basin::objective::NoiseContrastive: ratio must be >= 1, got 0"));
  CHECK_THROWS_MATCHES(bind(noise::Gaussian{}, flat), std::invalid_argument,
                       Message("basin::objective::noise::Gaussian: the covariance of the data is "
                               "not positive definite; write a ridge > 0, it is 0"));
  CHECK_THROWS_MATCHES(bind(noise::DiagonalGaussian{}, flat), std::invalid_argument,
                       Message("basin::objective::noise::DiagonalGaussian: column 1 of the data is "
                               "constant; write a ridge > 0, it is 0"));
  CHECK_THROWS_MATCHES(bind(noise::Box{}, flat), std::invalid_argument,
                       Message("basin::objective::noise::Box: column 1 of the data is constant, a "
                               "box would have no volume"));
}

}  // namespace
