// SPDX-License-Identifier: Apache-2.0
// Under the sanitizers this replaces new and delete; g++ inlines one alone and sees a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#include <basin/objective/diffusion_contrastive_divergence.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/gaussian_model.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::Purpose;
using basin::objective::DiffusionContrastiveDivergence;
using basin::objective::EnergyDiscrepancy;
using Catch::Matchers::WithinAbs;
namespace kernel    = basin::objective::kernel;
namespace estimator = basin::objective::estimator;
using Numbers       = Kokkos::View<double*, Exec>;

constexpr auto tuning = basin::tile::default_tuning<Exec, double, GaussianModel::workspace_rows>();
double constexpr v    = 1.7;  // of the data

// A kernel of a user: x~ / a = x + w eps whatever a is.
struct Own {
  using axis = basin::objective::kernel_axis;
  double w   = 0.6;
  double scale() const { return 0.8; }
  double deviation() const { return 0.8 * w; }
};

using Chains   = DiffusionContrastiveDivergence<kernel::VarianceExploding, estimator::Posterior<>>;
using OwnOne   = DiffusionContrastiveDivergence<Own>;
using Ranking  = DiffusionContrastiveDivergence<kernel::VarianceExploding, estimator::Ranking>;
using OuChains = DiffusionContrastiveDivergence<kernel::VariancePreserving, estimator::Posterior<>>;

// Gradients of an objective at normal rows of variance v.
template <class Objective>
struct Steps {
  using State = typename Objective::template bind<GaussianModel, Exec, tuning>;
  Objective objective;
  State state;
  Numbers theta{"theta", 2}, gradient{"gradient", 2};

  Steps(Objective const& o, int batch) : objective(o), state(Exec(), o, batch, {}, 11) {
    Kokkos::deep_copy(state.batch().points, normal_rows(batch, v));
  }
  void run(Exec const& exec, std::uint64_t step) {
    state.gradient(exec, objective, GaussianModel(theta.data()), step, nullptr, gradient.data());
  }
  std::vector<double> at(Theta const& to, std::uint64_t step = 3, Exec const& exec = Exec()) {
    auto const host = Kokkos::create_mirror_view(theta);
    host(0)         = to.w;
    host(1)         = to.b;
    Kokkos::deep_copy(theta, host);
    run(exec, step);
    exec.fence();
    return values(gradient);
  }
  // dJ/dk at b = 0, of k = 2 w^2
  double of_stiffness(double k) {
    double const w = std::sqrt(k / 2);
    return at({w, 0})[0] / (4 * w);
  }
};

// x- = m x~ / a + N(0, variance) after K steps in the tethered energy, from x~ / a.
struct Law {
  double m, variance;
};
Law after(double k, double square, double alpha, int steps) {
  double const p = k + 1 / square, c = 1 - alpha * p, left = std::pow(c, steps);
  double const end = 1 / (square * p);
  return {end + left * (1 - end), 2 * alpha * (1 - left * left) / (1 - c * c)};
}
double slope(Law const& law, double square) {
  return (v - law.m * law.m * (v + square) - law.variance) / 2;
}

template <class Objective>
void check_slopes(Objective const& objective, std::vector<double> const& exact) {
  int constexpr n     = 200000;
  double const ratio  = objective.kernel.deviation() / objective.kernel.scale();
  double const square = ratio * ratio;
  auto const& chains  = objective.estimator.sampler;
  Steps<Objective> steps(objective, n);
  for (std::size_t i = 0; i < 4; ++i) {
    double const k = std::array{0.3, 1., 2., 1 / v}[i];
    Law const law  = after(k, square, chains.step_size, chains.steps);
    // As K -> infinity, then alpha -> 0.
    Law const limit{1 / (1 + k * square), square / (1 + k * square)};
    REQUIRE_THAT(slope(limit, square), WithinAbs(exact[i], 6e-6));
    // The bias of the steps: at most 5 % of a variance of at most 0.33.
    REQUIRE_THAT(slope(law, square), WithinAbs(exact[i], 0.01));
    // Half of a mean of x+^2 - x-^2, of jointly normal numbers with covariance m v.
    double const moved = law.m * law.m * (v + square) + law.variance, joint = law.m * v;
    double const error = std::sqrt((2 * v * v + 2 * moved * moved - 4 * joint * joint) / n) / 2;
    CAPTURE(k, error);
    CHECK_THAT(square * steps.of_stiffness(k), WithinAbs(slope(law, square), 5 * error));
  }
}

