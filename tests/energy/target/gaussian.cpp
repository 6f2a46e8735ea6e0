// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/target/banana.hpp>
#include <basin/energy/target/funnel.hpp>
#include <basin/energy/target/gaussian.hpp>
#include <basin/energy/target/mixture.hpp>

#include "energy/target/check.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
namespace target = basin::energy::target;
using Catch::Matchers::WithinAbs;
using Row   = Kokkos::View<double*, Exec>;
using Table = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

Row row(std::vector<double> const& values) { return on_device<Exec, double>(values); }
Table table(std::vector<double> const& values, int columns) {
  Table const t("table", values.size() / static_cast<std::size_t>(columns), columns);
  auto const host = Kokkos::create_mirror_view(t);
  std::copy(values.begin(), values.end(), host.data());
  Kokkos::deep_copy(t, host);
  return t;
}

// What lies above the diagonal is not read.
struct Correlated {
  Table factor = table({1.5, 9, -0.5, 0.75}, 2);
  Row mean     = row({0.5, -1});
  target::Gaussian<double, 2, Exec> energy{{factor, mean}};
};

struct Modes {
  Table means = table({-2, 0, 1, 1.5, 2, -1}, 2);
  Row weights = row({1, 2, 0.5});
  target::Mixture<double, 2, Exec> energy{{means, weights, 0.5}};
};

TEST_CASE("a Gaussian is that of its covariance", "[energy][target][gaussian]") {
  Correlated const of;
  // S = L L^T = {{9/4, -3/4}, {-3/4, 13/16}}, det S = (3/2 3/4)^2.
  double const a = 2.25, b = -0.75, c = 0.8125, det = 1.265625;
  auto const x = numbers(2 * 20, 1, 3), e = energies_of<Exec>(of.energy, x);
  double error = 0;
  for (std::size_t n = 0; n < 20; ++n) {
    double const u = x[2 * n] - 0.5, v = x[2 * n + 1] + 1;
    error = std::max(error, std::abs(e[n] - (c * u * u - 2 * b * u * v + a * v * v) / (2 * det)));
  }
  CHECK(error < 1e-13 * largest(e));
  CHECK(gradient_error<Exec>(of.energy, x) < tolerance);
  CHECK_THAT(log_integral<Exec>(of.energy, 16, 160),
             WithinAbs(of.energy.formula.log_partition(), 1e-12));
  CHECK(of.energy.formula.mean(1) == -1);
  CHECK_THAT(of.energy.formula.variance(0), WithinAbs(a, 1e-15));
  CHECK_THAT(of.energy.formula.variance(1), WithinAbs(c, 1e-15));
}

TEST_CASE("a mixture is the sum of its components", "[energy][target][mixture]") {
  Modes const of;
  auto const x = numbers(2 * 20, 2, 3), e = energies_of<Exec>(of.energy, x);
  double error = 0;
  for (std::size_t n = 0; n < 20; ++n) {
    auto const p = [&](double w, double m0, double m1) {
      return w * std::exp(-2 * (std::pow(x[2 * n] - m0, 2) + std::pow(x[2 * n + 1] - m1, 2)));
    };
    error = std::max(error, std::abs(e[n] + std::log(p(1, -2, 0) + p(2, 1, 1.5) + p(0.5, 2, -1))));
  }
  CHECK(error < 1e-13 * largest(e));
  CHECK(gradient_error<Exec>(of.energy, x) < tolerance);
  CHECK_THAT(log_integral<Exec>(of.energy, 8, 160),
             WithinAbs(of.energy.formula.log_partition(), 1e-12));
  // Weights 2/7, 4/7, 1/7.
  CHECK_THAT(of.energy.formula.mean(0), WithinAbs(2 / 7.0, 1e-15));
  CHECK_THAT(of.energy.formula.variance(0), WithinAbs(0.25 + 16 / 7.0 - 4 / 49.0, 1e-14));
  // Far from all modes no sum of exponentials is 0.
  CHECK_THAT(energies_of<Exec>(of.energy, {102, -1})[0], WithinAbs(2e4 - std::log(0.5), 1e-9));
}

TEST_CASE("funnel and banana are Gaussians of Gaussians", "[energy][target][funnel][banana]") {
  target::Funnel<double, 4> const funnel;
  target::Banana<double, 3> const banana{{.curvature = 0.1, .standard_deviation = 2}};
  CHECK(gradient_error<Exec>(funnel, numbers(4 * 20, 3, 2)) < tolerance);
  CHECK(gradient_error<Exec>(banana, numbers(3 * 20, 4, 3)) < tolerance);
  // A funnel that is not deep, so that a grid reaches both of its ends.
  target::Funnel<double, 2> const narrow{{.standard_deviation = 0.5}};
  CHECK_THAT(log_integral<Exec>(narrow, 20, 1000),
             WithinAbs(narrow.formula.log_partition(), 1e-10));
  target::Banana<double> const bent{{.curvature = 0.1, .standard_deviation = 2}};
  CHECK_THAT(log_integral<Exec>(bent, 24, 384), WithinAbs(bent.formula.log_partition(), 1e-11));
}

