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
  auto const t = tally<Exec>(NoiseContrastive<>{});
  CHECK(t.allocations == 0);
  CHECK(t.fences == 0);
}

TEST_CASE("noise-contrastive estimation refuses no noise",
          "[objective][noise_contrastive][refusal]") {
  CHECK_THROWS_MATCHES(
      NoiseContrastive<>{.ratio = 0}.check(1), std::invalid_argument,
      Catch::Matchers::Message("basin::objective::NoiseContrastive: ratio must be >= 1, got 0"));
  CHECK_THROWS_MATCHES(NoiseContrastive<>{.ratio = 65535}.check(1 << 16), std::invalid_argument,
                       Catch::Matchers::Message(
                           "basin::objective::NoiseContrastive: ratio is 65535 and the batch size "
                           "65536; a step has at most 2147418111 points"));
}

}  // namespace
