// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/analytic.hpp>
#include <basin/sampler/annealed_langevin.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::sampler::AnnealedLangevin;
using basin::sampler::NoiseLadder;
using Catch::Matchers::Message;

constexpr double variance = 1.7;

// E(x, s) = x^2 / (2 (v + e^(2 s))): data N(0, v) with noise of deviation e^s.
struct Smoothed {
  using scalar_type              = double;
  static constexpr int dimension = 2;
  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[2], V (&dx)[2]) const {
    V const k = V(1) / (V(variance) + exp(x[1] + x[1]));
    dx[0]     = k * x[0];
    dx[1]     = V(0);  // nobody asks for the derivative in the condition
    return V(0.5) * k * x[0] * x[0];
  }
};

// Every step x <- (1 - alpha k) x + sqrt(2 alpha) xi is linear, and so the variance of the chains
// is known after each: w <- (1 - alpha k)^2 w + 2 alpha.
TEST_CASE("annealed Langevin moves the variance of a Gaussian as its steps say",
          "[sampler][annealed_langevin]") {
  int constexpr n = 40000;
  AnnealedLangevin const annealed{
      .ladder = {.first = 3, .last = 0.5, .levels = 4}, .steps = 3, .step_size = 0.03};
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const chains("chains", n, 1);
  basin::sampler::sample(Exec(), annealed, basin::energy::Analytic<Smoothed>{}, chains,
                         {.seed = 5, .step = 7});
  double expected = 0;
  for (int level = 0; level < 4; ++level) {
    double const sigma = annealed.ladder(level);
    double const alpha = 0.03 * (sigma / 0.5) * (sigma / 0.5);
    double const keeps = 1 - alpha / (variance + sigma * sigma);
    for (int k = 0; k < 3; ++k) expected = keeps * keeps * expected + 2 * alpha;
  }
  double found = 0;
  for (double const x : basin::test::on_host(Kokkos::View<double*, Exec>(chains.data(), n)))
    found += x * x / n;
  // Five standard errors, 5 sqrt(2 / n).
  CHECK_THAT(found, Catch::Matchers::WithinRel(expected, 0.036));
}

TEST_CASE("annealed Langevin refuses numbers that make no sense",
          "[sampler][annealed_langevin][refusal]") {
  CHECK_THROWS_MATCHES(AnnealedLangevin{.steps = 0}.check(), std::invalid_argument,
                       Message("basin::sampler::AnnealedLangevin: steps must be >= 1, got 0"));
  CHECK_THROWS_MATCHES(
      AnnealedLangevin{.step_size = 0}.check(), std::invalid_argument,
      Message("basin::sampler::AnnealedLangevin: step_size must be > 0 and finite, got 0"));
}

}  // namespace