TEST_CASE("chains from the diffused data give the slope of the divergence", "[objective][dcd]") {
  estimator::Posterior<> const chains{{.steps = 100, .step_size = 0.02}};
  check_slopes(Chains{{.standard_deviation = 0.6}, chains}, {-0.15145, 0.16077, 0.39719, 0});
  estimator::Posterior<> const nearer{{.steps = 130, .step_size = 0.015}};
  check_slopes(OuChains{{.coefficient = 0.9}, nearer}, {-0.10385, 0.12037, 0.32201, 0});
}

TEST_CASE("a posterior of the Ornstein-Uhlenbeck kernel is that of its tether",
          "[objective][dcd]") {
  // Precision k + a^2 / s and mean a x~ / (s (k + a^2 / s)), s = 1 - a^2.
  double const a = 0.9, k = 2, s = 1 - a * a, at = 1.3, w = std::sqrt(s) / a;
  int constexpr n = 40000;
  kernel::VariancePreserving const ou{.coefficient = a};
  CHECK_THAT(ou.deviation() / ou.scale(), WithinAbs(w, 1e-15));
  estimator::Posterior<> const posterior{{.steps = 150, .step_size = 0.004}};
  using Points = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
  Points const x("x", n, 1), center("center", n, 1);
  Kokkos::deep_copy(x, at / a);
  Kokkos::deep_copy(center, at / a);
  Numbers const theta("theta", 2);
  auto const host = Kokkos::create_mirror_view(theta);
  host(0)         = std::sqrt(k / 2);
  Kokkos::deep_copy(theta, host);
  auto const tethered =
      posterior.energy(GaussianModel(theta.data()), basin::tile::Borrowed<Points>(center), w);
  basin::sampler::sample<tuning>(Exec(), posterior.chains(w), tethered, x, {.seed = 2});
  double mean = 0, square = 0;
  auto const y = values(x);
  for (double const each : y) mean += each / n;
  for (double const each : y) square += (each - mean) * (each - mean) / n;
  // Of the way (1 - 0.004 6.263)^150 = 0.022 is left, of 0.461; the steps' variance has the factor
  // 1 / (1 - 0.0125).
  double const variance = 0.15966;
  CHECK_THAT(mean, WithinAbs(0.98319, 5 * std::sqrt(variance / n) + 0.0105));
  CHECK_THAT(square, WithinAbs(variance, variance * (0.0128 + 5 * std::sqrt(2. / n))));
}

TEST_CASE("one step rests near 1 / v, where it keeps the variance of the data",
          "[objective][dcd]") {
  // A Langevin step with the same noise would rest at 2 / v = 1.176.
  int constexpr n = 400000;
  for (double const square : {0.36, 0.09, 0.01}) {
    double const k = (1 - std::sqrt((v - square) / (v + square))) / square;
    Steps<OwnOne> steps({.kernel = {std::sqrt(square)}}, n);
    // Secants, with the same draws at each k.
    double before = 0.4, root = 0.7, of_before = steps.of_stiffness(before);
    for (int i = 0; i < 4; ++i) {
      double const here = steps.of_stiffness(root);
      double const next = root - here * (root - before) / (here - of_before);
      before            = root;
      of_before         = here;
      root              = next;
    }
    // x+^2 - x-^2 has the variance 4 v^2 (1 - c^2), its mean the slope 2 c w^2 (v + w^2) in k.
    double const c     = 1 - square * k;
    double const error = 2 * v * std::sqrt((1 - c * c) / n) / (2 * c * square * (v + square));
    CAPTURE(square, k, error);
    CHECK_THAT(root, WithinAbs(k, 5 * error));
    REQUIRE(5 * error < 0.1);
  }
  CHECK_THAT((1 - std::sqrt(1.34 / 2.06)) / 0.36, WithinAbs(0.5374, 5e-5));
}

