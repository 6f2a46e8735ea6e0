// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/noise_conditional_score_matching.hpp>
#include <basin/sampler/annealed_langevin.hpp>

#include "support/density.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::NoiseConditionalScoreMatching;
using basin::sampler::AnnealedLangevin;
using basin::sampler::NoiseLadder;
using Catch::Matchers::Message;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

using Net =
    basin::energy::Network<double, basin::Vector<2>, basin::layer::Dense<24>, basin::layer::Silu,
                           basin::layer::Dense<24>, basin::layer::Silu, basin::layer::Dense<1>>;

TEST_CASE("every level learns the score of the data with its noise, and annealing samples the data",
          "[objective][noise_conditional_score_matching]") {
  // Data N(0, v): at the level sigma grad E = x / (v + sigma^2).
  double constexpr v = 1.7;
  NoiseLadder const ladder{.first = 2, .last = 0.3, .levels = 4};
  auto const trainer = trained<Exec, Net>(NoiseConditionalScoreMatching{ladder},
                                          numbers_of_variance(10000, v), 6000, 5e-3, 512);
  using Points       = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
  auto const x       = on_device<Exec, double>({-1, -0.5, 0.5, 1});
  for (int i = 0; i < 4; ++i) {
    double const sigma = ladder(i);
    basin::energy::AtCondition<Net> const energy(trainer->energy(), std::log(sigma));
    Kokkos::View<double*, Exec> const g("g", 4);
    basin::energy::gradients(Exec(), energy, Points(x.data(), 4, 1), Points(g.data(), 4, 1));
    auto const found = on_host(g), at = on_host(x);
    INFO("sigma " << sigma);
    // The residual's noise, 1 / sigma, is averaged over some hundred steps of 128 samples a level.
    for (std::size_t k = 0; k < 4; ++k)
      CHECK_THAT(found[k], WithinAbs(at[k] / (v + sigma * sigma), 0.07));
  }

  // At the end of the ladder the chains have the variance v + sigma_L^2, but for the step's bias
  // (below 1 %) and the fit's, five standard errors of 4000 chains being 0.11 of it.
  Points const chains("chains", 4000, 1);
  basin::sampler::sample(Exec(),
                         AnnealedLangevin{.ladder = ladder, .steps = 200, .step_size = 0.01},
                         trainer->energy(), chains, {4});
  double square = 0;
  for (double const c : on_host(Kokkos::View<double*, Exec>(chains.data(), 4000)))
    square += c * c / 4000;
  CHECK_THAT(square, WithinRel(v + 0.3 * 0.3, 0.2));
}

TEST_CASE("noise-conditional score matching refuses what does not fit",
          "[objective][noise_conditional_score_matching][refusal]") {
  using Trainer = CosineTrainer<Exec, Net, NoiseConditionalScoreMatching>;
  CHECK_THROWS_MATCHES(
      Trainer({.batch = 4}, Rows("rows", 10, 2)), std::invalid_argument,
      Message("basin::train::Trainer: data has second extent 2, the energy has dimension 2 with 1 "
              "for the condition of the objective"));
}

}  // namespace
