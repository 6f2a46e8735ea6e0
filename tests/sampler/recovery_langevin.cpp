// SPDX-License-Identifier: Apache-2.0
// Under the sanitizers this replaces new and delete; g++ inlines one alone and sees a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#include <basin/energy/analytic.hpp>
#include <basin/sampler/recovery_langevin.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/finite_difference.hpp"
#include "support/reference_noise.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::sampler;
using basin::test::on_device;
using basin::test::on_host;
using Catch::Matchers::WithinAbs;
using Chains    = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
namespace bench = basin::bench;

// E(x, s) = k x^2 / 2 at s = 0, stiffer where s is smaller.
struct Stiff {
  using scalar_type              = double;
  static constexpr int dimension = 2;
  double k                       = 2;

  double stiffness(double s) const { return k * std::exp(-s); }
  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[2], V (&dx)[2]) const {
    V const stiff = exp(V(0.0) - x[1]) * k;
    dx[0]         = stiff * x[0];
    dx[1]         = x[0] * x[0] * stiff * (-0.5);
    return x[0] * x[0] * stiff * 0.5;
  }
};
using Energy = basin::energy::Analytic<Stiff>;

constexpr auto tuning = basin::tile::default_tuning<Exec, double, Energy::workspace_rows>();

// After K steps from x~: y = m x~ + N(0, variance). With p the precision of the conditional law and
// c = 1 - h p / 2, the mean goes from 1 to 1 / (sigma^2 p) by c^K, the variance to h / (1 - c^2) by
// c^(2 K); as h -> 0 the law is that of the posterior.
struct Law {
  double mean, variance;
};
Law after(double stiffness, double sigma, double h, int steps) {
  double const tether = 1 / (sigma * sigma), p = stiffness + tether, c = 1 - h * p / 2;
  double const left = std::pow(c, steps);
  return {tether / p + left * (1 - tether / p), h * (1 - left * left) / (1 - c * c)};
}
template <class Sampler>
Law of_level(Sampler const& s, int t) {
  bool const last = t == s.ladder.levels() - 1;
  double const h = s.step_size(t), sigma = diffusion_step(s.ladder, t).deviation;
  return after(Stiff{}.stiffness(std::log(s.ladder.deviation(t))) / (s.scaled ? h : 1),
               last ? INFINITY : sigma, h, s.steps);
}

using Exploding  = RecoveryLangevin<ladder::VarianceExploding>;
using Preserving = RecoveryLangevin<>;

Exploding constexpr plain{.ladder        = {{.first = 1.5, .last = 0.3, .levels = 4}},
                          .steps         = 12,
                          .step_variance = 0.3,
                          .growth        = 0,
                          .scaled        = false};

TEST_CASE("recovery chains of all levels have the law of their steps, in one launch",
          "[sampler][recovery]") {
  int constexpr n = 40000, levels = 4;  // of each level
  double const at = 1.3;                // x~
  for (bool const scaled : {false, true}) {
    auto options   = plain;
    options.scaled = scaled;
    // Divided by h, a stiffness of 2 is one of 2 / h: c must stay in (-1, 1).
    if (scaled) options.growth = 0.5;
    Kokkos::View<RecoveryLevel<double>*, Exec> const table("table", levels);
    auto const rows = Kokkos::create_mirror_view(table);
    for (int t = 0; t < levels; ++t) rows(t) = recovery_level<double>(options, t);
    Kokkos::deep_copy(table, rows);
    std::vector<double> level;
    for (int i = 0; i < levels * n; ++i) level.push_back(i % levels);
    auto const of_chain = on_device<Exec, int>(level);
    Chains const chains("chains", levels * n, 1);
    Kokkos::deep_copy(chains, at);
    move_at_levels<tuning>(Exec(), Energy{}, chains, {table.data(), of_chain.data(), {}}, false,
                           options.steps, {3});
    auto const y = on_host(Kokkos::View<double*, Exec>(chains.data(), levels * n));
    for (int t = 0; t < levels; ++t) {
      double mean = 0, square = 0;
      for (int i = t; i < levels * n; i += levels) mean += y[std::size_t(i)] / n;
      for (int i = t; i < levels * n; i += levels)
        square += (y[std::size_t(i)] - mean) * (y[std::size_t(i)] - mean) / n;
      Law const law = of_level(options, t);
      CAPTURE(scaled, t, law.mean, law.variance);
      // Five standard errors of n independent normals.
      CHECK_THAT(mean, WithinAbs(law.mean * at, 5 * std::sqrt(law.variance / n)));
      CHECK_THAT(square, WithinAbs(law.variance, 5 * law.variance * std::sqrt(2. / n)));
    }
  }
}

