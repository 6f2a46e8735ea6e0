// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/network.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/square.hpp>
#include <basin/objective/concepts.hpp>
#include <basin/objective/flow_matching.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/columns.hpp"
#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::Step;
using basin::objective::FlowMatching;
using Catch::Matchers::WithinAbs;
namespace layer = basin::layer;
namespace start = basin::sampler::start;

// V = w x^2 + b, grad V = beta x with beta = 2 w: the linear family.
using Line = basin::energy::Network<double, basin::Vector<1>, layer::Square, layer::Dense<1>>;
using Small =
    basin::energy::Network<double, basin::Vector<3>, layer::Dense<5>, layer::Silu, layer::Dense<1>>;
using Numbers = Kokkos::View<double*, Exec>;

constexpr double v = 1.7;

// The increasing map of N(0, v) to N(0, 1), which are then coupled in their order.
struct Increasing {
  using axis                 = basin::sampler::start_axis;
  static constexpr auto rows = basin::sampler::StartRows::batch;
  template <class Scalar>
  KOKKOS_FUNCTION void operator()(basin::Stream const&, int, std::uint32_t, Scalar (&x)[4]) const {
    for (Scalar& xi : x) xi /= Kokkos::sqrt(Scalar(v));
  }
};

// An objective with its arrays, on fixed points.
template <class E, class Objective,
          basin::tile::Tuning tuning =
              basin::tile::default_tuning<Exec, double, E::workspace_rows>()>
struct Fixture {
  using Bound = basin::objective::bound<Objective, E, Exec, tuning>;
  Objective options;
  Exec exec;
  Bound state;
  Numbers theta{"theta", E::parameters}, gradient{"gradient", E::parameters};

  Fixture(Objective const& o, std::vector<double> const& points, Exec const& where = Exec())
      : options(o), exec(where), state(where, o, int(points.size()) / E::dimension, {}, 3) {
    auto const to   = state.batch().points;
    auto const host = Kokkos::create_mirror_view(to);
    std::copy(points.begin(), points.end(), host.data());
    Kokkos::deep_copy(to, host);
  }
  void set(std::vector<double> const& values) {
    Kokkos::deep_copy(theta, on_device<Exec, double>(values));
  }
  void run(Step const& step) {
    state.gradient(exec, options, E(theta.data()), step, nullptr, gradient.data());
  }
  std::vector<double> operator()(std::uint64_t step) {
    run(step);
    exec.fence();
    return on_host(gradient);
  }
  double loss(std::uint64_t step) {
    run(step);
    exec.fence();
    return mean_of<Exec>(state.columns(), "loss");
  }
};

// Quantiles of N(0, v), each with its negative.
std::vector<double> normal_points(int n) {
  std::vector<double> x = basin::test::numbers(std::size_t(n) / 2, 3);
  for (double& u : x) u = std::sqrt(-2 * v * std::log(1 - std::abs(u) * 0.999999));
  double square = 0;
  for (double u : x) square += u * u / double(x.size());
  for (double& u : x) u *= std::sqrt(v / square);
  for (int i = n / 2; i-- > 0;) x.push_back(-x[std::size_t(i)]);
  return x;
}

// beta where the gradient in w is 0: it is linear in w, and the mean over steps of two values of it
// gives the root.
template <class Objective>
double root(Objective const& options, int batch, int steps) {
  Fixture<Line, Objective> at(options, normal_points(batch));
  double slope[2]{};
  for (int w = 0; w < 2; ++w) {
    at.set({double(w), 0.5});
    for (int k = 0; k < steps; ++k) slope[w] += at(std::uint64_t(k))[0];
  }
  return 2 * slope[0] / (slope[0] - slope[1]);
}

TEST_CASE("flow matching of a Gaussian to a wider one in its order has a slope below 0",
          "[objective][flow_matching]") {
  double const d = std::sqrt(v) - 1, beta = -d * (1 + d / 2) / (1 + d + d * d / 3);
  CHECK_THAT(beta, WithinAbs(-0.26225, 5e-6));
  // A ratio of means over t: with x_t = (1 + t d) x_0 of a relative spread of d / sqrt(12), 20 000
  // of them, and the squares x_0^2 as weights, a standard error of beta d / sqrt(12) sqrt(3 / 20 000)
  // = 3e-4.
  CHECK_THAT(root(FlowMatching<Increasing>{}, 2000, 10), WithinAbs(beta, 1.5e-3));
}

