// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/loss.hpp>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace {

namespace loss = basin::objective::loss;
using Catch::Matchers::WithinAbs;
using Values = std::vector<double>;

using Exec = BASIN_TEST_EXEC;

constexpr std::size_t B = 7;

// dL/dE by the library, for energies of data and samples.
template <class Loss, class Scalar>
Values weights(Values const& energies, double penalty) {
  Kokkos::View<Scalar*, Exec> const e("e", energies.size()), w("w", energies.size());
  auto const host = Kokkos::create_mirror_view(e);
  for (std::size_t n = 0; n < energies.size(); ++n) host(n) = static_cast<Scalar>(energies[n]);
  Kokkos::deep_copy(e, host);
  Kokkos::View<Scalar*, Exec> const values("values", energies.size() / 2);
  basin::objective::loss_weights<basin::tile::default_tuning<Exec, Scalar>()>(
      Exec(), Loss{}, static_cast<Scalar const*>(e.data()), w.data(), values.data(),
      static_cast<int>(energies.size() / 2), {.coefficient = penalty}, 0);
  auto const result = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), w);
  return Values(result.data(), result.data() + result.size());
}

double mean_of_data(Values const& e) { return std::accumulate(e.begin(), e.begin() + B, 0.) / B; }

// The stated losses. LogSumExp's q is that of other energies, held fixed.
double value(loss::Difference, Values const& e, Values const&) {
  return mean_of_data(e) - std::accumulate(e.begin() + B, e.end(), 0.) / B;
}
double value(loss::Softplus, Values const& e, Values const&) {
  double sum = 0;
  for (std::size_t n = 0; n < B; ++n) sum += std::log1p(std::exp(e[n] - e[B + n]));
  return sum / B;
}
double value(loss::LogSumExp, Values const& e, Values const& fixed) {
  double all = 0, sum = 0;
  for (std::size_t n = 0; n < B; ++n) all += std::exp(-fixed[B + n]);
  for (std::size_t n = 0; n < B; ++n) sum += std::exp(-fixed[B + n]) / all * e[B + n];
  return mean_of_data(e) - sum;
}
double penalty_value(Values const& e) {
  double sum = 0;
  for (double const x : e) sum += x * x;
  return sum / B;
}

template <class Loss, class Scalar>
void check_derivative() {
  Values e;  // of order 1, representable in float, so that one reference serves both scalars
  for (int n = 0; n < 2 * int(B); ++n) e.push_back(static_cast<float>(2 * std::sin(1.7 * n + 0.4)));
  // Central differences: h^2 L''' / 6 of truncation, 1e-16 / h of rounding; with h = 1e-5 both are
  // under 1e-10. Weights in float: some ten roundings of numbers under 2.
  double const h = 1e-5, tolerance = sizeof(Scalar) == 4 ? 2e-6 : 2e-10;
  for (double const a : {0., 0.375}) {
    auto const w = weights<Loss, Scalar>(e, a);
    for (std::size_t n = 0; n < 2 * B; ++n) {
      CAPTURE(a, n);
      auto up = e, down = e;
      up[n] += h, down[n] -= h;
      double const slope = value(Loss{}, up, e) + a * penalty_value(up) - value(Loss{}, down, e) -
                           a * penalty_value(down);
      CHECK_THAT(w[n], WithinAbs(slope / (2 * h), tolerance));
    }
  }
}

TEMPLATE_TEST_CASE("weights are the derivative of the stated loss by each energy",
                   "[objective][loss]", float, double) {
  SECTION("Difference") { check_derivative<loss::Difference, TestType>(); }
  SECTION("Softplus") { check_derivative<loss::Softplus, TestType>(); }
  SECTION("LogSumExp") { check_derivative<loss::LogSumExp, TestType>(); }
}

TEST_CASE("without a penalty an infinite energy has a finite weight", "[objective][loss]") {
  Values energies(2 * B, 3.);
  energies[0] = energies[B] = INFINITY;
  CHECK(weights<loss::Difference, double>(energies, 0) ==
        weights<loss::Difference, double>(Values(2 * B, 3.), 0));
}

TEST_CASE("Difference pulls data down and pushes samples up", "[objective][loss]") {
  Values expected(B, 1. / B);
  expected.insert(expected.end(), B, -1. / B);
  CHECK(weights<loss::Difference, double>(Values(2 * B, 3.), 0) == expected);
}

TEST_CASE("Softplus weighs a pair that is told apart by nothing, one the wrong way round in full",
          "[objective][loss]") {
  Values const w = weights<loss::Softplus, double>({-1e4, 1e4, 0, 1e4, -1e4, 0}, 0);
  // The pair of equal energies has the slope 1/2.
  CHECK(w == Values{0, 1. / 3, 1. / 6, 0, -1. / 3, -1. / 6});
}

TEST_CASE("LogSumExp shares the weight of 1 by exp(-E), whatever the level of the energies",
          "[objective][loss]") {
  for (double const level : {0., 1e4, -1e4}) {
    CAPTURE(level);
    // exp(-E) in the ratio 1 : 3 : 0; rounding level + log 3 costs 1e-12.
    Values const w =
        weights<loss::LogSumExp, double>({0, 0, 0, level, level - std::log(3.), level + 1e4}, 0);
    CHECK_THAT(w[3], WithinAbs(-0.25, 1e-11));
    CHECK_THAT(w[4], WithinAbs(-0.75, 1e-11));
    CHECK(w[5] == 0);
  }
}

// What the library says of each pair, for energies of data and samples.
template <class Loss>
double mean_value(Values const& energies) {
  using Scalar = double;
  Kokkos::View<Scalar*, Exec> const e("e", energies.size()), w("w", energies.size());
  Kokkos::View<Scalar*, Exec> const values("values", energies.size() / 2);
  auto const host = Kokkos::create_mirror_view(e);
  for (std::size_t n = 0; n < energies.size(); ++n) host(n) = energies[n];
  Kokkos::deep_copy(e, host);
  basin::objective::loss_weights<basin::tile::default_tuning<Exec, Scalar>()>(
      Exec(), Loss{}, static_cast<Scalar const*>(e.data()), w.data(), values.data(),
      static_cast<int>(B), {.coefficient = 3}, 0);
  auto const of = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  return std::accumulate(of.data(), of.data() + B, 0.) / B;
}

TEST_CASE("a loss that is a number for each pair says it, without the penalty",
          "[objective][loss]") {
  Values e;
  for (int n = 0; n < 2 * int(B); ++n) e.push_back(2 * std::sin(1.7 * n + 0.4));
  CHECK_THAT(mean_value<loss::Softplus>(e), WithinAbs(value(loss::Softplus{}, e, e), 1e-14));
  double mean = 0;
  for (std::size_t n = 0; n < B; ++n) mean += std::exp(-e[B + n]) / B;
  CHECK_THAT(mean_value<loss::LogSumExp>(e), WithinAbs(mean_of_data(e) + std::log(mean), 1e-14));
  // Energies that no exp holds.
  for (std::size_t n = 0; n < B; ++n) e[n] = 1e4, e[B + n] = -1e4;
  CHECK(mean_value<loss::Softplus>(e) == 2e4);
  CHECK(mean_value<loss::LogSumExp>(e) == 2e4);
  STATIC_CHECK(!basin::objective::has_value<loss::Difference, double>);
}

}  // namespace
