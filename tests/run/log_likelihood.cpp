// SPDX-License-Identifier: Apache-2.0
// Of an energy whose normalizer is known the two bounds hold, and are near.
#include <basin/run/log_likelihood.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <numbers>

namespace {

using Exec   = BASIN_TEST_EXEC;
using Points = Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace>;

// What LogLikelihood asks of a trainer, with E = k |x|^2 / 2.
struct Known {
  using Scalar = float;
  using memory = Exec::memory_space;
  float stiffness;

  auto energy() const { return basin::energy::Quadratic<float, 3>{{.stiffness = stiffness}}; }
  auto energies(Points const& x) const {
    Kokkos::View<float*, Kokkos::HostSpace> const e("energies", x.extent(0));
    for (std::size_t i = 0; i < x.extent(0); ++i)
      for (std::size_t d = 0; d < 3; ++d) e(i) += stiffness / 2 * x(i, d) * x(i, d);
    return e;
  }
};

TEST_CASE("the log-likelihood lies between the bounds, which are functions of the step",
          "[run][log_likelihood]") {
  Known known{.stiffness = 6.25F};
  Points const points("points", 10, 3);
  double exact = 0;
  for (int i = 0; i < 10; ++i)
    for (int d = 0; d < 3; ++d) {
      points(i, d) = 0.1F * static_cast<float>(i - 3 * d);
      exact -= 6.25 / 2 * points(i, d) * points(i, d) / 10;
    }
  exact -= 1.5 * std::log(2 * std::numbers::pi / 6.25);

  basin::run::LogLikelihood const measure(known, points,
                                          {.annealing = {.chains            = 512,
                                                         .rungs             = 300,
                                                         .settling          = 50,
                                                         .deviation         = 1.5,
                                                         .step_size         = 0.2,
                                                         .trajectory_length = 1},
                                           .every     = 20});
  basin::train::Metrics first, second, other, between;
  first.step = second.step = 40;
  other.step               = 60;
  between.step             = 50;
  measure(first);
  measure(second);
  measure(other);
  measure(between);
  double const most = first["log_likelihood_most"], least = first["log_likelihood_least"];
  // The standard error of either is about 0.02.
  CHECK(std::abs(most - exact) < 0.08);
  CHECK(std::abs(least - exact) < 0.08);
  CHECK(second["log_likelihood_most"] == most);
  CHECK(second["log_likelihood_least"] == least);
  CHECK(other["log_likelihood_most"] != most);
  CHECK(std::isnan(between["log_likelihood_most"]));

  // From a Gaussian that is far too narrow, in two rungs, they are far apart, and to the right sides.
  basin::run::LogLikelihood const poor(
      known, points,
      {.annealing = {
           .chains = 64, .rungs = 2, .settling = 50, .deviation = 0.02, .step_size = 0.01}});
  basin::train::Metrics apart;
  poor(apart);
  CHECK(apart["log_likelihood_most"] > exact + 1);
  CHECK(apart["log_likelihood_least"] < exact - 1);
}

TEST_CASE("the log-likelihood refuses an empty set and options out of range",
          "[run][log_likelihood]") {
  using Catch::Matchers::ContainsSubstring;
  Known known{.stiffness = 1};
  CHECK_THROWS_WITH(basin::run::LogLikelihood(known, Points("points", 0, 3)),
                    ContainsSubstring("validation has 0 rows"));
  CHECK_THROWS_WITH(
      basin::run::LogLikelihood(known, Points("points", 1, 3), {.annealing = {.rungs = 0}}),
      ContainsSubstring("rungs must be >= 1, got 0"));
}

}  // namespace
