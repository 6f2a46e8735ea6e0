// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/hamiltonian.hpp>
#include <basin/sampler/sequential_monte_carlo.hpp>
#include <basin/sampler/start.hpp>

#include "support/finite_difference.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace {

using basin::energy::Quadratic;
using basin::sampler::Hamiltonian;
using basin::sampler::systematic_resampling;
using Catch::Matchers::WithinAbs;
using Exec   = BASIN_TEST_EXEC;
using Chains = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using Smc    = basin::sampler::SequentialMonteCarlo<Hamiltonian>;
using namespace basin::test;
constexpr auto tuning = basin::tile::default_tuning<Exec, double>();

Chains gaussian(int n, std::uint64_t seed) {
  Chains const chains("chains", n, 4);
  basin::sampler::start_chains<tuning>(Exec(), basin::sampler::start::Gaussian{}, chains, chains,
                                       {.seed = seed});
  return chains;
}

TEST_CASE("systematic resampling gives each its share, rounded down or up",
          "[sampler][sequential_monte_carlo]") {
  std::vector<double> const weights{0.5, 0, 3, 1.5, 0, 5};
  for (double const u : {0.0, 0.3, 0.7, 1 - 1e-12}) {
    auto const indices = systematic_resampling(weights, u);
    REQUIRE(indices.size() == 6);
    for (int i = 0; i < 6; ++i) {
      double const share = 6 * weights[std::size_t(i)] / 10;
      double times       = 0;
      for (int const k : indices) times += k == i;
      CHECK(std::abs(times - share) < 1);
    }
  }
  // Points at 0, 1, 2 ... of cumulated shares 0.3, 0.3, 2.1, 3.0, 3.0, 6.
  CHECK(systematic_resampling(weights, 0) == std::vector<int>{0, 2, 2, 5, 5, 5});
  CHECK(systematic_resampling(weights, 0.5) == std::vector<int>{2, 2, 3, 5, 5, 5});
}

// Z_1 / Z_0 = 25^-2, of runs with eight seeds: their mean within four standard errors.
TEST_CASE("resampled chains find the ratio of normalizers and the law",
          "[sampler][sequential_monte_carlo]") {
  double const truth = -2 * std::log(25.0);
  Quadratic<double, 4> const wide{}, narrow{{.stiffness = 25}};
  Smc smc{.sampler = {.steps = 4, .step_size = 0.25, .trajectory_length = 1}};
  double sum = 0, squares = 0, variance = 0;
  int constexpr runs = 8, n = 1000;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    Chains const chains = gaussian(n, seed);
    auto const found = basin::sampler::run_smc(Exec(), smc, wide, narrow, chains, {.seed = seed});
    sum += found.log_ratio / runs;
    squares += found.log_ratio * found.log_ratio / runs;
    CHECK((found.betas.size() > 3 && found.betas.size() < 20));
    CHECK(found.betas.back() == 1);
    for (double const x : on_host(chains)) variance += x * x / (4 * n * runs);
    smc.betas = found.betas;  // from the second run on with the ladder of the one before
  }
  double const error = std::sqrt((squares - sum * sum) / (runs - 1));
  CHECK(error < 0.05);
  CHECK_THAT(sum, WithinAbs(truth, 4 * error));
  CHECK_THAT(variance, WithinAbs(0.04, 0.04 * 0.05));
}

// At the first rung the weights exp(-beta d) of n equal draws have the share that was asked for.
TEST_CASE("the next beta leaves the share of effective weights",
          "[sampler][sequential_monte_carlo]") {
  int constexpr n     = 500;
  Chains const chains = gaussian(n, 1);
  std::vector<double> d(n);
  auto const x = on_host(chains);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 4 * i; k < 4 * i + 4; ++k) d[i] += 12 * x[k] * x[k];
  auto const found =
      basin::sampler::run_smc(Exec(), Smc{.effective_share = 0.8}, Quadratic<double, 4>{},
                              Quadratic<double, 4>{{.stiffness = 25}}, chains, {.seed = 1});
  double sum = 0, squares = 0;
  for (double const rise : d) {
    double const w = std::exp(-found.betas[0] * rise);
    sum += w;
    squares += w * w;
  }
  CHECK_THAT(sum * sum / squares / n, WithinAbs(0.8, 1e-6));
}

TEST_CASE("resampling has the same bits in every tuning", "[sampler][sequential_monte_carlo]") {
  CHECK(tunings_that_differ(run_in_few_tunings<Exec, double>([&]<basin::tile::Tuning chosen>() {
          Chains const chains = gaussian(33, 1);
          auto const found    = basin::sampler::run_smc<chosen>(
              Exec(), Smc{}, Quadratic<double, 4>{}, Quadratic<double, 4>{{.stiffness = 16}},
              chains, {.seed = 2});
          auto all = on_host(chains);
          all.push_back(found.log_ratio);
          return all;
        })) == 0);
}

TEST_CASE("sequential Monte Carlo refuses what means nothing",
          "[sampler][sequential_monte_carlo][refusal]") {
  std::string const who = "basin::sampler::SequentialMonteCarlo: ";
  CHECK_THROWS_WITH(Smc{.effective_share = 1}.check(),
                    who + "effective_share must be in (0, 1), got 1");
  CHECK_THROWS_WITH((Smc{.betas = {0.5, 0.5}}.check()),
                    who + "betas must rise from above 0 to 1; number 1 is 0.5");
  CHECK_THROWS_WITH((Smc{.betas = {0.5}}.check()),
                    who + "the last of the betas must be 1, got 0.5");
  CHECK_THROWS_WITH(
      basin::sampler::run_smc(Exec(), Smc{.most_rungs = 2}, Quadratic<double, 4>{},
                              Quadratic<double, 4>{{.stiffness = 1e9}}, gaussian(50, 1), {}),
      Catch::Matchers::StartsWith("basin::sampler::run_smc: beta is ") &&
          Catch::Matchers::EndsWith(" after most_rungs = 2 rungs; write more chains"));
}

}  // namespace
