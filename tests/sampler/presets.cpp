// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/analytic.hpp>
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/presets.hpp>

#include "support/reference_noise.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

namespace {

namespace presets = basin::sampler::presets;
using basin::Stream;
using Catch::Matchers::WithinAbs;

using Exec = BASIN_TEST_EXEC;

constexpr int dimension = 5;
using State             = std::array<double, dimension>;
using Gradient          = std::function<State(State const&)>;

// A user's own energy: k (sum_d sqrt(1 + x_d^2) + |x - shifted x|^2 / 8). Its curvature lies in
// [0, 2 k], so that a step with alpha k <= 1 expands no difference: rounding errors do not grow.
template <class Scalar>
struct UserFormula {
  using scalar_type              = Scalar;
  static constexpr int dimension = ::dimension;
  Scalar k                       = 1;

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[5], V (&dx)[5]) const {
    V sum(0);
    for (int d = 0; d < 5; ++d) {
      V const root = sqrt(V(1) + x[d] * x[d]), next = x[(d + 1) % 5], last = x[(d + 4) % 5];
      sum   = sum + root + V(0.125) * (x[d] - next) * (x[d] - next);
      dx[d] = V(k) * (x[d] / root + V(0.25) * (x[d] + x[d] - next - last));
    }
    return V(k) * sum;
  }
};

Gradient user_gradient(double k) {
  return [k](State const& x) {
    State g;
    for (std::size_t d = 0; d < 5; ++d)
      g[d] = k * x[d] / std::sqrt(1 + x[d] * x[d]) +
             k / 4 * (2 * x[d] - x[(d + 1) % 5] - x[(d + 4) % 5]);
    return g;
  };
}

Gradient quadratic_gradient(double k) {
  return [k](State const& x) {
    State g;
    for (std::size_t d = 0; d < 5; ++d) g[d] = k * x[d];
    return g;
  };
}

// One chain of the published codes, as FIELD's table of what each step really does spells them.
struct ScalarChain {
  State x;
  Gradient gradient_of;
  Stream stream;
  std::uint32_t number;
  State g{};

  void add_noise(double sigma) {
    for (int d = 0; d < dimension; ++d)
      x[static_cast<std::size_t>(d)] += sigma * basin::test::reference_normal(stream, number, d);
  }
  void gradient() { g = gradient_of(x); }
  void clip(double limit) {
    for (double& gi : g) gi = std::max(-limit, std::min(limit, gi));
  }
  void move(double alpha) {
    for (std::size_t d = 0; d < 5; ++d) x[d] -= alpha * g[d];
  }
  void clamp(double lower, double upper) {
    for (double& xi : x) xi = std::max(lower, std::min(upper, xi));
  }
};

void uva(ScalarChain& c, int steps) {
  for (int k = 0; k < steps; ++k, ++c.stream.step) {
    c.add_noise(0.005);
    c.clamp(-1, 1);
    c.gradient();
    c.clip(0.03);
    c.move(10);
    c.clamp(-1, 1);
  }
}
void igebm(ScalarChain& c, int steps) {
  for (int k = 0; k < steps; ++k, ++c.stream.step) {
    c.add_noise(0.005);
    c.gradient();
    c.clip(0.01);
    c.move(10);
    c.clamp(0, 1);
  }
}
void jem(ScalarChain& c, int steps) {
  for (int k = 0; k < steps; ++k, ++c.stream.step) {
    c.gradient();
    c.move(1);
    c.add_noise(0.01);
  }
}
void improved_cd(ScalarChain& c, int steps) {
  for (int k = 0; k < steps; ++k, ++c.stream.step) {
    c.add_noise(0.001);
    c.gradient();
    c.move(100);
    c.clamp(0, 1);
  }
}
void clel(ScalarChain& c, int steps) {
  for (int k = 0; k < steps; ++k, ++c.stream.step) {
    c.gradient();
    c.clip(100);
    c.move(100);
    c.add_noise(0.001);
    c.clamp(0, 1);
  }
}
void sada_jem(ScalarChain& c, int steps) {
  for (int k = 0; k < steps; ++k, ++c.stream.step) {
    c.gradient();
    c.clip(1);
    c.move(1);
    c.clamp(-1, 1);
  }
}

constexpr int chains = 19;
Stream const stream{.seed = 0xFEDCBA9876543210, .step = 41};

// Inside the bounds and outside. The first chain is so far out that even CLEL's clip of 100 acts,
// and takes it to a point between the bounds.
double start(int n, int d) {
  return n == 0 ? 1e4 + 0.1 + 0.1 * d : 2.5 * std::sin(1.7 * n + 2.3 * d * d + 1);
}

