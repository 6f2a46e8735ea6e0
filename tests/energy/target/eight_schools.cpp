// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/target/eight_schools.hpp>

#include "energy/target/check.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
namespace target = basin::energy::target;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

TEST_CASE("eight schools are the model that they say", "[energy][target][eight_schools]") {
  target::EightSchoolsJoint<double> const joint;
  target::EightSchools<double> const posterior;
  auto const x = numbers(10 * 20, 1, 2);
  CHECK(gradient_error<Exec>(posterior, x) < tolerance);
  auto const e = energies_of<Exec>(posterior, x);
  std::vector<double> with_data;
  double error = 0;
  for (std::size_t n = 0; n < 20; ++n) {
    double const mu = x[10 * n], log_tau = x[10 * n + 1], tau = std::exp(log_tau);
    double log_p = -mu * mu / 50 - std::log(1 + tau * tau / 25) + log_tau;
    for (std::size_t d = 0; d < 10; ++d) with_data.push_back(x[10 * n + d]);
    for (std::size_t j = 0; j < 8; ++j) {
      double const eta = x[10 * n + 2 + j];
      double const off = (target::eight_effects[j] - mu - tau * eta) / target::eight_deviations[j];
      log_p -= (eta * eta + off * off) / 2;
      with_data.push_back(target::eight_effects[j]);
    }
    error = std::max(error, std::abs(e[n] + log_p));
  }
  CHECK(error < 1e-12 * largest(e));
  CHECK(energies_of<Exec>(joint, with_data) == e);
  CHECK(gradient_error<Exec>(joint, with_data) < tolerance);
}

// References: quadrature of our own, by another rule; six digits of each were kept.
TEST_CASE("the posterior of eight schools has its known moments",
          "[energy][target][eight_schools]") {
  target::EightSchoolsPosterior const of;
  auto const check = [](auto const& m, double mean, double deviation) {
    CHECK_THAT(m.mean, WithinAbs(mean, 2e-5));
    CHECK_THAT(std::sqrt(m.variance), WithinAbs(deviation, 2e-5));
  };
  check(of.mu(), 4.39682, 3.31770);
  check(of.tau(), 3.59771, 3.21996);
  check(of.log_tau(), 0.80214, 1.17121);
  check(of.theta(0), 6.21188, 5.59313);
  check(of.theta(6), 6.29672, 5.07785);
}

// Of N draws a mean has a standard error of sd / sqrt(N). tau has no mean: its median is 5.
TEST_CASE("exact samples of eight schools are those of the priors",
          "[energy][target][eight_schools]") {
  int constexpr n = 20000;
  Points<Exec> const points("points", n, 18);
  target::draw(Exec(), target::EightSchoolsJoint<double>{}, points, {.seed = 5});
  auto const x = on_host(points);
  double mu = 0, square = 0, below = 0, errors = 0, eta = 0;
  for (std::size_t i = 0; i < x.size(); i += 18) {
    mu += x[i] / n;
    square += x[i] * x[i] / n;
    below += (x[i + 1] < std::log(5.0)) / double(n);
    eta += x[i + 9] * x[i + 9] / n;
    // The last school: y - theta has a deviation of 18.
    double const off = (x[i + 17] - x[i] - std::exp(x[i + 1]) * x[i + 9]) / 18;
    errors += off * off / n;
  }
  CHECK_THAT(mu, WithinAbs(0, 4 * 5 / std::sqrt(double(n))));
  CHECK_THAT(square, WithinRel(25.0, 4 * std::sqrt(2.0 / n)));
  CHECK_THAT(below, WithinAbs(0.5, 4 * 0.5 / std::sqrt(double(n))));
  CHECK_THAT(eta, WithinRel(1.0, 4 * std::sqrt(2.0 / n)));
  CHECK_THAT(errors, WithinRel(1.0, 4 * std::sqrt(2.0 / n)));
}

}  // namespace
