// SPDX-License-Identifier: Apache-2.0
#include <basin/core/log_mean_exp.hpp>
#include <basin/energy/quadratic.hpp>
#include <basin/objective/noise_contrastive.hpp>
#include <basin/sampler/hamiltonian.hpp>
#include <basin/sampler/sequential_monte_carlo.hpp>
#include <basin/sampler/start.hpp>
#include <basin/sampler/thermodynamic_integration.hpp>

#include "support/density.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

namespace {

using basin::energy::Quadratic;
using basin::sampler::Hamiltonian;
using basin::sampler::thermodynamic_integral;
using Catch::Matchers::WithinAbs;
using Exec    = BASIN_TEST_EXEC;
using Chains  = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using Weights = Kokkos::View<double*, Exec>;
using Anneal  = basin::sampler::AnnealedImportance<Hamiltonian>;
using Smc     = basin::sampler::SequentialMonteCarlo<Hamiltonian>;
using namespace basin::test;
constexpr auto plain = basin::tile::default_tuning<Exec, double>();

Chains gaussian(int n, double deviation, std::uint64_t seed) {
  Chains const chains("chains", n, 2);
  basin::sampler::start_chains<plain>(
      Exec(), basin::sampler::start::Gaussian{.standard_deviation = deviation}, chains, chains,
      {.seed = seed});
  return chains;
}

// In between are Gaussians of stiffness k = 1 + beta (k_1 - 1): in the plane E_1 - E_0 has the mean
// (k_1 - 1) / k and as deviation the same, and log Z_1 / Z_0 = -log k_1.
TEST_CASE("thermodynamic integration finds the ratio of the normalizers of Gaussians",
          "[sampler][thermodynamic_integration]") {
  double constexpr k1 = 9;
  Anneal const path{.sampler = {.steps = 20, .step_size = 0.2, .trajectory_length = 1.5},
                    .rungs   = 12};
  auto const found = thermodynamic_integral(Exec(), path, Quadratic<double, 2>{},
                                            Quadratic<double, 2>{{.stiffness = k1}},
                                            gaussian(60000, 1, 1), {.seed = 2});
  // The same sums of the exact means.
  double lower = 0, upper = 0, inner = 0;
  for (int k = 1; k <= path.rungs; ++k) {
    auto const mean = [&](int at) { return (k1 - 1) / (1 + path.beta(at) * (k1 - 1)); };
    double const h = path.beta(k) - path.beta(k - 1), a = mean(k - 1), b = mean(k);
    lower -= h * a;
    upper -= h * b;
    inner -= h * (a + b) / 2 - h * h / 12 * (a * a - b * b);
  }
  CHECK_THAT(found.log_ratio, WithinAbs(inner, 4 * found.standard_error));
  CHECK(found.standard_error < 0.004);
  // Of the sums the mean is the plain rule, which errs 50 times as much.
  CHECK(std::abs(inner + std::log(k1)) < 1e-3);
  CHECK(std::abs((lower + upper) / 2 + std::log(k1)) > 0.01);
  CHECK_THAT(found.lower, WithinAbs(lower, 4 * found.standard_error));
  CHECK_THAT(found.upper, WithinAbs(upper, 4 * found.standard_error));
  CHECK((lower < -std::log(k1) && -std::log(k1) < upper));
}

using Net =
    basin::energy::Network<double, basin::Vector<2>, basin::layer::Dense<32>, basin::layer::Silu,
                           basin::layer::Dense<32>, basin::layer::Silu, basin::layer::Dense<1>>;

// N(+-(1.5, 0.5), diag(0.36, 0.64)), half of the rows each.
Rows two_clouds(int n) {
  Rows const rows("rows", n, 2);
  std::mt19937_64 bits(3);
  std::normal_distribution<double> normal;
  for (int i = 0; i < n; ++i) {
    rows(i, 0) = (i % 2 ? 1.5 : -1.5) + 0.6 * normal(bits);
    rows(i, 1) = (i % 2 ? 0.5 : -0.5) + 0.8 * normal(bits);
  }
  return rows;
}

// A network learns two clouds with its log Z. That of exp(-E) is known by quadrature to 1e-6; annealing
// from both ends, resampling, and integration find it within four of their standard errors, of about
// a hundredth. What training has learned is a constant of a classifier of n rows of data and 2 n of
// noise: for an energy that is the data's it has the variance (1 / mean_data(1 - h) - 1 - 1 / 2) / n,
// h the share of data at a point (Gutmann and Hyvarinen 2012, theorem 3, of the constant alone).
TEST_CASE("log Z of a trained energy is that of quadrature, by four ways",
          "[sampler][thermodynamic_integration]") {
  int constexpr n = 20000;
  Rows const rows = two_clouds(n);
  auto const trainer =
      trained<Exec, Net>(basin::objective::NoiseContrastive<>{.ratio = 2}, rows, 2000, 5e-3, 256);
  auto const learned = trainer->energy();

  // By the midpoint rule on [-10, 10]^2, and on a coarser grid; nothing is beyond.
  double constexpr deviation = 2;
  double bound               = -std::numeric_limits<double>::infinity();  // of log(exp(-E) / N)
  double at_edge             = 0;
  auto const by_quadrature   = [&](int side) {
    double const h = 20.0 / side;
    Rows const grid("grid", side * side, 2);
    for (int i = 0; i < side * side; ++i) {
      grid(i, 0) = -10 + h * (i / side + 0.5);
      grid(i, 1) = -10 + h * (i % side + 0.5);
    }
    auto const e = trainer->energies(grid);
    double z     = 0;
    for (int i = 0; i < side * side; ++i) {
      double const p = std::exp(-e(std::size_t(i))) * h * h;
      double const x = grid(i, 0), y = grid(i, 1);
      z += p;
      if (std::max(std::abs(x), std::abs(y)) > 9.5) at_edge += p;
      bound = std::max(bound, -e(std::size_t(i)) + (x * x + y * y) / (2 * deviation * deviation));
    }
    return z;
  };
  double const z = by_quadrature(400);
  REQUIRE(std::abs(by_quadrature(200) / z - 1) < 1e-6);
  REQUIRE(at_edge / z < 1e-6);
  double const truth = std::log(z);
  double const base  = std::log(2 * std::numbers::pi * deviation * deviation);

  // Exact draws of exp(-E), by rejection from N(0, deviation^2).
  auto const proposals = gaussian(10000, deviation, 5);
  auto const x         = on_host(proposals);
  auto const at        = trainer->energies(proposals);
  double largest       = -1;
  std::vector<double> kept;
  for (std::uint32_t i = 0; i < proposals.extent(0); ++i) {
    double const square = x[2 * i] * x[2 * i] + x[2 * i + 1] * x[2 * i + 1];
    double const share  = -at(i) + square / (2 * deviation * deviation) - bound;
    largest             = std::max(largest, share);
    if (basin::unit_uniform<double>(basin::random_word({.seed = 6}, 0, i)) < std::exp(share - 0.01))
      kept.insert(kept.end(), {x[2 * i], x[2 * i + 1]});
  }
  REQUIRE(largest < 0.01);  // between the points of the grid
  int constexpr count = 1000;
  REQUIRE(kept.size() >= 2 * count);
  auto const flat = on_device<Exec, double>(kept);

  Quadratic<double, 2> const wide{{.stiffness = 1 / (deviation * deviation)}};
  Hamiltonian const hmc{.steps = 2, .step_size = 0.3, .trajectory_length = 1.5};
  Anneal const anneal{.sampler = hmc, .rungs = 60};
  Weights const w("weights", count);
  basin::sampler::anneal(Exec(), anneal, wide, learned, gaussian(count, deviation, 1), w,
                         {.seed = 2});
  auto const forward = basin::log_mean_exp(w);
  basin::sampler::anneal(Exec(), anneal, learned, wide, Chains(flat.data(), count, 2), w,
                         {.seed = 3});
  auto const back = basin::log_mean_exp(w);
  CHECK_THAT(base + forward.value, WithinAbs(truth, 4 * forward.standard_error));
  CHECK_THAT(base - back.value, WithinAbs(truth, 4 * back.standard_error));
  CHECK((forward.standard_error < 0.02 && back.standard_error < 0.02));

  double sum = 0, squares = 0;
  int constexpr runs = 6;
  Smc smc{.sampler = hmc};
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    auto const found = basin::sampler::run_smc(Exec(), smc, wide, learned,
                                               gaussian(count, deviation, seed), {.seed = seed});
    smc.betas        = found.betas;
    sum += found.log_ratio / runs;
    squares += found.log_ratio * found.log_ratio / runs;
  }
  double const error = std::sqrt((squares - sum * sum) / (runs - 1));
  CHECK(error < 0.02);
  // Of six runs: Student's t of five degrees of freedom at the same probability as 4 of a Gaussian.
  CHECK_THAT(base + sum, WithinAbs(truth, 9.7 * error));
  CHECK_THAT(sum, WithinAbs(forward.value, 9.7 * error + 4 * forward.standard_error));

