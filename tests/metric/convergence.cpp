// SPDX-License-Identifier: Apache-2.0
#include <basin/data/detail/host_random.hpp>
#include <basin/metric/bfmi.hpp>
#include <basin/metric/convergence.hpp>
#include <basin/metric/nested_r_hat.hpp>
#include <basin/metric/quantile_estimate.hpp>
#include <basin/metric/running_moments.hpp>

#include "metric/chains.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::metric;
using basin::test::reference::chains;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
using Draws = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

constexpr double inf = std::numeric_limits<double>::infinity();

/// (draws, chains) of values [m * draws + i].
Draws draws_of(std::vector<double> const& values, int chains) {
  int const n = static_cast<int>(values.size()) / chains;
  Draws const draws("draws", n, chains);
  auto const host = Kokkos::create_mirror_view(draws);
  for (int m = 0; m < chains; ++m)
    for (int i = 0; i < n; ++i) host(i, m) = values[static_cast<std::size_t>(m * n + i)];
  Kokkos::deep_copy(draws, host);
  return draws;
}

Kokkos::View<double*, Exec> on_device(std::vector<double> const& values) {
  Kokkos::View<double*, Exec> const view("values", values.size());
  auto const host = Kokkos::create_mirror_view(view);
  std::copy(values.begin(), values.end(), host.data());
  Kokkos::deep_copy(view, host);
  return view;
}

TEST_CASE("diagnostics are those of ArviZ", "[metric][convergence]") {
  // Its sums run in another order, and autocovariances by Fourier transforms.
  auto const as = [](double value) { return WithinRel(value, 1e-11); };
  for (auto const& of : basin::test::reference::cases) {
    INFO("chains " << of.name);
    auto const draws = draws_of(
        chains(of.chains, of.draws, of.memory, of.shift, of.rounding, of.widening), of.chains);
    auto const all = convergence(Exec(), draws);
    CHECK_THAT(effective_sample_size(Exec(), draws), as(of.effective_sample_size));
    CHECK_THAT(bulk_effective_sample_size(Exec(), draws), as(of.bulk));
    CHECK_THAT(tail_effective_sample_size(Exec(), draws), as(of.tail));
    CHECK_THAT(r_hat(Exec(), draws), as(of.r_hat));
    CHECK_THAT(split_r_hat(Exec(), draws), as(of.split_r_hat));
    CHECK_THAT(all.estimate.error_of_mean, as(of.error_of_mean));
    CHECK_THAT(all.estimate.error_of_standard_deviation, as(of.error_of_standard_deviation));
    CHECK_THAT(all.bulk_effective_sample_size, as(of.bulk));
    CHECK_THAT(all.tail_effective_sample_size, as(of.tail));
    CHECK_THAT(all.r_hat, as(of.r_hat));
    CHECK_THAT(quantile_estimate(Exec(), draws, 0.05).error, as(of.error_of_5_percent));
    CHECK_THAT(quantile_estimate(Exec(), draws, 0.5).error, as(of.error_of_median));
    CHECK_THAT(quantile_estimate(Exec(), draws, 0.95).error, as(of.error_of_95_percent));
  }
  auto const draws = draws_of(chains(12, 10, 0.5, 0.02, 0), 12);
  auto const first = Kokkos::subview(draws, Kokkos::pair(0, 1), Kokkos::ALL);
  CHECK_THAT(nested_r_hat(Exec(), draws, 3), as(basin::test::reference::nested_r_hat));
  CHECK_THAT(rank_nested_r_hat(Exec(), draws, 3), as(basin::test::reference::rank_nested_r_hat));
  CHECK_THAT(nested_r_hat(Exec(), first, 3), as(basin::test::reference::nested_r_hat_of_one_draw));
  auto const fractions = bfmi(Exec(), draws);
  CHECK_THAT(fractions[0], as(basin::test::reference::bfmi[0]));
  CHECK_THAT(fractions[1], as(basin::test::reference::bfmi[1]));
}

