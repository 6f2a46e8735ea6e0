// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/classifier.hpp>
#include <basin/energy/parameter_gradient.hpp>
#include <basin/layer/dropout.hpp>
#include <basin/layer/silu.hpp>
#include <basin/sampler/projected_gradient.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <ratio>
#include <string>
#include <vector>

namespace attack_test {

// A ball of a user's own: a row starts at itself, and a step is the gradient as it is.
struct Slope {
  using axis                = basin::sampler::ball_axis;
  static constexpr int rows = 0;
  static double cube(int) { return 0; }

  template <class Context, class Tile, class Scalar>
  static KOKKOS_FUNCTION void ascend(Context const& c, Tile const& t, Scalar const*, Scalar*,
                                     Scalar a, Scalar) {
    using V               = typename Context::value_type;
    Scalar* const x       = t.x;
    Scalar const* const g = t.gradient;
    c.map(Tile::dimension, [=](auto at) { at.store(x, at.load(x) + V(a) * at.load(g)); });
  }
};

}  // namespace attack_test

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::sampler::ProjectedGradient;
using Catch::Matchers::WithinAbs;
namespace ball  = basin::sampler::ball;
namespace layer = basin::layer;
using Points    = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

constexpr int n = 37, D = 3;
using Linear = basin::energy::Classifier<double, basin::Vector<D>, layer::Dense<2>>;
using Curved = basin::energy::Classifier<double, basin::Vector<D>, layer::Dense<6>, layer::Silu,
                                         layer::Dense<2>>;

struct Result {
  std::vector<double> x, losses;
};

int label(std::size_t i) { return static_cast<int>(i % 2); }

template <class Net, class Options>
Result attacked(Options const& options, std::vector<double> const& theta,
                std::vector<double> const& x, std::uint64_t seed = 1) {
  Model<Exec, Net> const model(theta);
  Points const points("points", n, D), adversarial("adversarial", n, D);
  Kokkos::View<double*, Exec> const losses("losses", n);
  Kokkos::View<int*, Exec> const labels("labels", n);
  auto const host   = Kokkos::create_mirror_view(points);
  auto const host_y = Kokkos::create_mirror_view(labels);
  std::copy(x.begin(), x.end(), host.data());
  for (std::size_t i = 0; i < n; ++i) host_y(i) = label(i);
  Kokkos::deep_copy(points, host);
  Kokkos::deep_copy(labels, host_y);
  basin::sampler::attack(Exec(), options, model.net(), labels, points, adversarial, losses, seed);
  CHECK(on_host(points) == x);
  return {on_host(adversarial), on_host(losses)};
}

// f = (a.x + 0.1, b.x - 0.2): the cross-entropy is log(1 + exp(f_other - f_y)), which grows along
// u = (a - b) for label 1, and against it for label 0. u = (2, -1, 0.5).
std::vector<double> const linear{1, -2, 0.5, -1, -1, 0, 0.1, -0.2};
double const u[D]{2, -1, 0.5};
double loss(double const* x, int y) {
  double gap = 0.3;
  for (int d = 0; d < D; ++d) gap += u[d] * x[d];
  return std::log1p(std::exp(y == 1 ? gap : -gap));
}

// The farthest point of a ball along +-u is known; a step of 0.05 reaches it from anywhere in the
// ball of radius 0.3 within 12 steps of a sign, and within 40 along a direction that is u's.
TEST_CASE("a linear classifier is attacked as the closed form says",
          "[sampler][projected_gradient]") {
  auto const x   = numbers(n * D, 2, 0.5);
  double const r = 0.3;
  auto const box = attacked<Linear>(
      ProjectedGradient<ball::LInfinity>{.step_size = 0.05, .radius = r, .restarts = 2}, linear, x);
  auto const round = attacked<Linear>(
      ProjectedGradient<ball::L2>{.step_size = 0.05, .radius = r, .restarts = 2}, linear, x);
  double const norm = std::sqrt(4 + 1 + 0.25);
  double worst = 0, apart = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double at_box[D], at_round[D];
    for (std::size_t d = 0; d < D; ++d) {
      double const side = label(i) == 1 ? 1 : -1;
      at_box[d]         = x[D * i + d] + side * r * (u[d] > 0 ? 1 : -1);
      at_round[d]       = x[D * i + d] + side * r * u[d] / norm;
      worst             = std::max(worst, std::abs(box.x[D * i + d] - at_box[d]));
      // The direction is right to (1 - step / radius)^40.
      apart = std::max(apart, std::abs(round.x[D * i + d] - at_round[d]));
    }
    worst = std::max(worst, std::abs(box.losses[i] - loss(at_box, label(i))));
    apart = std::max(apart, std::abs(round.losses[i] - loss(at_round, label(i))));
  }
  CHECK(worst < 1e-14);
  CHECK(apart < 1e-3);
}