TEST_CASE("many small recovery steps give the posterior of a Gaussian", "[sampler][recovery]") {
  // Of E = k y^2 / 2 and a tether of deviation s: mean x~ / (1 + k s^2), variance s^2 / (1 + k s^2).
  // The steps' bias of the variance is the factor 1 / (1 - h p / 4): 0.5 % with h p / 4 = 0.005.
  double const k = 2, s = 0.7, at = 1.3, p = k + 1 / (s * s), h = 0.02 / p;
  int constexpr n = 40000;
  RecoveryLevel<double> level{};
  level.scale = level.factor = 1;
  level.tether               = s;
  level.step                 = h / 2;
  level.noise                = std::sqrt(h);
  Chains const chains("chains", n, 1);
  Kokkos::deep_copy(chains, at);
  // (1 - h p / 2)^500 = 0.0066 of the way is left.
  move_at_levels<tuning>(Exec(), Energy{}, chains, {nullptr, nullptr, level}, false, 500, {4});
  auto const y = on_host(Kokkos::View<double*, Exec>(chains.data(), n));
  double mean = 0, square = 0;
  for (double const v : y) mean += v / n;
  for (double const v : y) square += (v - mean) * (v - mean) / n;
  double const variance = s * s / (1 + k * s * s), error = std::sqrt(variance / n);
  CHECK_THAT(mean, WithinAbs(at / (1 + k * s * s), 5 * error + 0.007 * at));
  CHECK_THAT(square, WithinAbs(variance, 5 * variance * std::sqrt(2. / n) + 0.006 * variance));
}

// The variance behind each level, of that before it.
template <class Sampler>
void check_ladder_law(Sampler const& options, std::uint64_t seed) {
  int constexpr n = 60000;
  double variance = std::pow(options.ladder.start_deviation(), 2);
  std::vector<double> noise;
  for (std::uint32_t i = 0; i < n; ++i)
    noise.push_back(std::sqrt(variance) * basin::test::reference_normal({.seed = seed + 1}, i, 0));
  auto const chains = on_device<Exec, double>(noise);
  sample(Exec(), options, Energy{}, Chains(chains.data(), n, 1), {seed});
  for (int t = options.ladder.levels() - 1; t >= 0; --t) {
    Law const law  = of_level(options, t);
    double const a = t == options.ladder.levels() - 1 ? 1 : diffusion_step(options.ladder, t).scale;
    variance       = (law.mean * law.mean * variance + law.variance) / (a * a);
  }
  double square = 0;
  for (double const x : on_host(chains)) square += x * x / n;
  CHECK_THAT(square, WithinAbs(variance, 5 * variance * std::sqrt(2. / n)));
}

TEST_CASE("samples down a ladder have the variance of the levels one after the other",
          "[sampler][recovery]") {
  check_ladder_law(plain, 5);
  check_ladder_law(Preserving{.ladder        = {.stride = 190, .count = 5},
                              .steps         = 9,
                              .step_variance = 0.2,
                              .growth        = 0,
                              .scaled        = false},
                   6);
}