TEST_CASE("diagnostics counted by hand", "[metric][convergence]") {
  // Superchains {0, 2} and {4, 6} of one draw: means 1 and 5, B = 8, W = 2.
  CHECK(nested_r_hat(Exec(), draws_of({0, 2, 4, 6}, 4), 2) == std::sqrt(5.0));
  // Steps 1, -1, 1 over squares of 1/2 about the mean; 3 and 0.5 over 5 and 2.
  auto const fractions = bfmi(Exec(), draws_of({0, 1, 0, 1, 0, 1, 2, 3}, 2));
  CHECK(fractions == std::vector<double>{3, 0.6});
  // 0, 1, 2, 3 as they are: c_0 = 5/4, c_1 = 5/16, c_2 = -6/16, W = 5/3, v = 5/4.
  auto const rho = autocorrelation(Exec(), draws_of({0, 1, 2, 3}, 1), 2);
  CHECK(rho[0] == 1);
  CHECK_THAT(rho[1], WithinAbs(1 - (5.0 / 3 - 5.0 / 16) * 4 / 5, 1e-15));
  CHECK_THAT(rho[2], WithinAbs(1 - (5.0 / 3 + 6.0 / 16) * 4 / 5, 1e-15));
  // Halves 0, 0 and 2, 4: means 0 and 3, B = 2 * 4.5, W = (0 + 2) / 2.
  CHECK_THAT(split_r_hat(Exec(), draws_of({0, 0, 7, 2, 4}, 1)), WithinAbs(std::sqrt(5.0), 1e-15));
}

TEST_CASE("an autoregressive chain has the correlations and the sample size of theory",
          "[metric][convergence]") {
  // x' = x / 2 + z: rho_t = 2^-t, S / N = (1 + 1/2) / (1 - 1/2) = 3.
  int constexpr n = 400, count = 1500;
  double const S = n * count;
  basin::data::detail::HostRandom random(3);
  std::vector<double> values;
  for (int m = 0; m < count; ++m) {
    double x = random.normal_pair()[0] / std::sqrt(0.75);
    for (int i = 0; i < n; ++i) {
      values.push_back(x);
      x = x / 2 + random.normal_pair()[0];
    }
  }
  auto const draws = draws_of(values, count);
  auto const rho   = autocorrelation(Exec(), draws, 20);
  double worst     = 0;
  for (std::size_t t = 0; t <= 20; ++t)
    worst = std::max(worst, std::abs(rho[t] - std::ldexp(1, -static_cast<int>(t))));
  // Bartlett: variances up to (1 + 1/4) / (1 - 1/4) / S; the largest of 20, correlated ones.
  CHECK(worst < 4 * std::sqrt(5.0 / 3 / S));
  // Sokal: tau sqrt(2 (2 w + 1) / S) where w lags are summed, here fewer than 20; in halves of 200.
  CHECK_THAT(effective_sample_size(Exec(), draws), WithinRel(S / 3, 4 * std::sqrt(82 / S)));
  CHECK_THAT(bulk_effective_sample_size(Exec(), draws), WithinRel(S / 3, 4 * std::sqrt(82 / S)));
  // Of halves of 200: B / (n W) = 3 / 200, known to sqrt(2 / 3000) of itself, and (n - 1) / n.
  CHECK_THAT(r_hat(Exec(), draws), WithinAbs(1 + (3 - 1) / 400.0, 4 * 3 / 400.0 / 39));
  // Means of 10 superchains of 150 chains: 1 / (2 M), M = 150 * 400 / 3, within a factor of 3.
  CHECK(nested_r_hat(Exec(), draws, 10) - 1 < 3 / (2 * 20000.0));
  // N(0, 4/3): the mean within 4 of its errors, the error 1 / sqrt N of the deviation.
  auto const of = convergence(Exec(), draws).estimate;
  CHECK(std::abs(of.mean) < 4 * of.error_of_mean);
  CHECK(std::abs(of.standard_deviation - std::sqrt(4 / 3.0)) < 4 * of.error_of_standard_deviation);
  CHECK_THAT(of.error_of_mean, WithinRel(2 / std::sqrt(S), 0.05));
  // Signs have the correlations 2 / pi asin(rho_t); the median errs sqrt(tau / S) / 2 over the density.
  double tau = 1;
  for (int t = 1; t < 60; ++t) tau += 4 / 3.14159265358979 * std::asin(std::ldexp(1, -t));
  auto const median = quantile_estimate(Exec(), draws, 0.5);
  CHECK(std::abs(median.quantile) < 4 * median.error);
  CHECK_THAT(median.effective_sample_size, WithinRel(S / tau, 4 * std::sqrt(82 / S)));
  CHECK_THAT(median.error, WithinRel(std::sqrt(tau / S * 2 * 3.14159265358979 * 4 / 3) / 2, 0.05));
  auto const tail = quantile_estimate(Exec(), draws, 0.9);
  CHECK(std::abs(tail.quantile - 1.2815515655446 * std::sqrt(4 / 3.0)) < 4 * tail.error);
}