// A row is broken, its loss above log 2, if and only if the radius is above margin / |u| with the norm
// dual to the ball's: 1 for the largest coordinate, 2 for the length. Rows within the error of the
// L2 iterates, 1e-3, of that radius do not count.
TEST_CASE("attacks break the rows whose margin is within the radius",
          "[sampler][projected_gradient]") {
  auto const x     = numbers(n * D, 2, 0.5);
  auto const theta = parameters_of<Curved>(3);
  auto const check = [&](auto options, double norm) {
    auto const white = attacked<Linear>(options, linear, x);
    auto other       = attacked<Curved>(options, theta, x);  // transferred
    options.targeted = true;
    auto const aimed = attacked<Linear>(options, linear, x);
    options.targeted = false;
    options.steps    = 0;
    options.restarts = 20;
    auto const noise = attacked<Linear>(options, linear, x);
    int wrong = 0, broken = 0, stronger = 0;
    double worst = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double gap = 0.3;
      for (std::size_t d = 0; d < D; ++d) gap += u[d] * x[D * i + d];
      double const margin  = label(i) == 1 ? -gap : gap;
      bool const is_broken = white.losses[i] > std::log(2.0);
      broken += is_broken;
      if (std::abs(margin - options.radius * norm) > 2e-3)
        wrong += is_broken != (margin / norm < options.radius);
      stronger += noise.losses[i] > white.losses[i] + 1e-3;
      stronger += loss(&other.x[D * i], label(i)) > white.losses[i] + 1e-3;
      // The target is reached along the same line, the other way.
      worst = std::max(
          worst, std::abs(aimed.losses[i] - std::log1p(std::exp(-margin - options.radius * norm))));
      worst = std::max(worst, std::abs(loss(&aimed.x[D * i], label(i)) - aimed.losses[i]));
    }
    CHECK(wrong == 0);
    CHECK(broken > 0);
    CHECK(broken < n);
    CHECK(stronger == 0);
    CHECK(worst < 1e-3);
  };
  check(ProjectedGradient<ball::LInfinity>{.step_size = 0.05, .radius = 0.3, .restarts = 2}, 3.5);
  check(ProjectedGradient<ball::L2>{.step_size = 0.05, .radius = 0.3, .restarts = 2},
        std::sqrt(5.25));
}

// From the same starts a step is never a loss: u.x grows until the ball ends, and the loss with it. Signs
// are at the farthest corner after 12 steps; the angle of an L2 iterate to u is at most pi (1 - step /
// radius)^K = 0.082 after 20, and its loss |u| r (1 - cos 0.082) = 2.3e-3 below the largest.
TEST_CASE("more steps of an attack are never less", "[sampler][projected_gradient]") {
  auto const x     = numbers(n * D, 2, 0.5);
  auto const check = [&](auto options, double norm, double tolerance) {
    std::vector<double> before;
    int grown = 0;
    for (int const steps : {1, 5, 20}) {
      options.steps   = steps;
      auto const next = attacked<Linear>(options, linear, x).losses;
      for (std::size_t i = 0; i < before.size(); ++i) {
        CHECK(next[i] >= before[i] - 1e-14);  // 20 roundings of x, of 2^-53 |u|_1
        grown += next[i] > before[i] + 0.01;
      }
      before = next;
    }
    CHECK(grown > n);
    double worst = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double gap = 0.3;
      for (std::size_t d = 0; d < D; ++d) gap += u[d] * x[D * i + d];
      double const margin = label(i) == 1 ? -gap : gap;
      worst               = std::max(worst,
                                     std::abs(before[i] - std::log1p(std::exp(options.radius * norm - margin))));
    }
    CHECK(worst < tolerance);
  };
  check(ProjectedGradient<ball::LInfinity>{.step_size = 0.05, .radius = 0.3, .restarts = 1}, 3.5,
        1e-14);
  check(ProjectedGradient<ball::L2>{.step_size = 0.05, .radius = 0.3, .restarts = 1},
        std::sqrt(5.25), 2.4e-3);
}