template <class Sampler, class Energy>
auto run(Sampler const& sampler, Energy const& energy) {
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const x("x", chains, dimension);
  auto const host = Kokkos::create_mirror_view(x);
  for (int n = 0; n < chains; ++n)
    for (int d = 0; d < dimension; ++d) host(n, d) = start(n, d);
  Kokkos::deep_copy(x, host);
  basin::sampler::sample(Exec(), sampler, energy, x, stream);
  return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), x);
}

// Largest difference between the sampler's chains and those of the scalar code, relative to max(1,
// |x|).
template <class Sampler, class Energy>
double difference(Sampler const& sampler, Energy const& energy, void (*scalar)(ScalarChain&, int),
                  Gradient const& gradient) {
  auto const x   = run(sampler, energy);
  double largest = 0;
  for (int n = 0; n < chains; ++n) {
    ScalarChain c{{}, gradient, stream, static_cast<std::uint32_t>(n)};
    for (int d = 0; d < dimension; ++d) c.x[static_cast<std::size_t>(d)] = start(n, d);
    scalar(c, sampler.steps);
    for (int d = 0; d < dimension; ++d) {
      double const expected = c.x[static_cast<std::size_t>(d)];
      largest = std::max(largest, std::abs(x(n, d) - expected) / std::max(1., std::abs(expected)));
    }
  }
  return largest;
}

template <class Sampler>
void check_preset(Sampler const& preset, void (*scalar)(ScalarChain&, int), int steps,
                  double temperature) {
  CHECK(preset.steps == steps);
  CHECK_THAT(preset.effective_temperature(), WithinAbs(temperature, 1e-12 * temperature));
  CHECK_NOTHROW(preset.check());
  basin::energy::Quadratic<double, dimension> const quadratic{
      {.stiffness = 1.5 / preset.step_size}};
  basin::energy::Analytic<UserFormula<double>> const user{{.k = 1 / preset.step_size}};
  // After few steps as well: many of them forget from where they came, and with it a clip.
  for (int const few : {1, 2, steps}) {
    CAPTURE(few);
    Sampler sampler = preset;
    sampler.steps   = few;
    // At most 60 steps of a dozen roundings of 1e-16, which no step expands.
    CHECK(difference(sampler, quadratic, scalar, quadratic_gradient(1.5 / preset.step_size)) <
          1e-12);
    CHECK(difference(sampler, user, scalar, user_gradient(1 / preset.step_size)) < 1e-12);
  }
}

TEST_CASE("uva runs UvA's step: noise, clamp, gradient, clip, move, clamp", "[sampler][presets]") {
  check_preset(presets::uva, uva, 60, 1.25e-6);
}
TEST_CASE("igebm runs IGEBM's step: noise, gradient, clip, move, clamp", "[sampler][presets]") {
  check_preset(presets::igebm, igebm, 60, 1.25e-6);
}
TEST_CASE("jem runs JEM's step: gradient, move and noise, without bounds", "[sampler][presets]") {
  check_preset(presets::jem, jem, 20, 5e-5);
}
TEST_CASE("improved_cd runs ICD's step: noise, gradient, move, clamp", "[sampler][presets]") {
  check_preset(presets::improved_cd, improved_cd, 40, 5e-9);
}
TEST_CASE("clel runs CLEL's step: gradient, clip, move and noise, clamp", "[sampler][presets]") {
  check_preset(presets::clel, clel, 60, 5e-9);
}
TEST_CASE("sada_jem runs SADA-JEM's step: gradient, clip, move, clamp", "[sampler][presets]") {
  check_preset(presets::sada_jem, sada_jem, 5, 0);
}

TEST_CASE("the order alone makes other chains", "[sampler][presets]") {
  // IGEBM's numbers in CLEL's order and in UvA's: without this the tests above would be blind to
  // the order.
  auto const numbers = [](auto preset) {
    preset.steps = 60, preset.step_size = 10, preset.noise = 0.005, preset.clip = 0.01;
    preset.lower = 0, preset.upper = 1;
    return preset;
  };
  basin::energy::Analytic<UserFormula<double>> const energy{{.k = 0.1}};
  auto const expected = user_gradient(0.1);
  CHECK(difference(numbers(presets::igebm), energy, igebm, expected) < 1e-12);
  CHECK(difference(numbers(presets::clel), energy, igebm, expected) > 1e-4);
  CHECK(difference(numbers(presets::uva), energy, igebm, expected) > 1e-4);
}

}  // namespace
