// SPDX-License-Identifier: Apache-2.0
#include <basin/sampler/adaptive_hamiltonian.hpp>
#include <basin/sampler/boxed.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/sampler/mala.hpp>
#include <basin/sampler/metropolis.hpp>
#include <basin/sampler/microcanonical.hpp>
#include <basin/sampler/underdamped_langevin.hpp>

#include "support/chain_law.hpp"
#include "support/finite_difference.hpp"
#include "support/there_and_back.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace {

namespace box     = basin::sampler::box;
namespace sampler = basin::sampler;
using basin::sampler::Boxed;
using Catch::Matchers::WithinAbs;
using Exec = BASIN_TEST_EXEC;
using namespace basin::test;

struct Moments {
  double mean, variance;
};
// Of N(0, variance) within [a, b].
Moments truncated(double variance, double a, double b) {
  double const s     = std::sqrt(variance);
  auto const tail    = [&](double x) { return std::erfc(x / s / std::numbers::sqrt2) / 2; };
  auto const density = [&](double x) {
    return std::exp(-x * x / (2 * variance)) / std::sqrt(2 * std::numbers::pi);
  };
  double const z    = tail(a) - tail(b);
  double const mean = s * (density(a) - density(b)) / z;
  return {mean, variance * (1 + (a * density(a) - b * density(b)) / (s * z)) - mean * mean};
}

// T / k = 0.25; of 4 coordinates of n chains, whose kurtosis is below that of a Gaussian.
int constexpr n = 1 << 13;
template <class S>
void check_law(S const& sampler, double stiffness, Moments const& expected) {
  auto const law = law_of<Exec>(sampler, stiffness, n);
  CHECK_THAT(law.mean, WithinAbs(expected.mean, 4 * std::sqrt(expected.variance / (4 * n))));
  CHECK_THAT(law.variance,
             WithinAbs(expected.variance, 4 * expected.variance * std::sqrt(2.0 / (4 * n))));
}

TEST_CASE("mirrors leave a Gaussian that is cut off", "[sampler][boxed]") {
  box::Reflecting const walls{.lower = -0.3, .upper = 0.9};
  auto const law = truncated(0.25, -0.3, 0.9);
  check_law(Boxed<sampler::Mala>{{.steps = 40, .step_size = 0.1, .temperature = 0.5}, walls}, 2,
            law);
  check_law(
      Boxed<sampler::Hamiltonian>{
          {.steps = 20, .step_size = 0.5, .trajectory_length = 2, .temperature = 0.5}, walls},
      2, law);
  check_law(Boxed<sampler::Metropolis>{{.steps = 80, .scale = 0.5, .temperature = 0.5}, walls}, 2,
            law);
  check_law(
      Boxed<sampler::AdaptiveHamiltonian>{
          {.steps = 220, .temperature = 0.5, .adaptation = {.warmup = 200}}, walls},
      2, law);
  check_law(
      Boxed<sampler::Microcanonical>{
          {.steps = 220, .temperature = 0.5, .adaptation = {.warmup = 200}}, walls},
      2, law);
}

// Steps without an accept-reject step have an error, of h^2 where E has a kink: h is small.
TEST_CASE("Langevin dynamics between mirrors", "[sampler][boxed]") {
  box::Reflecting const walls{.lower = -0.3, .upper = 0.9};
  auto const law = truncated(0.25, -0.3, 0.9);
  check_law(
      Boxed<sampler::UnderdampedLangevin>{
          {.steps = 100, .step_size = 0.05, .friction = 2, .temperature = 0.5}, walls},
      2, law);
  check_law(
      Boxed<sampler::Langevin<>>{{.steps = 1200, .step_size = 2e-3, .temperature = 0.5}, walls}, 2,
      law);
}

TEST_CASE("a torus without an energy has a uniform law, and one with a jump its own",
          "[sampler][boxed]") {
  box::Periodic const torus{.lower = -0.3, .upper = 0.9};
  check_law(
      Boxed<sampler::Hamiltonian, box::Periodic>{{.steps = 20, .trajectory_length = 4}, torus}, 0,
      {0.3, 1.2 * 1.2 / 12});
  // At the edge E jumps, which no gradient shows: proposals across it are accepted or not.
  check_law(
      Boxed<sampler::Mala, box::Periodic>{{.steps = 60, .step_size = 0.05, .temperature = 0.5},
                                          torus},
      2, truncated(0.25, -0.3, 0.9));
}