// Central differences of the training pass with each of the masks, whose mean is the step.
TEST_CASE("a gradient over dropout is the mean of those of its masks",
          "[sampler][projected_gradient]") {
  using Dropped = basin::energy::Classifier<double, basin::Vector<D>, layer::Dense<12>, layer::Silu,
                                            layer::Dropout<std::ratio<1, 4>>, layer::Dense<2>>;
  using Attack  = ProjectedGradient<attack_test::Slope, basin::sampler::expectation::OverDropout>;
  int constexpr masks = 5;
  double const a      = 0.01;
  Attack options{.steps       = 1,
                 .step_size   = a,
                 .restarts    = 1,
                 .lower       = -10,
                 .upper       = 10,
                 .expectation = {.masks = masks}};
  auto const theta = parameters_of<Dropped>(3);
  auto const x     = numbers(n * D, 2, 0.5);

  Model<Exec, Dropped> const model(theta);
  Kokkos::View<int*, Exec> const labels("labels", n);
  auto const host_y = Kokkos::create_mirror_view(labels);
  for (std::size_t i = 0; i < n; ++i) host_y(i) = label(i);
  Kokkos::deep_copy(labels, host_y);
  auto const energy = model.net().with_head(basin::energy::head::CrossEntropy{{labels.data()}});
  using Energy      = std::remove_const_t<decltype(energy)>;
  basin::energy::ParameterGradient<
      Energy, 0, Exec, basin::tile::default_tuning<Exec, double, Energy::workspace_rows>()> const
      pass(n);
  auto const losses = [&](std::vector<double> const& at, int mask) {
    auto const points = on_device<Exec, double>(at);
    pass.record(Exec(), energy, n,
                basin::energy::FillPoints<Points>{Model<Exec, Dropped>::points(points)},
                basin::Stream{basin::seed_of(1, 1), basin::Purpose::dropout, std::uint64_t(mask)});
    return on_host(Kokkos::View<double const*, Exec, Kokkos::MemoryUnmanaged>(pass.energies(), n));
  };
  // The mean over masks from the first on.
  auto const slope = [&](std::vector<double> const& at, int first, int count) {
    std::vector<double> mean(n * D);
    for (std::size_t d = 0; d < D; ++d)
      for (int mask = first; mask < first + count; ++mask) {
        auto above = at, below = at;
        for (std::size_t i = 0; i < n; ++i) above[D * i + d] += step, below[D * i + d] -= step;
        auto const up = losses(above, mask), down = losses(below, mask);
        for (std::size_t i = 0; i < n; ++i)
          mean[D * i + d] += (up[i] - down[i]) / (2 * step * count);
      }
    return mean;
  };
  auto const compare = [&](std::vector<double> const& expected) {
    auto const moved = attacked<Dropped>(options, theta, x).x;
    int kept         = 0;
    double worst     = 0;
    for (std::size_t i = 0; i < n; ++i) {
      // Rows whose loss without dropout did not grow are kept as they were.
      bool const same = std::equal(&x[D * i], &x[D * i] + D, &moved[D * i]);
      kept += same;
      for (std::size_t d = 0; d < D && !same; ++d)
        worst = std::max(worst, std::abs(moved[D * i + d] - expected[D * i + d]) / a);
    }
    CHECK(worst < 2 * tolerance);
    CHECK(kept < n / 2);
  };
  auto const moved_along = [&](std::vector<double> at, std::vector<double> const& g) {
    for (std::size_t k = 0; k < at.size(); ++k) at[k] += a * g[k];
    return at;
  };
  auto const one = slope(x, 0, 1), mean = slope(x, 0, masks);
  compare(moved_along(x, mean));
  int differ = 0;
  for (std::size_t k = 0; k < x.size(); ++k) differ += std::abs(mean[k] - one[k]) > 1e-3;
  CHECK(differ > n);
  // The next step has masks of its own.
  options.steps             = 2;
  options.expectation.masks = 1;
  auto const first          = moved_along(x, one);
  compare(moved_along(first, slope(first, 1, 1)));
}