TEST_CASE("quantiles of the beta distribution are those of its distribution function",
          "[metric][convergence]") {
  CHECK_THAT(detail::beta_quantile(0.3, 1, 1), WithinRel(0.3, 1e-14));
  CHECK_THAT(detail::beta_quantile(0.3, 5, 1), WithinRel(std::pow(0.3, 0.2), 1e-14));
  CHECK_THAT(detail::beta_quantile(0.3, 1, 5), WithinRel(1 - std::pow(0.7, 0.2), 1e-13));
  // Beta(2, 2): 3 x^2 - 2 x^3.
  double const x = detail::beta_quantile(0.8, 2, 2);
  CHECK_THAT(3 * x * x - 2 * x * x * x, WithinRel(0.8, 1e-14));
  // Nearly N(1/2, 1 / (8 a)) for large a = b, by symmetry without skewness: relative to 1 / a.
  double const a = 1e6, z = (detail::beta_quantile(0.8413447, a, a) - 0.5) * std::sqrt(8 * a);
  CHECK_THAT(z, WithinAbs(1, 1e-5));
}

TEST_CASE("moments of draws that are not kept are those of all draws", "[metric][convergence]") {
  int constexpr n = 9, count = 6;
  auto const a = chains(count, n, 0.5, 0.1, 0), b = chains(count, n, 0.2, 0, 0);
  RunningMoments<Exec> running(count, 2);
  Kokkos::View<double**, Kokkos::LayoutLeft, Exec> const draw("draw", count, 2);
  auto const host = Kokkos::create_mirror_view(draw);
  CHECK(std::isnan(running.mean(Exec())[0]));
  for (int i = -3; i < n; ++i) {  // some are forgotten
    if (i == 0) running.reset(Exec());
    for (int m = 0; m < count; ++m) {
      std::size_t const at = static_cast<std::size_t>(m * n + std::abs(i));
      host(m, 0)           = a[at];
      host(m, 1)           = b[at];
    }
    Kokkos::deep_copy(draw, host);
    running.add(Exec(), draw);
  }
  CHECK(running.draws() == n);
  int k = 0;
  for (auto const& values : {a, b}) {
    auto const draws    = draws_of(values, count);
    auto const expected = monte_carlo_estimate(Exec(), draws);
    auto const at       = static_cast<std::size_t>(k++);
    CHECK_THAT(running.mean(Exec())[at], WithinAbs(expected.mean, 1e-15));
    CHECK_THAT(running.standard_deviation(Exec())[at],
               WithinRel(expected.standard_deviation, 1e-14));
    CHECK_THAT(running.nested_r_hat(Exec(), 3)[at],
               WithinRel(nested_r_hat(Exec(), draws, 3), 1e-14));
  }
  // One function: a column. A number that is none stays.
  RunningMoments<Exec> column(2);
  column.add(Exec(), on_device({1, std::nan("")}));
  CHECK(std::isnan(column.nested_r_hat(Exec(), 2)[0]));
}

