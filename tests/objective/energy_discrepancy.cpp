// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/energy_discrepancy.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/density.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::EnergyDiscrepancy;
using Catch::Matchers::WithinAbs;

constexpr double v = 1.7;

// E = k x^2 / 2. Where the loss is stationary, by quadrature over the Gaussians of x, x_j: at M = 1
// the root of d/dk E[log(w + exp(k (x^2 - x_1^2) / 2))].
TEST_CASE("energy discrepancy learns the stiffness 1 / v, with another weight another one",
          "[objective][energy_discrepancy]") {
  auto const k = [](int draws, double weight) {
    return stiffness<Exec>(
        EnergyDiscrepancy{.standard_deviation = 0.6, .draws = draws, .data_weight = weight}, v,
        3000);
  };
  // Noise of 3000 steps of 500 data with a rate that falls to 0: 0.01 or so of k.
  CHECK_THAT(k(1, 1), WithinAbs(1 / v, 0.03));
  CHECK_THAT(k(4, 1), WithinAbs(1 / v, 0.02));
  CHECK_THAT(k(1, 0.25), WithinAbs(1.129, 0.05));
  CHECK_THAT(k(4, 4), WithinAbs(0.433, 0.02));
}

TEST_CASE("energy discrepancy recovers a precision matrix", "[objective][energy_discrepancy]") {
  Correlated const data;
  auto const trainer = trained<Exec, Quadric>(
      EnergyDiscrepancy{.standard_deviation = 0.7, .draws = 4}, data.rows, 4000, 0.01, 256);
  CHECK(precision_error<Exec>(*trainer, data.covariance) < 0.08);
}

// The same step at theta + h and theta - h has the same draws.
TEST_CASE("the gradient of energy discrepancy is that of its loss",
          "[objective][energy_discrepancy]") {
  for (double const weight : {0.0, 1.0, 3.0}) {
    EnergyDiscrepancy const options{.standard_deviation = 0.8, .draws = 3, .data_weight = weight};
    constexpr auto tuning = basin::tile::default_tuning<Exec, double, Parabola::workspace_rows>();
    EnergyDiscrepancy::bind<Parabola, Exec, tuning> state(Exec(), options, 19, {}, 1);
    auto const data = numbers_of_variance(38, 2);
    auto const points =
        Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), state.batch().points);
    for (int n = 0; n < 19; ++n) points(n, 0) = data(2 * n, 0);
    Kokkos::deep_copy(state.batch().points, points);
    Kokkos::View<double*, Exec> const gradient("gradient", +Parabola::parameters);
    auto const loss_at = [&](double w) {
      auto const theta = on_device<Exec, double>({w, 0.3});
      state.gradient(Exec(), options, Parabola(theta.data()), 4, nullptr, gradient.data());
      Kokkos::View<double const*, Exec> const losses(state.columns()[2].values, 19);
      auto const each = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), losses);
      double sum      = 0;
      for (int n = 0; n < 19; ++n) sum += each(n) / 19;
      return sum;
    };
    double const h     = 1e-5;
    double const slope = (loss_at(0.4 + h) - loss_at(0.4 - h)) / (2 * h);
    loss_at(0.4);
    CAPTURE(weight);
    auto const found = on_host(gradient);
    CHECK_THAT(found[0], WithinAbs(slope, 1e-8));
    CHECK_THAT(found[1], WithinAbs(0, 1e-14));  // a constant cancels
  }
}

TEST_CASE("energy discrepancy gives the same bits in every tuning and for any number of threads",
          "[objective][energy_discrepancy]") {
  CHECK(differing_runs<Exec>(EnergyDiscrepancy{}) == 0);
}

TEST_CASE("energy discrepancy allocates nothing and fences nothing",
          "[objective][energy_discrepancy]") {
  basin::bench::watch_kokkos();
  auto const t = tally<Exec>(EnergyDiscrepancy{});
  CHECK(t.allocations == 0);
  CHECK(t.fences == 0);
}

TEST_CASE("EnergyDiscrepancy refuses numbers that mean nothing, and says them",
          "[objective][energy_discrepancy][refusal]") {
  std::string const who = "basin::objective::EnergyDiscrepancy: ";
  CHECK_THROWS_WITH(EnergyDiscrepancy{.standard_deviation = 0}.check(1),
                    who + "standard_deviation must be > 0 and finite, got 0");
  CHECK_THROWS_WITH(EnergyDiscrepancy{.draws = 0}.check(1), who + "draws must be >= 1, got 0");
  CHECK_THROWS_WITH(EnergyDiscrepancy{.data_weight = -1}.check(1),
                    who + "data_weight must be >= 0 and finite, got -1");
  CHECK_THROWS_WITH(EnergyDiscrepancy{.draws = 1 << 20}.check(4096),
                    who +
                        "draws is 1048576 and the batch size 4096; a step has at most "
                        "2147418111 points");
}

}  // namespace