TEST_CASE("the levels of the ladders are those of their sources", "[sampler][recovery]") {
  // x_(t+1) = a x_t + sigma eps must give the next level.
  auto const joined = [](auto const& l) {
    for (int t = 0; t + 1 < l.levels(); ++t) {
      auto const step = diffusion_step(l, t);
      CHECK_THAT(step.scale * l.scale(t), WithinAbs(l.scale(t + 1), 1e-14));
      CHECK_THAT(std::hypot(step.scale * l.deviation(t), step.deviation),
                 WithinAbs(l.deviation(t + 1), 1e-14));
    }
  };
  ladder::VariancePreserving const preserving;
  joined(preserving);
  joined(plain.ladder);
  CHECK_THAT(preserving.deviation(0), WithinAbs(0.01, 1e-12));  // sqrt(beta_0)
  double product = 1;
  for (int i = 0; i <= 100; ++i) product *= std::sqrt(1 - (1e-4 + (0.02 - 1e-4) * i / 999));
  CHECK_THAT(preserving.scale(1), WithinAbs(product, 1e-12));
  CHECK_THAT(plain.ladder.deviation(0), WithinAbs(0.3, 1e-15));
  CHECK_THAT(plain.ladder.deviation(3), WithinAbs(1.5, 1e-14));
}

template <class Space = Exec>
std::vector<double> after_a_ladder(Space const& exec) {
  Chains const chains("chains", 201, 1);
  Kokkos::deep_copy(chains, 0.5);
  sample(exec, plain, Energy{}, chains, {7});
  exec.fence();
  return on_host(Kokkos::View<double*, Exec>(chains.data(), 201));
}

TEST_CASE("a ladder is a launch for each level, however many steps, and no allocation or fence",
          "[sampler][recovery][allocation]") {
  bench::watch_kokkos();
  for (int const steps : {1, 17}) {
    auto options  = plain;
    options.steps = steps;
    Chains const chains("chains", 201, 1);
    auto const run = [&] { sample(Exec(), options, Energy{}, chains, {7}); };
    run();
    auto const tally = bench::count(Exec(), 3, run);
    CHECK(tally.launches == 3 * 4);
    CHECK(tally.allocations == 0);
    CHECK(tally.fences == 0);
  }
}

TEST_CASE("recovery chains have the same bits for one thread and for all",
          "[sampler][recovery][determinism]") {
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible)
    CHECK(after_a_ladder(Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1})[0]) ==
          after_a_ladder(Exec()));
}

// Adds no noise from level 0 to level 1.
struct Halted {
  using axis = diffusion_axis;
  int levels() const { return 2; }
  double scale(int) const { return 1; }
  double deviation(int) const { return 0.5; }
  double start_deviation() const { return 1; }
};

TEST_CASE("RecoveryLangevin refuses what can not be sampled, and says it",
          "[sampler][recovery][refusal]") {
  std::string const who = "basin::sampler::RecoveryLangevin: ";
  CHECK_NOTHROW(Preserving{}.check());
  CHECK_THROWS_WITH(Preserving{.steps = 0}.check(), who + "steps must be in [1, 1048576], got 0");
  CHECK_THROWS_WITH(Preserving{.step_variance = 0}.check(),
                    who + "step_variance must be > 0 and finite, got 0");
  auto wide          = plain;
  wide.step_variance = 4;
  CHECK_THROWS_WITH(wide.check(),
                    who +
                        "h_t is 4 times the variance of the tether at level 0, chains leave it "
                        "from 4 on; write a smaller step_variance, it is 4");
  CHECK_THROWS_WITH(RecoveryLangevin<Halted>{}.check(),
                    who +
                        "level 0 of the ladder has deviation 0.5 and the next one scale 1 of it: "
                        "noise must be added from level to level");
  CHECK_THROWS_WITH(Preserving{.ladder = {.count = 11}}.check(),
                    "basin::sampler::ladder::VariancePreserving: the last of 11 levels with stride "
                    "100 is time 1000, times is 1000");
  CHECK_THROWS_WITH(Preserving{.ladder = {.last_rate = 1}}.check(),
                    "basin::sampler::ladder::VariancePreserving: first_rate and last_rate must be "
                    "< 1, got 0.0001 and 1");
  CHECK_THROWS_WITH((Exploding{.ladder = {{.first = -1}}}.check()),
                    "basin::sampler::NoiseLadder: first must be > 0 and finite, got -1");
}

}  // namespace