TEST_CASE("ranks forget how the draws are scaled", "[metric][convergence]") {
  auto values         = chains(4, 50, 0.5, 0.1, 0);
  auto const straight = draws_of(values, 4);
  for (double& x : values) x = std::exp(20 * x);
  auto const bent = draws_of(values, 4);
  CHECK(bulk_effective_sample_size(Exec(), bent) == bulk_effective_sample_size(Exec(), straight));
  CHECK(effective_sample_size(Exec(), bent) != effective_sample_size(Exec(), straight));
}

TEST_CASE("normal quantiles are those of the distribution function", "[metric][convergence]") {
  double worst = 0;
  for (int e = 2; e < 100; ++e)
    for (double const p : {std::pow(2.0, -e / 2.0), 1 - std::pow(2.0, -e / 4.0)}) {
      double const z = detail::normal_quantile(p);
      // An error of z is one of phi(z) / tail as large, about |z|, of the tail.
      double const tail = 0.5 * std::erfc(std::abs(z) / std::sqrt(2.0));
      worst             = std::max(worst, std::abs(tail / std::min(p, 1 - p) - 1) / (1 + z * z));
    }
  CHECK(worst < 4e-16);
  CHECK_THAT(detail::normal_quantile(0.975), WithinRel(1.9599639845400545, 1e-15));
  CHECK(detail::normal_quantile(0.25) == -detail::normal_quantile(0.75));
}

TEST_CASE("draws of another layout, type and rank have the same diagnostics",
          "[metric][convergence]") {
  // Multiples of 1/64 are floats too.
  int constexpr n = 30, count = 5;
  auto const a = chains(count, n, 0.5, 0, 1.0 / 64), b = chains(count, n, 0.2, 0.5, 1.0 / 64);
  Kokkos::View<float***, Kokkos::LayoutLeft, Exec> const both("both", n, count, 2);
  auto const host = Kokkos::create_mirror_view(both);
  for (int m = 0; m < count; ++m)
    for (int i = 0; i < n; ++i) {
      host(i, m, 0) = static_cast<float>(a[static_cast<std::size_t>(m * n + i)]);
      host(i, m, 1) = static_cast<float>(b[static_cast<std::size_t>(m * n + i)]);
    }
  Kokkos::deep_copy(both, host);
  auto const of  = convergence(Exec(), both);
  auto const one = convergence(Exec(), draws_of(a, count)),
             two = convergence(Exec(), draws_of(b, count));
  REQUIRE(of.size() == 2);
  for (auto const& [got, expected] : {std::pair{of[0], one}, std::pair{of[1], two}}) {
    CHECK(got.estimate.mean == expected.estimate.mean);
    CHECK(got.estimate.error_of_standard_deviation ==
          expected.estimate.error_of_standard_deviation);
    CHECK(got.bulk_effective_sample_size == expected.bulk_effective_sample_size);
    CHECK(got.tail_effective_sample_size == expected.tail_effective_sample_size);
    CHECK(got.r_hat == expected.r_hat);
  }
}

