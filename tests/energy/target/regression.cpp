// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/target/linear_regression.hpp>
#include <basin/energy/target/logistic_regression.hpp>

#include "energy/target/check.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <numbers>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
namespace target = basin::energy::target;
using Catch::Matchers::WithinAbs;
using Row      = Kokkos::View<double*, Exec>;
using Rows     = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using Logistic = target::LogisticRegression<double, 2, Exec>;
using Linear   = target::LinearRegression<double, 2, Exec>;

Row row(std::vector<double> const& values) { return on_device<Exec, double>(values); }
Rows rows_of(std::vector<double> const& values) {
  Rows const rows("rows", values.size() / 2, 2);
  auto const host = Kokkos::create_mirror_view(rows);
  std::copy(values.begin(), values.end(), host.data());
  Kokkos::deep_copy(rows, host);
  return rows;
}

TEST_CASE("logistic regression is Bernoulli with a logit", "[energy][target][regression]") {
  auto const rows   = rows_of({1, 0.5, 1, -2, 1, 3});
  auto const labels = row({1, 0, 1});
  Logistic const energy{{rows, labels, 2.0}};
  auto const x = numbers(2 * 20, 1, 3), e = energies_of<Exec>(energy, x);
  double error = 0;
  for (std::size_t n = 0; n < 20; ++n) {
    double const a = x[2 * n], b = x[2 * n + 1];
    auto const p       = [&](double feature) { return 1 / (1 + std::exp(-a - b * feature)); };
    double const log_p = std::log(p(0.5) * (1 - p(-2)) * p(3)) - (a * a + b * b) / 8;
    error              = std::max(error, std::abs(e[n] + log_p));
  }
  CHECK(error < 1e-13 * largest(e));
  CHECK(gradient_error<Exec>(energy, x) < tolerance);
}

TEST_CASE("a coin that the prior makes fair has evidence 1/2", "[energy][target][regression]") {
  // One row: the mean of sigmoid over a symmetric law.
  auto const rows   = rows_of({1, 2});
  auto const labels = row({1});
  Logistic const energy{{rows, labels, 1.5}};
  CHECK_THAT(log_integral<Exec>(energy, 14, 200),
             WithinAbs(std::log(2 * std::numbers::pi * 1.5 * 1.5 / 2), 1e-12));
}

TEST_CASE("linear regression is the Gaussian that it says", "[energy][target][regression]") {
  auto const rows    = rows_of({1, 0.5, 1, -2, 1, 3});
  auto const answers = row({0.5, 1, -2});
  Linear const energy{{rows, answers, 0.5, 2.0}};
  CHECK(gradient_error<Exec>(energy, numbers(2 * 20, 1, 3)) < tolerance);
  CHECK_THAT(log_integral<Exec>(energy, 8, 400), WithinAbs(energy.formula.log_partition(), 1e-12));
  // A = 4 X^T X + 1/4 = {{12.25, 6}, {6, 53.25}}, b = 4 X^T y = {-2, -31}.
  double const det = 12.25 * 53.25 - 36;
  CHECK_THAT(energy.formula.variance(0), WithinAbs(53.25 / det, 1e-15));
  CHECK_THAT(energy.formula.variance(1), WithinAbs(12.25 / det, 1e-15));
  CHECK_THAT(energy.formula.mean(0), WithinAbs((-2 * 53.25 + 31 * 6) / det, 1e-14));
  CHECK_THAT(energy.formula.mean(1), WithinAbs((-31 * 12.25 + 2 * 6) / det, 1e-14));
}

TEST_CASE("the posterior of linear regression is a Gaussian with exact samples",
          "[energy][target][regression]") {
  auto const rows    = rows_of({1, 0.5, 1, -2, 1, 3});
  auto const answers = row({0.5, 1, -2});
  Linear const energy{{rows, answers, 0.5, 2.0}};
  Rows const factor("factor", 2, 2);
  Row const mean("mean", 2);
  energy.formula.write_posterior(factor, mean);
  target::Gaussian<double, 2, Exec> const gaussian{{factor, mean}};
  double const apart = gaussian.formula.log_partition() - energy.formula.log_partition();
  auto const x = numbers(2 * 20, 2, 3), e = energies_of<Exec>(energy, x),
             of_gaussian = energies_of<Exec>(gaussian, x);
  double error           = 0;
  for (std::size_t n = 0; n < 20; ++n)
    error = std::max(error, std::abs(e[n] - of_gaussian[n] - apart));
  CHECK(error < 1e-12 * largest(e));
}

TEST_CASE("regressions refuse what does not fit", "[energy][target][regression][refusal]") {
  auto const rows = rows_of({1, 2});
  CHECK_THROWS_WITH((Logistic{{rows, row({1, 0}), 1.0}}),
                    "basin::energy::target::LogisticRegression: there are 2 labels and 1 rows");
  CHECK_THROWS_WITH((Logistic{{rows, row({1}), -1.0}}),
                    "basin::energy::target::LogisticRegression: prior_deviation must be > 0 and "
                    "finite, got -1");
  CHECK_THROWS_WITH((Linear{{rows, row({1}), 0.0, 1.0}}),
                    "basin::energy::target::LinearRegression: noise_deviation must be > 0 and "
                    "finite, got 0");
}

}  // namespace