  // Chains that lag bias the integral: more moves for each of fewer rungs.
  Anneal path         = anneal;
  path.rungs          = 30;
  path.sampler.steps  = 6;
  auto const integral = thermodynamic_integral(Exec(), path, wide, learned,
                                               gaussian(count, deviation, 7), {.seed = 8});
  CHECK_THAT(base + integral.log_ratio, WithinAbs(truth, 4 * integral.standard_error));
  CHECK((integral.standard_error < 0.03 && integral.lower < integral.log_ratio &&
         integral.log_ratio < integral.upper));

  double const c = on_host(trainer->objective_parameters())[0];
  Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, 2, Eigen::RowMajor> const> const matrix(
      rows.data(), n, 2);
  basin::objective::noise::Gaussian::bind<double, Kokkos::DefaultHostExecutionSpace> const noise(
      {}, matrix);
  auto const e    = trainer->energies(rows);
  double of_noise = 0;  // mean of 1 - h over data
  for (int i = 0; i < n; ++i)
    of_noise += 1 / (1 + std::exp(-e(std::size_t(i)) - c - noise.log_density(&rows(i, 0))) / 2) / n;
  double const deviation_of_c = std::sqrt((1 / of_noise - 1.5) / n);
  CHECK(deviation_of_c < 0.01);
  CHECK_THAT(c, WithinAbs(truth, 4 * deviation_of_c));
}

TEST_CASE("thermodynamic integration refuses what means nothing",
          "[sampler][thermodynamic_integration][refusal]") {
  Quadratic<double, 2> const one{};
  CHECK_THROWS_WITH(
      thermodynamic_integral(Exec(), Anneal{}, one, one, gaussian(1, 1, 1), {}),
      "basin::sampler::thermodynamic_integral: there must be at least 2 chains, got 1");
  Quadratic<double, 2> const infinite{{.stiffness = std::numeric_limits<double>::infinity()}};
  CHECK_THROWS_WITH(
      thermodynamic_integral(Exec(), Anneal{}, one, infinite, gaussian(2, 1, 1), {}),
      "basin::sampler::thermodynamic_integral: E_1 - E_0 of chain 0 is inf at beta = 0");
}

}  // namespace
