// SPDX-License-Identifier: Apache-2.0
#include <basin/core/log_mean_exp.hpp>
#include <basin/energy/network.hpp>
#include <basin/energy/quadratic.hpp>
#include <basin/layer/tanh.hpp>
#include <basin/sampler/annealed_importance.hpp>
#include <basin/sampler/hamiltonian.hpp>
#include <basin/sampler/start.hpp>

#include "support/finite_difference.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace {

using basin::energy::Quadratic;
using basin::sampler::Hamiltonian;
using Catch::Matchers::WithinAbs;
using Exec    = BASIN_TEST_EXEC;
using Chains  = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using Weights = Kokkos::View<double*, Exec>;
using Anneal  = basin::sampler::AnnealedImportance<Hamiltonian>;
using namespace basin::test;
constexpr auto tuning = basin::tile::default_tuning<Exec, double>();

Chains gaussian(int n, int dimension, double deviation, std::uint64_t seed) {
  Chains const chains("chains", n, dimension);
  basin::sampler::start_chains<tuning>(
      Exec(), basin::sampler::start::Gaussian{.standard_deviation = deviation}, chains, chains,
      {.seed = seed});
  return chains;
}
template <class From, class To>
basin::LogMeanExp ratio(Anneal const& anneal, From const& from, To const& to,
                        Chains const& chains) {
  Weights const w("weights", chains.extent(0));
  basin::sampler::anneal(Exec(), anneal, from, to, chains, w, {.seed = 2});
  return basin::log_mean_exp(w);
}

TEST_CASE("betas rise from 0 to 1, alike from both ends", "[sampler][annealed_importance]") {
  Anneal const logistic{.rungs = 10}, line{.rungs = 10, .sharpness = 0};
  CHECK((logistic.beta(0) == 0 && logistic.beta(10) == 1 && line.beta(10) == 1));
  CHECK_THAT(line.beta(3), WithinAbs(0.3, 1e-15));
  CHECK_THAT(logistic.beta(5), WithinAbs(0.5, 1e-15));
  for (int k = 0; k < 10; ++k) {
    CHECK(logistic.beta(k) < logistic.beta(k + 1));
    CHECK_THAT(logistic.beta(k) + logistic.beta(10 - k), WithinAbs(1, 1e-14));
  }
  // s(1) - s(0) over s(10) - s(0), of s = logistic(-4) to logistic(4)
  auto const s = [](double x) { return 1 / (1 + std::exp(-x)); };
  CHECK_THAT(logistic.beta(1), WithinAbs((s(-3.2) - s(-4)) / (s(4) - s(-4)), 1e-15));
}

// Z_1 / Z_0 = k^(-D/2). In one rung this is plain importance sampling.
TEST_CASE("annealing finds the ratio of the normalizers of Gaussians",
          "[sampler][annealed_importance]") {
  int constexpr n    = 4000;
  double const truth = -2 * std::log(16.0);
  Quadratic<double, 4> const wide{}, narrow{{.stiffness = 16}};
  Anneal const anneal{.sampler = {.steps = 1, .step_size = 0.15, .trajectory_length = 1},
                      .rungs   = 40};
  auto const forward = ratio(anneal, wide, narrow, gaussian(n, 4, 1, 1));
  auto const back    = ratio(anneal, narrow, wide, gaussian(n, 4, 0.25, 1));
  CHECK_THAT(forward.value, WithinAbs(truth, 4 * forward.standard_error));
  CHECK_THAT(back.value, WithinAbs(-truth, 4 * back.standard_error));
  CHECK((forward.standard_error < 0.05 && back.standard_error < 0.05));
  // Without the moves few weights count.
  auto const plain = ratio({.rungs = 1}, wide, narrow, gaussian(n, 4, 1, 1));
  CHECK_THAT(plain.value, WithinAbs(truth, 4 * plain.standard_error));
  CHECK(plain.effective_weights < 0.3 * forward.effective_weights);
  // Chains arrive where they should.
  auto const chains = gaussian(n, 4, 1, 1);
  static_cast<void>(ratio(anneal, wide, narrow, chains));
  double square = 0;
  for (double const x : on_host(chains)) square += x * x / (4 * n);
  CHECK_THAT(square, WithinAbs(1.0 / 16, 0.15 / 16));
}

// exp(-E) = exp(-|x - a|^2 / 2) + exp(-|x + a|^2 / 2), times exp(|a|^2 / 2), with a = (3, 0): Z = 4 pi
// exp(4.5).
struct TwoWells {
  using scalar_type              = double;
  static constexpr int dimension = 2;
  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[2], V (&dx)[2]) const {
    dx[0] = x[0] + V(3.0) - sigmoid(x[0] * 6.0) * 6.0;
    dx[1] = x[1];
    return (x[0] * x[0] + x[1] * x[1]) * 0.5 + x[0] * 3.0 - softplus(x[0] * 6.0);
  }
};