TEST_CASE("of chains that stand still, and of numbers that are none, nothing is known",
          "[metric][convergence]") {
  auto values         = chains(2, 20, 0.5, 0, 0);
  auto const fine     = values;
  auto const is_empty = [](Draws const& draws) {
    auto const of = convergence(Exec(), draws);
    return std::isnan(of.bulk_effective_sample_size) && std::isnan(of.tail_effective_sample_size) &&
           std::isnan(of.r_hat) && std::isnan(of.estimate.error_of_mean) &&
           std::isnan(nested_r_hat(Exec(), draws, 2)) &&
           std::isnan(effective_sample_size(Exec(), draws)) &&
           std::isnan(autocorrelation(Exec(), draws, 1)[1]);
  };
  for (double const bad : {std::nan(""), inf, -inf}) {
    values     = fine;
    values[33] = bad;
    CHECK(is_empty(draws_of(values, 2)));
    CHECK(std::isnan(convergence(Exec(), draws_of(values, 2)).estimate.mean));
    CHECK(std::isnan(quantile_estimate(Exec(), draws_of(values, 2), 0.5).quantile));
  }
  CHECK_FALSE(is_empty(draws_of(fine, 2)));

  auto const still = draws_of(std::vector<double>(60, 0.1), 6);  // whose mean is rounded
  CHECK(is_empty(still));
  CHECK(convergence(Exec(), still).estimate.mean == 0.1);
  CHECK(convergence(Exec(), still).estimate.standard_deviation == 0);
  CHECK(quantile_estimate(Exec(), still, 0.5).quantile == 0.1);
  CHECK(std::isnan(quantile_estimate(Exec(), still, 0.5).error));
  CHECK(std::isnan(bfmi(Exec(), still)[0]));
  // Apart: R-hat has nothing to divide by.
  std::vector<double> apart(20, 0.1);
  for (std::size_t i = 0; i < 10; ++i) apart[i] = -0.3;
  CHECK(r_hat(Exec(), draws_of(apart, 2)) == inf);
  CHECK(nested_r_hat(Exec(), draws_of(apart, 2), 2) == inf);
  // 39 of 40 draws at the largest: both quantiles are. Of as many 0 as 1 one is.
  std::vector<double> rare(40, 0.0);
  rare[13] = -1;
  CHECK(std::isnan(tail_effective_sample_size(Exec(), draws_of(rare, 2))));
  for (std::size_t i = 0; i < 40; ++i) rare[i] = fine[i] < 0 ? 0 : 1;
  CHECK_THAT(tail_effective_sample_size(Exec(), draws_of(rare, 2)),
             WithinRel(effective_sample_size(Exec(), draws_of(rare, 2)), 1e-12));
}

TEST_CASE("diagnostics refuse what does not fit", "[metric][convergence][refusal]") {
  auto const three = draws_of({1, 2, 3}, 1);
  CHECK_THROWS_WITH(r_hat(Exec(), three),
                    "basin::metric::r_hat: draws has first extent 3, it must hold at least 4 draws "
                    "of each chain");
  CHECK_THROWS_WITH(effective_sample_size(Exec(), Draws("empty", 10, 0)),
                    "basin::metric::effective_sample_size: draws has second extent 0, it must hold "
                    "a chain");
  CHECK_THROWS_WITH(autocorrelation(Exec(), three, 3),
                    "basin::metric::autocorrelation: lags must be < 3, the number of draws, got 3");
  CHECK_THROWS_WITH(nested_r_hat(Exec(), draws_of({1, 2, 3, 4, 5, 6}, 6), 4),
                    "basin::metric::nested_r_hat: superchains must be >= 2 and divide the number "
                    "of chains, 6, got 4");
  CHECK_THROWS_WITH(quantile_estimate(Exec(), three, 1),
                    "basin::metric::quantile_estimate: p must be in (0, 1), got 1");
  RunningMoments<Exec> running(3);
  CHECK_THROWS_WITH(running.add(Exec(), on_device({1, 2})),
                    "basin::metric::RunningMoments: values are of 2 chains and 1 functions, "
                    "expected 3 and 1");
  CHECK_THROWS_WITH(RunningMoments<Exec>(0),
                    "basin::metric::RunningMoments: chains must be > 0, got 0");
  CHECK_THROWS_WITH(running.nested_r_hat(Exec(), 2),
                    "basin::metric::RunningMoments::nested_r_hat: superchains must be >= 2 and "
                    "divide the number of chains, 3, got 2");
  CHECK_THROWS_WITH(convergence_table({"x"}, {}),
                    "basin::metric::convergence_table: there are 1 names and 0 functions");
}

TEST_CASE("a table has a line for each function", "[metric][convergence]") {
  Convergence const of{{4.41, 3.3181, 0.0331, 0.02}, 9200.4, 8100, 1.00104};
  CHECK(convergence_table({"mu", "log tau"}, {of, of}) ==
        "mu       mean 4.41  mcse 0.033  sd 3.318  ess_bulk 9200  ess_tail 8100  r_hat 1.001\n"
        "log tau  mean 4.41  mcse 0.033  sd 3.318  ess_bulk 9200  ess_tail 8100  r_hat 1.001\n");
}

}  // namespace
