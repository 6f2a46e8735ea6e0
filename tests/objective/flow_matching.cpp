// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/flow_matching.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/matching.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::FlowMatching;
using Catch::Matchers::WithinAbs;

TEST_CASE("flow matching of a Gaussian to a wider one in its order has a slope below 0",
          "[objective][flow_matching]") {
  double const d = std::sqrt(v) - 1, beta = -d * (1 + d / 2) / (1 + d + d * d / 3);
  CHECK_THAT(beta, WithinAbs(-0.26225, 5e-6));
  // A ratio of means over t: with x_t = (1 + t d) x_0 of a relative spread of d / sqrt(12), 20 000
  // of them, and the squares x_0^2 as weights, a standard error of beta d / sqrt(12) sqrt(3 / 20 000)
  // = 3e-4.
  CHECK_THAT(root<Exec>(FlowMatching<Increasing>{}, points_of_variance_v(2000), 10),
             WithinAbs(beta, 1.5e-3));
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
  CHECK_THAT(root<Exec>(options, points_of_variance_v(2000), 40), WithinAbs(-up / down, 0.03));
}

TEST_CASE("the loss of flow matching is a mean over dimensions", "[objective][flow_matching]") {
  auto const x = numbers(3 * 21, 2, 1.5);
  // V = 0, and every x_0 = (m, m, m).
  double constexpr m = 0.25;
  Fixture<Exec, Small, FlowMatching<>> at({.source = {.mean = m, .standard_deviation = 0}}, x);
  at.set(std::vector<double>(Small::parameters));
  at(0);
  double right = 0;
  for (double xi : x) right += (xi - m) * (xi - m) / 3 / 21;
  CHECK_THAT(at.mean("loss"), WithinAbs(right, 1e-14));
}

TEST_CASE("the gradient of flow matching is that of its loss, with its draws held fixed",
          "[objective][flow_matching]") {
  Fixture<Exec, Small, FlowMatching<>> at(
      {.source = {.mean = 0.3}, .standard_deviation = 0.2, .cutoff = 0.5}, numbers(3 * 21, 2, 1.5));
  check_gradient(at, [&] { return at.mean("loss"); });
}

TEST_CASE("flow matching has the same bits in every tuning and for any number of threads",
          "[objective][flow_matching]") {
  auto const points = numbers(3 * 37, 2, 1.5);
  FlowMatching<> const options{.standard_deviation = 0.2, .cutoff = 0.5};
  Fixture<Exec, Small, FlowMatching<>> usual(options, points);
  auto const right = usual(2);
  CHECK(right != usual(3));
  Fixture<Exec, Small, FlowMatching<>, basin::tile::Tuning{8, 4, 4, 1, 1}> other(options, points);
  CHECK(other(2) == right);
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    auto const part = Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1})[0];
    Fixture<Exec, Small, FlowMatching<>> one(options, points, part);
    CHECK(one(2) == right);
  }
}

TEST_CASE("flow matching allocates nothing and fences nothing", "[objective][flow_matching]") {
  basin::bench::watch_kokkos();
  Fixture<Exec, Small, FlowMatching<>> at({}, numbers(3 * 37, 2, 1.5));
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