TEST_CASE("a step's gradient is that of the difference over w^2, its samples those of the rule",
          "[objective][dcd]") {
  int constexpr batch = 37;
  double const w      = 0.5;
  Theta const theta{0.7, -0.2};
  Steps<OwnOne> steps({.kernel = {w}}, batch);
  auto const found = steps.at(theta, 5);
  auto const data = values(steps.state.batch().points), x = values(steps.state.last_samples());
  for (std::uint32_t n = 0; n < batch; ++n) {
    double const c = data[n] + w * reference_normal({11, Purpose::sampler_start, 5}, n, 0);
    double const z = reference_normal(
        {11, Purpose::sampler_noise, std::uint64_t(5) << basin::sampler::steps_bits}, n, 0);
    CHECK_THAT(x[n], WithinAbs(c - w * w * theta.slope(c) + w * z, 1e-13));
  }
  auto const value_at = [&](Theta const& to) {
    double sum = 0;
    for (std::size_t n = 0; n < batch; ++n)
      sum += (to.energy(data[n]) - to.energy(x[n])) / (batch * w * w);
    return sum;
  };
  double const h = 1e-5;
  CHECK_THAT(
      found[0],
      WithinAbs((value_at({theta.w + h, theta.b}) - value_at({theta.w - h, theta.b})) / (2 * h),
                1e-8));
  CHECK_THAT(
      found[1],
      WithinAbs((value_at({theta.w, theta.b + h}) - value_at({theta.w, theta.b - h})) / (2 * h),
                1e-8));
}

TEST_CASE("ranking is energy discrepancy over w^2", "[objective][dcd]") {
  int constexpr batch = 37;
  EnergyDiscrepancy const plain{.standard_deviation = 0.6, .draws = 3};
  EnergyDiscrepancy::bind<GaussianModel, Exec, tuning> state(Exec(), plain, batch, {}, 11);
  Kokkos::deep_copy(state.batch().points, normal_rows(batch, v));
  Steps<Ranking> steps({{.standard_deviation = 0.6}, {.draws = 3}}, batch);
  auto const found = steps.at({0.7, -0.2});
  Numbers const gradient("gradient", 2);
  state.gradient(Exec(), plain, GaussianModel(steps.theta.data()), 3, nullptr, gradient.data());
  auto const expected = values(gradient);
  for (std::size_t i = 0; i < 2; ++i) CHECK_THAT(found[i], WithinAbs(expected[i] / 0.36, 1e-13));
}

TEST_CASE("diffusion contrastive divergence has the same bits for any number of threads",
          "[objective][dcd][determinism]") {
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    auto const one  = Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1})[0];
    auto const same = [&](auto const& objective) {
      Steps steps(objective, 501);
      return steps.at({0.7, -0.2}, 3, one) == steps.at({0.7, -0.2});
    };
    CHECK(same(Chains{}));
    CHECK(same(OwnOne{}));
    CHECK(same(Ranking{}));
  }
}

TEST_CASE("diffusion contrastive divergence is as many launches for any steps, no more",
          "[objective][dcd][allocation]") {
  basin::bench::watch_kokkos();
  auto const launches = [](auto const& objective) {
    Steps steps(objective, 201);
    steps.at({0.7, -0.2});
    auto const tally = basin::bench::count(Exec(), 5, [&] { steps.run(Exec(), 4); });
    CHECK(tally.allocations == 0);
    CHECK(tally.fences == 0);
    return tally.launches;
  };
  CHECK(launches(Chains{.estimator = {{.steps = 2}}}) ==
        launches(Chains{.estimator = {{.steps = 17}}}));
  CHECK(launches(Ranking{.estimator = {1}}) == launches(Ranking{.estimator = {9}}));
  launches(OwnOne{});
}

TEST_CASE("DiffusionContrastiveDivergence refuses what has another rest, and says it",
          "[objective][dcd][refusal]") {
  CHECK_NOTHROW(Chains{}.check(1));
  STATIC_REQUIRE(basin::objective::Objective<Chains, GaussianModel, Exec, tuning>);
  STATIC_REQUIRE(basin::objective::Objective<Ranking, GaussianModel, Exec, tuning>);
  CHECK_THROWS_WITH(Chains{.estimator = {{.steps = 1}}}.check(1),
                    "basin::objective::estimator::Posterior: the sampler's steps must be > 1, got "
                    "1: the first step from x~ does not see the tether; for one step write "
                    "estimator::OneStep");
  CHECK_THROWS_WITH(Chains{{.standard_deviation = 0}}.check(1),
                    "basin::objective::kernel::VarianceExploding: standard_deviation must be > 0 "
                    "and finite, got 0");
  CHECK_THROWS_WITH(OuChains{{.coefficient = 1}}.check(1),
                    "basin::objective::kernel::VariancePreserving: coefficient must be < 1, got 1");
  CHECK_THROWS_WITH(
      OwnOne{{-1}}.check(1),
      "basin::objective::DiffusionContrastiveDivergence: the kernel must have scale > "
      "0 and deviation > 0, both finite, got 0.8 and -0.8");
  CHECK_THROWS_WITH(Ranking{.estimator = {0}}.check(1),
                    "basin::objective::estimator::Ranking: draws must be >= 1, got 0");
}

}  // namespace
