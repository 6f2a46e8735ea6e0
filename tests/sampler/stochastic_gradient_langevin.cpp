// SPDX-License-Identifier: Apache-2.0
#include <basin/sampler/stochastic_gradient_langevin.hpp>

#include "support/chain_law.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <string>

namespace {

using basin::sampler::StochasticGradientLangevin;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
using Exec = BASIN_TEST_EXEC;
using namespace basin::test;

// Every step is linear: x_K is Gaussian, with mean 3 prod (1 - alpha_t k) and a variance by recursion.
// Standard errors of 2^16 numbers: sqrt(v) / 256 of the mean, v sqrt(2) / 256 of the variance.
TEST_CASE("steps that become smaller have the variance of their recursion",
          "[sampler][stochastic_gradient_langevin]") {
  StochasticGradientLangevin sampler{
      .steps = 40, .scale = 0.7, .offset = 2, .exponent = 0.6, .temperature = 0.5};
  for (int const first : {0, 25}) {
    sampler.first  = first;
    double const k = 2;
    double mean = 3, variance = 0;
    for (int t = first; t < first + 40; ++t) {
      double const alpha = 0.7 * std::pow(2.0 + t, -0.6), factor = 1 - alpha * k;
      CHECK_THAT(sampler.step_size(t), WithinRel(alpha, 1e-14));
      mean *= factor;
      variance = factor * factor * variance + 2 * alpha * 0.5;
    }
    auto const law = law_of<Exec>(sampler, k, 1 << 14, 3);
    CHECK_THAT(law.mean, WithinAbs(mean, 4 * std::sqrt(variance) / 256));
    CHECK_THAT(law.variance, WithinAbs(variance, 4 * variance * std::sqrt(2.0) / 256));
  }
  CHECK(sampler.effective_temperature() == 0.5);
}

TEST_CASE("a call continues another to the bit, in every tuning",
          "[sampler][stochastic_gradient_langevin]") {
  StochasticGradientLangevin sampler{.steps = 9, .scale = 0.3};
  CHECK(tunings_of_other_bits<Exec>(sampler) == 0);
  Kokkos::View<float**, Kokkos::LayoutRight, Exec> const whole("x", 37, 3), parts("x", 37, 3);
  basin::energy::Quadratic<float, 3> const energy{};
  basin::sampler::sample(Exec(), sampler, energy, whole, {.seed = 3});
  sampler.steps = 4;
  basin::sampler::sample(Exec(), sampler, energy, parts, {.seed = 3});
  sampler.steps = 5;
  sampler.first = 4;
  basin::sampler::sample(Exec(), sampler, energy, parts, {.seed = 3, .step = 4});
  auto const a = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), whole);
  auto const b = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), parts);
  CHECK(std::vector<float>(a.data(), a.data() + a.size()) ==
        std::vector<float>(b.data(), b.data() + b.size()));
}

TEST_CASE("StochasticGradientLangevin refuses numbers that mean nothing, and says them",
          "[sampler][stochastic_gradient_langevin][refusal]") {
  std::string const who = "basin::sampler::StochasticGradientLangevin: ";
  CHECK_THROWS_WITH(StochasticGradientLangevin{.scale = 0}.check(),
                    who + "scale must be > 0 and finite, got 0");
  CHECK_THROWS_WITH(StochasticGradientLangevin{.offset = 0}.check(),
                    who + "offset must be > 0 and finite, got 0");
  CHECK_THROWS_WITH(StochasticGradientLangevin{.exponent = 1.5}.check(),
                    who + "exponent must be in [0, 1], got 1.5");
  CHECK_NOTHROW(StochasticGradientLangevin{}.check());
}

}  // namespace