TEST_CASE("forward and reverse annealing bracket the normalizer of two wells",
          "[sampler][annealed_importance]") {
  int constexpr n = 2000;
  basin::energy::Analytic<TwoWells> const wells{};
  Quadratic<double, 2> const wide{{.stiffness = 1.0 / 9}};
  double const truth = std::log(4 * std::numbers::pi) + 4.5 - std::log(2 * std::numbers::pi * 9);
  Anneal const anneal{.sampler = {.steps = 1, .step_size = 0.4, .trajectory_length = 2},
                      .rungs   = 60};
  auto const forward = ratio(anneal, wide, wells, gaussian(n, 2, 3, 1));
  // Exact draws: a well each in turn.
  auto const chains = gaussian(n, 2, 1, 3);
  auto const host   = Kokkos::create_mirror_view(chains);
  Kokkos::deep_copy(host, chains);
  for (int i = 0; i < n; ++i) host(i, 0) += i % 2 ? 3 : -3;
  Kokkos::deep_copy(chains, host);
  auto const back = ratio(anneal, wells, wide, chains);
  CHECK_THAT(forward.value, WithinAbs(truth, 4 * forward.standard_error));
  CHECK_THAT(-back.value, WithinAbs(truth, 4 * back.standard_error));
  CHECK((forward.standard_error < 0.05 && back.standard_error < 0.05));
}

// |x|^2 / 2 + f(x) with f a network of random weights, of the size of 1 to 10.
TEST_CASE("annealing brackets the normalizer of a network", "[sampler][annealed_importance]") {
  using Net  = basin::energy::Network<double, basin::Vector<2>, basin::layer::Dense<16>,
                                      basin::layer::Tanh, basin::layer::Dense<1>>;
  using Law  = basin::energy::Sum<Quadratic<double, 2>, Net>;
  auto theta = parameters_of<Net>(3);
  for (double& t : theta) t *= 3;
  Model<Exec, Net> const model(theta);
  Quadratic<double, 2> const standard{};
  Law const law(standard, model.net());

  // log of mean exp(-f) over N(0, I), by the trapezoidal rule.
  double const h = 0.05;
  int const side = 281;  // [-7, 7]
  std::vector<double> grid;
  for (int i = 0; i < side * side; ++i)
    for (int const k : {i / side, i % side}) grid.push_back(-7 + h * k);
  auto const f = model.energies(grid);
  double truth = 0, least = f[0];
  for (std::size_t i = 0; i < f.size(); ++i) {
    truth += h * h / (2 * std::numbers::pi) *
             std::exp(-f[i] - (grid[2 * i] * grid[2 * i] + grid[2 * i + 1] * grid[2 * i + 1]) / 2);
    least = std::min(least, f[i]);
  }
  truth = std::log(truth);
  CHECK(std::abs(truth) > 1);

  // Exact draws of the law, by rejection.
  int constexpr tried  = 1 << 15;
  auto const proposals = on_host(gaussian(tried, 2, 1, 5));
  auto const at        = model.energies(proposals);
  std::vector<double> kept;
  for (std::uint32_t i = 0; i < tried; ++i)
    if (basin::unit_uniform<double>(basin::random_word({.seed = 6}, 0, i)) <
        std::exp(least - 0.01 - at[i]))
      kept.insert(kept.end(), {proposals[2 * i], proposals[2 * i + 1]});
  REQUIRE(kept.size() >= 2000);
  auto const flat = on_device<Exec, double>(kept);
  Chains const exact(flat.data(), 1000, 2);

  Anneal const anneal{.sampler = {.steps = 1, .step_size = 0.3, .trajectory_length = 2},
                      .rungs   = 100};
  auto const forward = ratio(anneal, standard, law, gaussian(2000, 2, 1, 1));
  auto const back    = ratio(anneal, law, standard, exact);
  CHECK_THAT(forward.value, WithinAbs(truth, 4 * forward.standard_error));
  CHECK_THAT(-back.value, WithinAbs(truth, 4 * back.standard_error));
  CHECK((forward.standard_error < 0.1 && back.standard_error < 0.1));
}

TEST_CASE("annealing has the same bits in every tuning", "[sampler][annealed_importance]") {
  CHECK(tunings_that_differ(run_in_few_tunings<Exec, double>([&]<basin::tile::Tuning chosen>() {
          Chains const chains = gaussian(33, 4, 1, 1);
          Weights const w("weights", 33);
          basin::sampler::anneal<chosen>(Exec(), Anneal{.rungs = 5}, Quadratic<double, 4>{},
                                         Quadratic<double, 4>{{.stiffness = 16}}, chains, w,
                                         {.seed = 2});
          return on_host(w);
        })) == 0);
}

TEST_CASE("annealing refuses what means nothing", "[sampler][annealed_importance][refusal]") {
  CHECK_THROWS_WITH(Anneal{.rungs = 0}.check(),
                    "basin::sampler::AnnealedImportance: rungs must be >= 1, got 0");
  CHECK_THROWS_WITH((Anneal{.sampler = {.temperature = 2}}.check()),
                    "basin::sampler::AnnealedImportance: the temperature of the sampler must be 1, "
                    "got 2");
  CHECK_THROWS_WITH(
      basin::sampler::anneal(Exec(), Anneal{}, Quadratic<double, 4>{}, Quadratic<double, 4>{},
                             Chains("c", 3, 4), Weights("w", 2), {}),
      "basin::sampler::anneal: log_weights has extent 2, chains has 3");
}

}  // namespace