// Means and variances over draws, in units of what four standard errors are.
struct Errors {
  double mean, variance;
};
template <class E>
Errors errors_of_draws(E const& energy, int first = 0) {
  int constexpr n = 40000, D = E::dimension;
  Points<Exec> const points("points", n, D);
  target::draw(Exec(), energy, points, {.seed = 5});
  auto const x = on_host(points);
  Errors worst{0, 0};
  for (int d = first; d < D; ++d) {
    double const mean = energy.formula.mean(d), variance = energy.formula.variance(d);
    double sum = 0, square = 0, fourth = 0;
    for (int i = 0; i < n; ++i) {
      double const off = x[static_cast<std::size_t>(i * D + d)] - mean;
      sum += off / n;
      square += off * off / n;
      fourth += off * off * off * off / n;
    }
    worst.mean     = std::max(worst.mean, std::abs(sum) / (4 * std::sqrt(variance / n)));
    worst.variance = std::max(worst.variance, std::abs(square - variance) /
                                                  (4 * std::sqrt((fourth - square * square) / n)));
  }
  return worst;
}

TEST_CASE("exact samples have the moments of their energy", "[energy][target]") {
  auto const check = [](Errors const& errors) {
    CHECK(errors.mean < 1);
    CHECK(errors.variance < 1);
  };
  check(errors_of_draws(Correlated().energy));
  check(errors_of_draws(Modes().energy));
  check(errors_of_draws(target::Banana<double, 3>{}));
  check(errors_of_draws(target::Funnel<double, 3>{{.standard_deviation = 1}}));
}

TEST_CASE("exact samples of a mixture have its weights, and one width in each mode",
          "[energy][target][mixture]") {
  // Modes 20 apart of weights 1, 2, 1 and deviation 1/2.
  int constexpr n = 40000;
  Table const means("means", 3, 1);
  auto const host = Kokkos::create_mirror_view(means);
  for (int k = 0; k < 3; ++k) host(k, 0) = 20 * k;
  Kokkos::deep_copy(means, host);
  auto const weights = row({1, 2, 1});
  Points<Exec> const points("points", n, 1);
  target::draw(Exec(), target::Mixture<double, 1, Exec>{{means, weights, 0.5}}, points,
               {.seed = 9});
  double count[3] = {}, square[3] = {};
  for (double const x : on_host(points)) {
    int const k      = x < 10 ? 0 : x < 30 ? 1 : 2;
    double const off = x - 20 * k;
    count[k] += 1;
    square[k] += off * off;
  }
  for (int k = 0; k < 3; ++k) {
    double const share = k == 1 ? 0.5 : 0.25;
    CHECK_THAT(count[k] / n, WithinAbs(share, 4 * std::sqrt(share * (1 - share) / n)));
    CHECK_THAT(square[k] / count[k], WithinAbs(0.25, 4 * 0.25 * std::sqrt(2 / (share * n))));
  }
}

TEST_CASE("exact samples are keyed by their row, and have the mean energy of theory",
          "[energy][target]") {
  // <E> = D / 2 + (D - 1) <x_0> / 2 of a funnel, <E^2> - <E>^2 = D / 2 + (D - 1)^2 s^2 / 4.
  int constexpr n = 40000;
  target::Funnel<double, 3> const funnel;
  Points<Exec> const points("points", n, 3), few("few", 7, 3);
  target::draw(Exec(), funnel, points, {.seed = 1});
  target::draw(Exec(), funnel, few, {.seed = 1});
  Row const e("e", n);
  basin::energy::energies(Exec(), funnel, points, e);
  double mean = 0;
  for (double const value : on_host(e)) mean += value / n;
  CHECK_THAT(mean, WithinAbs(1.5, 4 * std::sqrt((1.5 + 9) / n)));
  auto const all = on_host(points), some = on_host(few);
  CHECK(std::equal(some.begin(), some.end(), all.begin()));
}

TEST_CASE("targets refuse what does not fit", "[energy][target][refusal]") {
  using Gaussian = target::Gaussian<double, 2, Exec>;
  using Mixture  = target::Mixture<double, 2, Exec>;
  CHECK_THROWS_WITH((Gaussian{{table({1, 2, 3}, 3), row({0, 0})}}),
                    "basin::energy::target::Gaussian: factor has shape (1, 3), it must be (2, 2)");
  CHECK_THROWS_WITH((Gaussian{{table({1, 0, 0, 1}, 2), row({0})}}),
                    "basin::energy::target::Gaussian: mean has 1 numbers, the dimension is 2");
  CHECK_THROWS_WITH((Mixture{{table({1, 2}, 2), row({1, 1}), 1.0}}),
                    "basin::energy::target::Mixture: there are 2 weights and 1 means");
  CHECK_THROWS_WITH((Mixture{{table({1, 2}, 2), row({1}), 0.0}}),
                    "basin::energy::target::Mixture: standard_deviation must be > 0 and finite, "
                    "got 0");
  CHECK_THROWS_WITH(target::draw(Exec(), Modes().energy, Points<Exec>("x", 4, 3), {.seed = 1}),
                    "basin::energy::target::draw: points has second extent 3, the energy has "
                    "dimension 2");
}

}  // namespace