TEST_CASE("weight, noise and source of flow matching have their place in its slope",
          "[objective][flow_matching]") {
  double constexpr cutoff = 0.6, sigma = 0.5, source = 0.8;
  double up = 0, down = 0;
  int constexpr cells = 10000;
  for (int i = 0; i < cells; ++i) {
    double const t = (i + 0.5) / cells, w = t < cutoff ? 1 : (1 - t) / (1 - cutoff);
    // Of independent x_0 and x_1: E x_t (x_1 - x_0) and E x_t^2.
    up += w * (t * v - (1 - t) * source * source);
    down += w * (t * t * v + (1 - t) * (1 - t) * source * source + sigma * sigma);
  }
  FlowMatching<> const options{
      .source = {.standard_deviation = source}, .standard_deviation = sigma, .cutoff = cutoff};
  // The residual beta x_t + x_1 - x_0 times x_t has a deviation of about 2 for E x_t^2 of about 1:
  // with 80 000 samples 0.007.
  CHECK_THAT(root(options, 2000, 40), WithinAbs(-up / down, 0.03));
}

TEST_CASE("the loss of flow matching is a mean over dimensions", "[objective][flow_matching]") {
  auto const x = numbers(3 * 21, 2, 1.5);
  // V = 0, and every x_0 = (m, m, m).
  double constexpr m = 0.25;
  Fixture<Small, FlowMatching<>> at({.source = {.mean = m, .standard_deviation = 0}}, x);
  double right = 0;
  for (double xi : x) right += (xi - m) * (xi - m) / 3 / 21;
  CHECK_THAT(at.loss(0), WithinAbs(right, 1e-14));
}

TEST_CASE("the gradient of flow matching is that of its loss, with its draws held fixed",
          "[objective][flow_matching]") {
  Fixture<Small, FlowMatching<>> at(
      {.source = {.mean = 0.3}, .standard_deviation = 0.2, .cutoff = 0.5}, numbers(3 * 21, 2, 1.5));
  auto theta = basin::test::parameters_of<Small>(1);
  for (std::uint64_t const k : {0, 3}) {
    at.set(theta);
    auto const g = at(k);
    double error = 0;
    for (std::size_t i = 0; i < theta.size(); ++i) {
      double const here = theta[i];
      theta[i]          = here + step;
      at.set(theta);
      double const above = at.loss(k);
      theta[i]           = here - step;
      at.set(theta);
      double const below = at.loss(k);
      theta[i]           = here;
      error              = std::max(error, std::abs(g[i] - (above - below) / (2 * step)));
    }
    CHECK(largest(g) > 0.1);
    CHECK(error < tolerance * (1 + largest(g)));
  }
}

TEST_CASE("flow matching has the same bits in every tuning and for any number of threads",
          "[objective][flow_matching]") {
  auto const points = numbers(3 * 37, 2, 1.5);
  auto const theta  = basin::test::parameters_of<Small>(1);
  FlowMatching<> const options{.standard_deviation = 0.2, .cutoff = 0.5};
  Fixture<Small, FlowMatching<>> usual(options, points);
  usual.set(theta);
  auto const right = usual(2);
  CHECK(right != usual(3));
  Fixture<Small, FlowMatching<>, basin::tile::Tuning{8, 4, 4, 1, 1}> other(options, points);
  other.set(theta);
  CHECK(other(2) == right);
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    auto const part = Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1})[0];
    Fixture<Small, FlowMatching<>> one(options, points, part);
    one.set(theta);
    CHECK(one(2) == right);
  }
}

TEST_CASE("flow matching allocates nothing and fences nothing", "[objective][flow_matching]") {
  basin::bench::watch_kokkos();
  Fixture<Small, FlowMatching<>> at({}, numbers(3 * 37, 2, 1.5));
  at.run(0);
  auto const t = basin::bench::count(Exec(), 20, [&] { at.run(1); });
  CHECK(t.allocations == 0);
  CHECK(t.fences == 0);
}

TEST_CASE("flow matching refuses a weight past the end of the path",
          "[objective][flow_matching][refusal]") {
  CHECK_THROWS_MATCHES(FlowMatching<>{.cutoff = 1.5}.check(1), std::invalid_argument,
                       Catch::Matchers::Message("basin::objective::FlowMatching: cutoff must be in "
                                                "[0, 1], got 1.5"));
}

}  // namespace