TEST_CASE("an attack stays in its ball and in the range", "[sampler][projected_gradient]") {
  auto const theta = parameters_of<Curved>(3);
  auto const x     = numbers(n * D, 2, 0.9);
  double const r   = 0.25;
  auto const check = [&](auto const& options, auto const& distance) {
    auto const one = attacked<Curved>(options, theta, x);
    Model<Exec, Curved> const model(theta);
    double far = 0, most = 0;
    for (std::size_t i = 0; i < n; ++i) {
      far = std::max(far, distance(&one.x[D * i], &x[D * i]));
      for (std::size_t d = 0; d < D; ++d) most = std::max(most, std::abs(one.x[D * i + d]));
    }
    CHECK(far < r * (1 + 1e-12));
    CHECK(far > r * (1 - 1e-12));
    CHECK(most <= 0.95);
    // The same seed gives the same bits; more restarts, and more than none, never a smaller loss.
    CHECK(attacked<Curved>(options, theta, x).x == one.x);
    auto more = options, none = options;
    more.restarts  = 6;
    none.steps     = 0;
    none.radius    = 1e-9;
    auto const six = attacked<Curved>(more, theta, x), clean = attacked<Curved>(none, theta, x);
    int smaller = 0, larger = 0;
    for (std::size_t i = 0; i < n; ++i) {
      smaller += six.losses[i] < one.losses[i];
      larger += one.losses[i] > clean.losses[i] + 1e-6;
    }
    CHECK(smaller == 0);
    CHECK(larger == n);
  };
  check(ProjectedGradient<ball::LInfinity>{.steps     = 20,
                                           .step_size = 0.05,
                                           .radius    = r,
                                           .restarts  = 1,
                                           .lower     = -0.95,
                                           .upper     = 0.95},
        [](double const* a, double const* b) {
          return std::max({std::abs(a[0] - b[0]), std::abs(a[1] - b[1]), std::abs(a[2] - b[2])});
        });
  check(ProjectedGradient<ball::L2>{.steps     = 20,
                                    .step_size = 0.05,
                                    .radius    = r,
                                    .restarts  = 1,
                                    .lower     = -0.95,
                                    .upper     = 0.95},
        [](double const* a, double const* b) {
          return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
        });
}

TEST_CASE("a gradient of zero moves nothing", "[sampler][projected_gradient]") {
  std::vector<double> const constant(8, 0.0);
  auto const x = numbers(n * D, 2, 0.5);
  // Neither the start nor a step has a larger loss than log 2 of the rows, which are kept.
  auto const result = attacked<Linear>(ProjectedGradient<ball::L2>{.restarts = 1}, constant, x);
  CHECK(result.x == x);
  CHECK_THAT(result.losses[0], WithinAbs(std::log(2.0), 1e-15));
}

TEST_CASE("an attack refuses what does not fit", "[sampler][projected_gradient]") {
  std::string const who = "basin::sampler::ProjectedGradient: ";
  CHECK_THROWS_WITH(ProjectedGradient<>{.radius = 0}.check(),
                    who + "radius must be > 0 and finite, got 0");
  CHECK_THROWS_WITH((ProjectedGradient<>{.lower = 1, .upper = 1}.check()),
                    who + "lower must be < upper, got 1 and 1");
  using OverDropout = basin::sampler::expectation::OverDropout;
  CHECK_THROWS_WITH((ProjectedGradient<ball::L2, OverDropout>{.expectation = {.masks = 0}}.check()),
                    "basin::sampler::expectation::OverDropout: masks must be in [1, 2048], got 0");
  Model<Exec, Linear> const model(linear);
  Points const points("points", n, D), few("few", n - 1, D);
  Kokkos::View<double*, Exec> const losses("losses", n);
  Kokkos::View<int*, Exec> const labels("labels", n);
  auto const run = [&](auto const& y, auto const& p, auto const& to) {
    basin::sampler::attack(Exec(), ProjectedGradient<ball::L2>{}, model.net(), y, p, to, losses);
  };
  CHECK_THROWS_WITH(
      run(labels, Points("p", n, 2), points),
      "basin::sampler::attack: points has second extent 2, the energy has dimension 3");
  CHECK_THROWS_WITH(run(labels, points, few),
                    "basin::sampler::attack: adversarial has shape (36, 3), points has (37, 3)");
  CHECK_THROWS_WITH(
      run(Kokkos::View<int*, Exec>("labels", 2), points, points),
      "basin::sampler::attack: labels has first extent 2 and losses 37, points has 37");
  Kokkos::View<int*, Exec> const beyond("labels", n);
  Kokkos::deep_copy(beyond, 2);
  CHECK_THROWS_WITH(run(beyond, points, Points("to", n, D)),
                    "basin::sampler::attack: labels must be in [0, 2), the number of logits; "
                    "labels(0) is 2");
}

}  // namespace
