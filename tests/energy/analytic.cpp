// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/analytic.hpp>
#include <basin/energy/derivatives.hpp>
#include <basin/energy/evaluate.hpp>

#include "support/finite_difference.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::tile::Tuning;
using namespace basin::test;

// E = height (x^2 - 1)^2 + (x y + z^2) / 2, written as a user would.
template <class Scalar>
struct DoubleWell {
  using scalar_type              = Scalar;
  static constexpr int dimension = 3;

  Scalar height = 1;

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[3], V (&dx)[3]) const {
    V const w    = fma(x[0], x[0], V(-1));
    V const half = V(Scalar(0.5));
    dx[0]        = V(4 * height) * w * x[0] + half * x[1];
    dx[1]        = half * x[0];
    dx[2]        = x[2];
    return V(height) * w * w + half * fma(x[0], x[1], x[2] * x[2]);
  }
};

template <class Scalar>
using Energy = basin::energy::Analytic<DoubleWell<Scalar>>;

constexpr double height = 1.75;
double double_well(double x, double y, double z) {
  return height * (x * x - 1) * (x * x - 1) + (x * y + z * z) / 2;
}

template <class Scalar, Tuning tuning = basin::tile::default_tuning<Exec, Scalar>()>
std::vector<Scalar> energies_and_gradients(std::vector<double> const& x) {
  using Points      = Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec>;
  int const n       = static_cast<int>(x.size()) / 3;
  auto const values = on_device<Exec, Scalar>(x);
  Kokkos::View<Scalar*, Exec> const e("e", n), g("g", 3 * n);
  Points const points(values.data(), n, 3), gradients(g.data(), n, 3);
  Energy<Scalar> const energy{{.height = static_cast<Scalar>(height)}};
  basin::energy::energies<tuning>(Exec(), energy, points, e);
  basin::energy::gradients<tuning>(Exec(), energy, points, gradients);
  auto result     = on_host(e);
  auto const more = on_host(g);
  result.insert(result.end(), more.begin(), more.end());
  return result;
}

TEMPLATE_TEST_CASE("a formula is evaluated as it is written", "[energy][analytic]", float, double) {
  std::size_t constexpr n = 37;
  auto const x            = numbers(3 * n, 1, 1.5);
  auto const result       = energies_and_gradients<TestType>(x);
  // Values and derivatives up to 20, each of under ten roundings.
  double const bound = 20 * 10 * std::numeric_limits<TestType>::epsilon() / 2;
  double error       = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double const a = x[3 * i], b = x[3 * i + 1], c = x[3 * i + 2];
    TestType const* const g = result.data() + n + 3 * i;
    error                   = std::max({error, std::abs(result[i] - double_well(a, b, c)),
                                        std::abs(g[0] - (4 * height * (a * a - 1) * a + b / 2)),
                                        std::abs(g[1] - a / 2), std::abs(g[2] - c)});
  }
  CHECK(error < bound);
}

TEST_CASE("a formula's derivatives are the differences of its values", "[energy][analytic]") {
  std::size_t constexpr n = 5;
  auto const x            = numbers(3 * n, 2, 1.5);
  auto const here         = energies_and_gradients<double>(x);
  double error            = 0;
  for (std::size_t i = 0; i < 3 * n; ++i) {
    auto up = x, down = x;
    up[i] += step;
    down[i] -= step;
    double const difference =
        (energies_and_gradients<double>(up)[i / 3] - energies_and_gradients<double>(down)[i / 3]) /
        (2 * step);
    error = std::max(error, std::abs(here[n + i] - difference));
  }
  CHECK(error < 20 * tolerance);
}

// E = J sum of the sines of what lies between neighbors, and of their squares: numbers of the
// formula's own times vectors and jets, and sums in place.
struct Ring {
  using scalar_type              = float;
  static constexpr int dimension = 3;
  float coupling                 = 1;

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[3], V (&dx)[3]) const {
    V e(0);
    for (int i = 0; i < 3; ++i) dx[i] = V(0);
    for (int i = 0; i < 3; ++i) {
      V const turn  = x[(i + 1) % 3] - x[i];
      V const slope = coupling * cos(turn) + turn * coupling;
      e += coupling * sin(turn);
      e += 0.5f * coupling * turn * turn;
      dx[(i + 1) % 3] += slope;
      dx[i] -= slope;
    }
    return e;
  }
};

TEST_CASE("a formula with numbers of its own has second derivatives", "[energy][analytic]") {
  // tr H = 2 J sum (1 - sin)
  float constexpr J = 1.75f;
  basin::energy::Analytic<Ring> const energy{{.coupling = J}};
  std::vector<float> const x = {0.3f, -0.4f, 0.9f};
  auto const points          = on_device<Exec, float>(std::vector<double>(x.begin(), x.end()));
  Kokkos::View<float*, Exec> const trace("trace", 1);
  basin::energy::hessian_traces(
      Exec(), energy, Kokkos::View<float**, Kokkos::LayoutRight, Exec>(points.data(), 1, 3), trace);
  double expected = 0;
  for (int i = 0; i < 3; ++i)
    expected += 2 * J * (1 - std::sin(double(x[std::size_t((i + 1) % 3)]) - x[std::size_t(i)]));
  CHECK(std::abs(on_host(trace)[0] - expected) < 1e-5 * expected);
}

TEMPLATE_TEST_CASE("a formula gives the same bits in every tuning", "[energy][analytic]", float,
                   double) {
  auto const x       = numbers(3 * 37, 3, 1.5);
  auto const results = run_in_each_tuning<Exec, TestType>(
      [&]<Tuning tuning>() { return energies_and_gradients<TestType, tuning>(x); });
  CHECK(tunings_that_differ(results) == 0);
}

// E = sum_d (x_d - x_(d+1))^2 / 2 on a ring.
template <int n>
struct LargeRing {
  using scalar_type              = float;
  static constexpr int dimension = n;
  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[n], V (&dx)[n]) const {
    V e(0);
    for (int d = 0; d < n; ++d) {
      V const right = x[d] - x[(d + 1) % n], left = x[d] - x[(d + n - 1) % n];
      dx[d] = left + right;
      e     = fma(V(0.5f) * right, right, e);
    }
    return e;
  }
};

TEST_CASE("a formula of a state that no stack holds", "[energy][analytic]") {
  // Two vectors of 2^18 coordinates are 16 MiB for 8 lanes. 17 chains, of which chain i is i mod 5
  // at every second coordinate.
  int constexpr n = 1 << 18, count = 17;
  using Points = Kokkos::View<float**, Kokkos::LayoutRight, Exec>;
  Points const points("points", count, n), gradients("gradients", count, n);
  auto const host = Kokkos::create_mirror_view(points);
  for (int i = 0; i < count; ++i)
    for (int d = 0; d < n; d += 2) host(i, d) = static_cast<float>(i % 5);
  Kokkos::deep_copy(points, host);
  Kokkos::View<float*, Exec> const e("e", count);
  basin::energy::Analytic<LargeRing<n>> const energy{};
  basin::energy::energies(Exec(), energy, points, e);
  basin::energy::gradients(Exec(), energy, points, gradients);
  auto const energies = on_host(e);
  auto const g        = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), gradients);
  int wrong           = 0;
  for (int i = 0; i < count; ++i) {
    int const x = i % 5;
    wrong += energies[std::size_t(i)] != 0.5f * n * x * x;
    for (int d = 0; d < n; ++d) wrong += g(i, d) != (d % 2 == 0 ? 2 * x : -2 * x);
  }
  CHECK(wrong == 0);
}

}  // namespace