template <class Box>
std::vector<double> folded(Box const& walls, std::vector<double> const& x) {
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const chains("chains", x.size(), 1);
  auto const host = Kokkos::create_mirror_view(chains);
  std::copy(x.begin(), x.end(), host.data());
  Kokkos::deep_copy(chains, host);
  basin::sampler::sample(Exec(), Boxed<sampler::Metropolis, Box>{{.steps = 0}, walls},
                         basin::energy::Quadratic<double, 1>{}, chains, {});
  return on_host(chains);
}

TEST_CASE("chains outside of a box are folded into it, others stay to the bit",
          "[sampler][boxed]") {
  double const tiny = std::numeric_limits<double>::denorm_min();
  std::vector<double> const inside{-0.25, 0, 0.1, tiny, 0.3, 0.7, 0.75};
  CHECK(folded(box::Reflecting{-0.25, 0.75}, inside) == inside);
  CHECK(folded(box::Periodic{-0.25, 0.75}, inside) == inside);
  std::vector<double> const outside{0.875, 1.75, 2, -0.5, -1.5, 10.5};
  CHECK(folded(box::Reflecting{-0.25, 0.75}, outside) ==
        std::vector<double>{0.625, -0.25, 0, 0, 0.5, 0.5});
  CHECK(folded(box::Periodic{-0.25, 0.75}, outside) ==
        std::vector<double>{-0.125, 0.75, 0, 0.5, 0.5, 0.5});
  // A chain that is lost is not hidden behind a wall.
  CHECK(std::isnan(folded(box::Reflecting{}, {std::nan("")})[0]));
}

TEST_CASE("leapfrogs between mirrors can be reversed", "[sampler][boxed]") {
  int constexpr count = 100;
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const chains("chains", count, 3);
  Kokkos::deep_copy(chains, 0.4);
  Kokkos::View<double*, Exec> const away("away", count), error("error", count);
  basin::sampler::sample(Exec(), Boxed<ThereAndBack>{}, basin::energy::Analytic<Quartic>{}, chains,
                         {.seed = 1}, {.columns = {away.data(), error.data()}});
  auto const errors = on_host(error), distances = on_host(away), x = on_host(chains);
  CHECK(*std::max_element(errors.begin(), errors.end()) < 1e-24);
  for (double const at : x) CHECK_THAT(at, WithinAbs(0.4, 1e-12));
  // Most have been on the other side of a mirror: further than the diagonal of the box.
  CHECK(std::count_if(distances.begin(), distances.end(), [](double d) { return d > 3; }) > 50);
}

TEST_CASE("the state before the last step is in the box", "[sampler][boxed]") {
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const chains("chains", 100, 2),
      before("before", 100, 2);
  sampler::outputs_of<Boxed<sampler::UnderdampedLangevin>, double> outputs;
  outputs.before_last = before.data();
  basin::sampler::sample(Exec(),
                         Boxed<sampler::UnderdampedLangevin>{{.steps = 9, .step_size = 0.4}},
                         basin::energy::Quadratic<double, 2>{}, chains, {.seed = 1}, outputs);
  auto const x = on_host(before);
  CHECK(*std::min_element(x.begin(), x.end()) > 0);
  CHECK(*std::max_element(x.begin(), x.end()) < 1);
  CHECK(x != on_host(chains));
}

TEST_CASE("a sampler in a box has the same bits in every tuning", "[sampler][boxed]") {
  CHECK(tunings_of_other_bits<Exec>(
            Boxed<sampler::UnderdampedLangevin>{{.steps = 9, .step_size = 0.6}}) == 0);
}

TEST_CASE("a box refuses what means nothing", "[sampler][boxed][refusal]") {
  CHECK_THROWS_WITH((Boxed<sampler::Mala>{{}, {.lower = 2, .upper = 1}}.check()),
                    "basin::sampler::box::Reflecting: lower must be < upper, both finite, got 2 "
                    "and 1");
  CHECK_THROWS_WITH((Boxed<sampler::Mala>{{.step_size = 0}}.check()),
                    "basin::sampler::Mala: step_size must be > 0 and finite, got 0");
  using Clamped = sampler::Langevin<sampler::UpdateOrder<sampler::Op::gradient, sampler::Op::move,
                                                         sampler::Op::noise, sampler::Op::clamp>>;
  CHECK_THROWS_WITH((Boxed<Clamped>{{.lower = 0, .upper = 1}}.check()),
                    "basin::sampler::Boxed: the sampler inside clamps to 0 and 1; leave its lower "
                    "and upper out, the box has its own");
}

}  // namespace
