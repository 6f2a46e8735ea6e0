// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/analytic.hpp>
#include <basin/energy/network.hpp>
#include <basin/energy/pack.hpp>
#include <basin/energy/quadratic.hpp>
#include <basin/layer/silu.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/sampler/mala.hpp>

#include "support/reference_noise.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

namespace clip = basin::sampler::clip;
using basin::Stream;
using basin::energy::Quadratic;
using basin::sampler::Calibrated;
using basin::sampler::Decoupled;
using basin::sampler::Langevin;
using basin::sampler::Op;
using basin::sampler::sample;
using basin::sampler::UpdateOrder;
using basin::tile::Tuning;
using Catch::Matchers::WithinAbs;

using Exec = BASIN_TEST_EXEC;
template <class Scalar>
using Chains = Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec>;

double const infinity = std::numeric_limits<double>::infinity();

template <class View>
auto on_host(View const& view) {
  return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
}

// Starting points without a pattern, in [-range, range].
template <class View>
View spread(View const& chains, double range) {
  auto const host = Kokkos::create_mirror_view(chains);
  for (std::size_t n = 0; n < host.extent(0); ++n)
    for (std::size_t d = 0; d < host.extent(1); ++d)
      host(n, d) = static_cast<typename View::value_type>(
          range * std::sin(1.7 * double(n) + 2.3 * double(d * d) + 1));
  Kokkos::deep_copy(chains, host);
  return chains;
}
template <class Scalar>
Chains<Scalar> spread(int count, int dimension, double range) {
  return spread(Chains<Scalar>("chains", count, dimension), range);
}

template <class A, class B>
bool same_bits(A const& a, B const& b) {
  auto const x = on_host(a);
  auto const y = on_host(b);
  if (x.extent(0) != y.extent(0) || x.extent(1) != y.extent(1)) return false;
  for (std::size_t n = 0; n < x.extent(0); ++n)
    for (std::size_t d = 0; d < x.extent(1); ++d)
      if (!(x(n, d) == y(n, d))) return false;
  return true;
}

// Neither quadratic nor separable. Its curvature is in [0, 2 stiffness].
template <class S>
struct Coupled {
  using scalar_type              = S;
  static constexpr int dimension = 5;
  S stiffness                    = 1;

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[5], V (&dx)[5]) const {
    V sum(0);
    for (int d = 0; d < 5; ++d) {
      V const r = sqrt(V(1) + x[d] * x[d]), apart = x[d] - x[(d + 1) % 5];
      sum   = sum + r + S(0.125) * apart * apart;
      dx[d] = V(stiffness) * (x[d] / r + S(0.25) * (apart - x[(d + 4) % 5] + x[d]));
    }
    return V(stiffness) * sum;
  }
};
template <class S>
using CoupledEnergy = basin::energy::Analytic<Coupled<S>>;

std::vector<double> coupled_gradient(std::vector<double> const& x, double stiffness) {
  std::vector<double> dx(5);
  for (std::size_t d = 0; d < 5; ++d)
    dx[d] = stiffness * (x[d] / std::sqrt(1 + x[d] * x[d]) +
                         0.25 * (2 * x[d] - x[(d + 1) % 5] - x[(d + 4) % 5]));
  return dx;
}

struct Moments {
  double mean, variance;
};
template <class View>
Moments moments(View const& chains) {
  auto const x   = on_host(chains);
  double const n = static_cast<double>(x.size());
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < x.extent(0); ++i)
    for (std::size_t d = 0; d < x.extent(1); ++d) {
      sum += x(i, d);
      squares += double(x(i, d)) * x(i, d);
    }
  return {sum / n, squares / n - sum / n * (sum / n)};
}

TEMPLATE_TEST_CASE("Langevin on the quadratic has the variance that theory gives it",
                   "[sampler][langevin]", float, double) {
  // x' = (1 - alpha k) x + sigma xi is an AR(1) chain of variance sigma^2 / (2 alpha k - alpha^2
  // k^2). Here alpha k = 0.4, so that the law exp(-E/T) itself would have a variance 20 % smaller,
  // and what is left of the start after 25 steps is 0.6^50 = 8e-12.
  int constexpr n    = 1 << 15;
  double const alpha = 0.1, k = 4, temperature = 0.45;
  double const squared = 2 * alpha * temperature;
  double const law     = squared / (2 * alpha * k - alpha * alpha * k * k);
  auto const chains    = spread<TestType>(n, 4, 1);
  sample(Exec(), Langevin<>{.steps = 25, .step_size = alpha, .temperature = temperature},
         Quadratic<TestType, 4>{{.stiffness = TestType(k)}}, chains, {.seed = 20250101});

  // The mean of N normals has standard error sqrt(law / N), their variance law sqrt(2 / N); 5 of
  // each.
  double const N = 4 * n;
  auto const m   = moments(chains);
  CHECK_THAT(m.mean, WithinAbs(0, 5 * std::sqrt(law / N)));
  CHECK_THAT(m.variance, WithinAbs(law, 5 * law * std::sqrt(2 / N)));
}

TEST_CASE("Langevin's effective temperature is the one that the chains have for small steps",
          "[sampler][langevin]") {
  // Variance sigma^2 / (2 alpha k - alpha^2 k^2) = (T / k) / (1 - alpha k / 2): T / k as alpha k ->
  // 0.
  int constexpr n = 1 << 12;
  double const N = 4 * n, k = 4, sigma = 0.005;
  for (double const alpha : {0.1, 0.005}) {
    CAPTURE(alpha);
    Langevin<Decoupled> const langevin{
        .steps = static_cast<int>(6 / (alpha * k)), .step_size = alpha, .noise = sigma};
    double const T = langevin.effective_temperature();
    CHECK_THAT(T, WithinAbs(sigma * sigma / (2 * alpha), 1e-15 * T));
    CHECK(langevin.noise_standard_deviation() == sigma);
    Chains<double> const chains("chains", n, 4);
    sample(Exec(), langevin, Quadratic<double, 4>{{.stiffness = k}}, chains, {.seed = 2});
    // 5 standard errors; from 0, (1 - alpha k)^(2 steps) <= e^-12 of the variance is still missing.
    double const excess = 1 / (1 - alpha * k / 2);
    CHECK_THAT(moments(chains).variance * k / T,
               WithinAbs(excess, 5 * excess * std::sqrt(2 / N) + 1e-5));
  }
}

TEST_CASE("an order without noise has the temperature 0", "[sampler][langevin]") {
  using Descent = basin::sampler::UpdateOrder<Op::gradient, Op::move>;
  Langevin<Descent> const calibrated{.step_size = 0.1, .temperature = 2};
  Langevin<Decoupled, Descent> const decoupled{.step_size = 0.1, .noise = 0.5};
  CHECK(calibrated.effective_temperature() == 0);
  CHECK(calibrated.noise_standard_deviation() == 0);
  CHECK(decoupled.effective_temperature() == 0);
  CHECK(decoupled.noise_standard_deviation() == 0);
}

TEST_CASE("Calibrated and Decoupled are the same sampler where their temperatures agree",
          "[sampler][langevin]") {
  // sigma^2 = 2 alpha T without rounding: 0.25 = 2 * 0.125 * 1.
  Langevin<> const calibrated{.steps = 7, .step_size = 0.125, .temperature = 1};
  Langevin<Decoupled> const decoupled{.steps = 7, .step_size = 0.125, .noise = 0.5};
  CHECK(calibrated.effective_temperature() == 1);
  CHECK(calibrated.effective_temperature() == decoupled.effective_temperature());
  CHECK(calibrated.noise_standard_deviation() == decoupled.noise_standard_deviation());
  auto const a = spread<double>(9, 4, 2), b = spread<double>(9, 4, 2);
  sample(Exec(), calibrated, Quadratic<double, 4>{}, a, {.seed = 3});
  sample(Exec(), decoupled, Quadratic<double, 4>{}, b, {.seed = 3});
  CHECK(same_bits(a, b));
}

TEST_CASE("at temperature 0 Langevin is gradient descent", "[sampler][langevin]") {
  auto const chains = spread<double>(3, 4, 1), start = spread<double>(3, 4, 1);
  sample(Exec(), Langevin<>{.steps = 2, .step_size = 0.5, .temperature = 0}, Quadratic<double, 4>{},
         chains, {.seed = 1});
  auto const x = on_host(chains), x0 = on_host(start);
  for (int n = 0; n < 3; ++n)
    for (int d = 0; d < 4; ++d) CHECK(x(n, d) == 0.25 * x0(n, d));
}

// Every operation, some of them before the gradient.
template <class Clip>
using Everything =
    Langevin<Decoupled, Clip,
             UpdateOrder<Op::noise, Op::clamp, Op::gradient, Op::clip, Op::move, Op::clamp>>;
template <class Clip>
constexpr Everything<Clip> everything{
    .steps = 6, .step_size = 0.3, .noise = 0.1, .clip = 0.5, .lower = -1.5, .upper = 1.5};

TEST_CASE("K steps are K1 steps and K2 more of the same stream", "[sampler][langevin]") {
  Everything<clip::PerElement> langevin = everything<clip::PerElement>;
  langevin.steps                        = 9;
  CoupledEnergy<float> const energy{};
  auto const whole = spread<float>(21, 5, 2), parts = spread<float>(21, 5, 2);
  // Across the step that no longer fits in 32 bits.
  std::uint64_t const first = (std::uint64_t(1) << 32) - 3;
  sample(Exec(), langevin, energy, whole, {.seed = 4, .step = first});
  langevin.steps = 2;
  sample(Exec(), langevin, energy, parts, {.seed = 4, .step = first});
  langevin.steps = 7;
  sample(Exec(), langevin, energy, parts, {.seed = 4, .step = first + 2});
  CHECK(same_bits(whole, parts));

  // The stream matters: 7 steps of its beginning are others.
  sample(Exec(), langevin, energy, whole, {.seed = 4, .step = first});
  sample(Exec(), langevin, energy, parts, {.seed = 4, .step = first + 1});
  CHECK_FALSE(same_bits(whole, parts));
}

TEST_CASE("no step leaves the chains and reports that nothing moved", "[sampler][langevin]") {
  auto const chains = spread<float>(5, 5, 1);
  Chains<float> const out("out", 3, 5);
  Kokkos::deep_copy(out, -1.f);
  sample(Exec(), Everything<clip::PerElement>{.steps = 0, .clip = 1e-9}, CoupledEnergy<float>{},
         chains, {}, {{out.data(), out.data() + 5, out.data() + 10}});
  CHECK(same_bits(chains, spread<float>(5, 5, 1)));
  CHECK(same_bits(out, Chains<float>("zeros", 3, 5)));
}

TEST_CASE("what becomes of a chain does not depend on the others of the call",
          "[sampler][langevin]") {
  // 1, 5 and 16 chains fill no tile, or the first; 37 fill some and leave a rest.
  CoupledEnergy<float> const energy{};
  auto const all = spread<float>(37, 5, 2);
  sample(Exec(), everything<clip::PerSample>, energy, all, {.seed = 5});
  for (int const n : {1, 5, 16, 36}) {
    CAPTURE(n);
    auto const few = spread<float>(n, 5, 2);
    sample(Exec(), everything<clip::PerSample>, energy, few, {.seed = 5});
    CHECK(same_bits(few, Kokkos::subview(all, std::pair(0, n), Kokkos::ALL)));
  }
}

template <class Clip, Tuning tuning>
void check_tuning(Chains<float> const& expected, Chains<float> const& expected_statistics) {
  if (tuning.team > Exec().concurrency()) return;
  CAPTURE(tuning.width, tuning.lanes, tuning.rows, tuning.vectors, tuning.team);
  int const n       = static_cast<int>(expected.extent(0));
  auto const chains = spread<float>(n, 5, 2);
  Chains<float> const out("out", 3, n);
  sample<tuning>(Exec(), everything<Clip>, CoupledEnergy<float>{}, chains, {.seed = 6},
                 {{out.data(), out.data() + n, out.data() + 2 * n}});
  CHECK(same_bits(chains, expected));
  CHECK(same_bits(out, expected_statistics));
}

template <class Clip, class Space, Tuning... tunings>
void check_tunings() {
  int constexpr n     = 37;
  auto const expected = spread<float>(n, 5, 2);
  Chains<float> const out("out", 3, n);
  sample(Exec(), everything<Clip>, CoupledEnergy<float>{}, expected, {.seed = 6},
         {{out.data(), out.data() + n, out.data() + 2 * n}});
  (check_tuning<Clip, tunings>(expected, out), ...);
}

// Tunings without a team are for hosts only, so they must not even be compiled elsewhere.
template <class Space>
void check_all_tunings() {
  if constexpr (basin::test::is_host<Space>) {
    check_tunings<clip::PerSample, Space, Tuning{16, 8, 6, 2, 0}, Tuning{32, 16, 12, 2, 0},
                  Tuning{8, 8, 4, 1, 0}, Tuning{16, 4, 4, 2, 0}, Tuning{16, 4, 4, 1, 1},
                  Tuning{8, 1, 3, 2, 2}>();
    check_tunings<clip::PerElement, Space, Tuning{16, 8, 6, 2, 0}, Tuning{8, 1, 3, 2, 2}>();
  } else {
    constexpr int shared = basin::tile::shared_memory<Space>();
    check_tunings<clip::PerSample, Space, Tuning{32, 4, 4, 1, 128, shared},
                  Tuning{8, 1, 3, 2, 64, shared}>();
    check_tunings<clip::PerElement, Space, Tuning{8, 1, 3, 2, 64, shared}>();
  }
}

TEST_CASE("chains are bitwise the same for every tuning", "[sampler][langevin][tuning]") {
  check_all_tunings<Exec>();
}

// One chain, step by step in double: what the words of Langevin's documentation say.
struct Reference {
  double step, noise, clip, lower, upper;
  bool per_sample;
  double displacement = 0, clipped = 0, clamped = 0;  // as the columns

  std::vector<double> run(std::vector<double> x, int steps, Stream stream, std::uint32_t chain) {
    auto const start = x;
    for (int k = 0; k < steps; ++k, ++stream.step) {
      auto g      = coupled_gradient(x, 1);
      double norm = 0;
      clipped     = 0;
      for (double const gi : g) norm += gi * gi;
      norm = std::sqrt(norm);
      for (double& gi : g) {
        if (per_sample) {
          if (norm > clip) gi *= clip / norm;
        } else if (gi > clip || gi < -clip) {
          gi = gi > 0 ? clip : -clip;
          clipped += 0.2;
        }
      }
      if (per_sample) clipped = norm > clip;
      clamped = 0;
      for (std::size_t d = 0; d < 5; ++d) {
        x[d] -= step * g[d];
        x[d] += noise * basin::test::reference_normal(stream, chain, static_cast<int>(d));
        if (x[d] > upper) x[d] = upper;
        if (x[d] < lower) x[d] = lower;
        if (x[d] == upper || x[d] == lower) clamped += 0.2;
      }
    }
    displacement = 0;
    for (std::size_t d = 0; d < 5; ++d) displacement += (x[d] - start[d]) * (x[d] - start[d]);
    displacement = std::sqrt(displacement);
    return x;
  }
};

template <class Clip>
void check_against_reference(double clip, double lower, double upper) {
  int constexpr n = 19, steps = 4;
  Langevin<Decoupled, Clip> const langevin{
      .steps = steps, .step_size = 0.4, .noise = 0.2, .clip = clip, .lower = lower, .upper = upper};
  Stream const stream{.seed = 0x123456789ABCDEF, .step = 77};
  auto const chains = spread<double>(n, 5, 2);
  Chains<double> const out("out", 3, n);
  sample(Exec(), langevin, CoupledEnergy<double>{}, chains, stream,
         {{out.data(), out.data() + n, out.data() + 2 * n}});

  auto const start      = on_host(spread<double>(n, 5, 2));
  auto const x          = on_host(chains);
  auto const statistics = on_host(out);
  double all_clipped = 0, all_clamped = 0;
  for (int i = 0; i < n; ++i) {
    Reference reference{0.4, 0.2, clip, lower, upper, std::is_same_v<Clip, clip::PerSample>};
    auto const expected =
        reference.run({start(i, 0), start(i, 1), start(i, 2), start(i, 3), start(i, 4)}, steps,
                      stream, static_cast<std::uint32_t>(i));
    CAPTURE(i);
    // A few dozen roundings of numbers of order 1; the steps contract, so that they do not grow.
    for (int d = 0; d < 5; ++d)
      CHECK_THAT(x(i, d), WithinAbs(expected[static_cast<std::size_t>(d)], 1e-13));
    CHECK_THAT(statistics(0, i), WithinAbs(reference.displacement, 1e-13));
    CHECK_THAT(statistics(1, i), WithinAbs(reference.clipped, 1e-13));
    CHECK_THAT(statistics(2, i), WithinAbs(reference.clamped, 1e-13));
    all_clipped += reference.clipped / n;
    all_clamped += reference.clamped / n;
  }
  // The case is one only if some are limited and others are not.
  if (!std::isinf(clip)) CHECK_THAT(all_clipped, WithinAbs(0.5, 0.4));
  if (!std::isinf(lower)) CHECK_THAT(all_clamped, WithinAbs(0.5, 0.4));
}

using Mlp =
    basin::energy::Network<float, basin::Vector<5>, basin::layer::Dense<48>, basin::layer::Silu,
                           basin::layer::Dense<48>, basin::layer::Silu, basin::layer::Dense<1>>;

// 20 steps of n chains, on a space of its own.
template <class Space, Tuning tuning>
std::vector<float> chains_of_an_mlp(int n) {
  Kokkos::View<float*, Space> const theta("theta", +Mlp::parameters);
  auto const host = Kokkos::create_mirror_view(theta);
  for (int k = 0; k < Mlp::parameters; ++k)
    host(k) = static_cast<float>(0.2 * std::sin(1.9 * k * k + 0.3));
  Kokkos::deep_copy(theta, host);
  Kokkos::View<float**, Kokkos::LayoutRight, Space> const chains("chains", n, +Mlp::dimension);
  spread(chains, 1.5);
  // With copies of the weights, as a GPU's kernels read them; those of one thread do without.
  Kokkos::View<float*, Space> const packed("packed", Mlp::packed_numbers<tuning>);
  Mlp const energy(theta.data());
  auto const run = [&](auto const& e) {
    sample<tuning>(Space(), Langevin<>{.steps = 20, .step_size = 0.01}, e, chains, {3});
  };
  if constexpr (tuning.team > 0)
    run(basin::energy::pack<tuning>(Space(), energy, packed.data()));
  else
    run(energy);
  auto const x = on_host(chains);
  return {x.data(), x.data() + x.size()};
}

// Draw by draw: the noise is the same numbers, and only sums that a GPU splits differ. A gradient
// of at most 2 whose longest sum has 48 terms is off by under 48 eps |g| = 6e-6, so 20 steps of
// 0.01 by 1.2e-6; each step rounds x, of at most 4, by eps / 2: 20 * 2.4e-7 = 4.8e-6.
TEST_CASE("a host and Exec run the same chains", "[sampler][langevin]") {
  using Host           = Kokkos::DefaultHostExecutionSpace;
  auto const reference = chains_of_an_mlp<Host, Tuning{16, 8, 6, 2, 0}>(100);
  auto const largest   = [&](std::vector<float> const& other) {
    double most = 0;
    for (std::size_t i = 0; i < other.size(); ++i)
      most = std::max(most, std::abs(double(other[i]) - double(reference[i])));
    return most;
  };
  // Tiles of 2, of 4 and of 16 chains where a GPU has four multiprocessors, as a played one.
  for (int const n : {7, 37, 100}) {
    constexpr Tuning tuning = basin::tile::default_tuning<Exec, float, Mlp::workspace_rows>();
    auto const chains       = chains_of_an_mlp<Exec, tuning>(n);
    CAPTURE(n);
    CHECK(chains.size() == static_cast<std::size_t>(n * Mlp::dimension));
    CHECK(largest(chains) < 6e-6);
  }
  // A host's team that splits sums as a GPU's does; and with bf16 they are other chains.
  if constexpr (basin::test::is_host<Exec>) {
    using basin::tile::Precision;
    constexpr Tuning split{16, 4, 4, 2, 1, 0, 256};
    CHECK(largest(chains_of_an_mlp<Exec, split>(37)) < 6e-6);
    CHECK(largest(chains_of_an_mlp<Exec, split>(37)) > 0);
    auto const units = chains_of_an_mlp<Exec, with_precision(split, Precision::bf16)>(37);
    auto const plain =
        chains_of_an_mlp<Exec, with_precision(Tuning{16, 8, 6, 2, 0}, Precision::bf16)>(37);
    CHECK(largest(units) > 1e-5);
    CHECK(largest(plain) > 1e-5);
  }
}

TEST_CASE("unclipped, unbounded chains are those of a scalar loop", "[sampler][langevin]") {
  check_against_reference<clip::None>(infinity, -infinity, infinity);
}
TEST_CASE("bounds limit each coordinate as in a scalar loop", "[sampler][langevin]") {
  check_against_reference<clip::None>(infinity, -0.1, 0.2);
}
TEST_CASE("the clip by element limits each dE/dx_i as in a scalar loop", "[sampler][langevin]") {
  check_against_reference<clip::PerElement>(0.6, -infinity, infinity);
}
TEST_CASE("the clip by sample limits the norm of dE/dx as in a scalar loop",
          "[sampler][langevin]") {
  check_against_reference<clip::PerSample>(1.4, -infinity, infinity);
}

TEST_CASE("the clip by sample is that of gradients whose squares are no floats",
          "[sampler][langevin]") {
  // dE/dx = 1e20 x: with |x| = 1 a clip of 1e19 moves each chain by 1e-19 1e19 of its direction.
  Chains<float> const chains("chains", 2, 4);
  auto const host = on_host(chains);
  host(0, 0) = 1, host(1, 2) = -1;
  Kokkos::deep_copy(chains, host);
  Kokkos::View<float*, Exec> const out("out", 2);
  Langevin<clip::PerSample> const langevin{
      .steps = 1, .step_size = 0.5e-19, .temperature = 0, .clip = 1e19};
  sample(Exec(), langevin, Quadratic<float, 4>{{.stiffness = 1e20}}, chains, {},
         {.columns = {nullptr, out.data()}});
  auto const x = on_host(chains);
  CHECK_THAT(x(0, 0), WithinAbs(0.5, 1e-6));
  CHECK_THAT(x(1, 2), WithinAbs(-0.5, 1e-6));
  auto const clipped = on_host(out);
  CHECK((clipped(0) == 1 && clipped(1) == 1));
}

// E = stiffness |x|^2 / 2 from |x| = 1: dE/dx has the norm stiffness.
template <class Scalar>
void check_clip_of(double stiffness, double clip) {
  CAPTURE(stiffness, clip);
  Chains<Scalar> const chains("chains", 2, 4);
  auto const host = on_host(chains);
  host(0, 0) = Scalar(0.6), host(0, 3) = Scalar(-0.8), host(1, 2) = Scalar(-1);
  Kokkos::deep_copy(chains, host);
  Kokkos::View<Scalar*, Exec> const out("out", 4);
  double const norm = std::min(stiffness, clip);
  Langevin<clip::PerSample> const langevin{
      .steps = 1, .step_size = 0.5 / norm, .temperature = 0, .clip = clip};
  sample(Exec(), langevin, Quadratic<Scalar, 4>{{.stiffness = Scalar(stiffness)}}, chains, {},
         {.columns = {out.data(), out.data() + 2}});
  auto const x = on_host(chains);
  CHECK_THAT(x(0, 0), WithinAbs(0.3, 1e-6));
  CHECK_THAT(x(0, 3), WithinAbs(-0.4, 1e-6));
  CHECK_THAT(x(1, 2), WithinAbs(-0.5, 1e-6));
  auto const o = on_host(out);
  CHECK_THAT(o(0), WithinAbs(0.5, 1e-6));
  CHECK((o(2) == (stiffness > clip) && o(3) == (stiffness > clip)));
}

TEST_CASE("the clip by sample is right for gradients of any size", "[sampler][langevin]") {
  for (double const stiffness : {1e-30, 1e-22, 1e-3, 3.0, 1e14, 1e21, 1.5e38})
    for (double const clip : {0.25 * stiffness, 2 * stiffness, 1.0, 1e-2})
      if (clip / stiffness < 1e30) check_clip_of<float>(stiffness, clip);
  for (double const stiffness : {1e-200, 1e200, 1e300})
    for (double const clip : {0.25 * stiffness, 2 * stiffness, 1.0})
      if (clip / stiffness < 1e200) check_clip_of<double>(stiffness, clip);
}

TEST_CASE("the displacement is that of any distance", "[sampler][langevin]") {
  // x <- x - alpha x of four coordinates, alpha = 1: to 0 from where they start.
  for (float const start : {1e-30f, 1e-10f, 1.f, 1e15f, 1e30f}) {
    Chains<float> const chains("chains", 1, 4);
    Kokkos::deep_copy(chains, start);
    Kokkos::View<float*, Exec> const out("out", 1);
    sample(Exec(), Langevin<>{.steps = 1, .step_size = 1, .temperature = 0}, Quadratic<float, 4>{},
           chains, {}, {.columns = {out.data()}});
    CHECK(on_host(out)(0) == 2 * start);
  }
}

// E = |x - 1000|^2 / 2
struct Distant {
  using scalar_type              = float;
  static constexpr int dimension = 4;
  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[4], V (&dx)[4]) const {
    V e(0);
    for (int d = 0; d < 4; ++d) {
      dx[d] = x[d] - V(1000);
      e     = fma(V(0.5f) * dx[d], dx[d], e);
    }
    return e;
  }
};

// In float 1000 has a unit in the last place of 6e-5, and a move of 1e-5 * 2 is less than half of
// it. Started 2 away, at time 1 the mean is 2 / e away and the variance 1 - e^-2.
template <class S>
void check_drift(S const& sampler) {
  int constexpr n = 512;
  Chains<float> const chains("chains", n, 4);
  Kokkos::deep_copy(chains, 1002.f);
  sample(Exec(), sampler, basin::energy::Analytic<Distant>{}, chains, {.seed = 3});
  auto const x = on_host(chains);
  double sum = 0, squares = 0;
  for (int i = 0; i < n; ++i)
    for (int d = 0; d < 4; ++d) {
      double const away = double(x(i, d)) - 1000;
      sum += away / (4 * n);
      squares += away * away / (4 * n);
    }
  double const N = 4 * n, variance = 1 - std::exp(-2.);
  CHECK_THAT(sum, WithinAbs(2 * std::exp(-1.), 4 * std::sqrt(variance / N)));
  CHECK_THAT(squares - sum * sum, WithinAbs(variance, 4 * variance * std::sqrt(2 / N)));
}

TEST_CASE("a move of less than a rounding of x acts through the noise", "[sampler][langevin]") {
  // Minutes on a GPU that a host plays, whose chains have the bits of the host's.
  if constexpr (!basin::test::is_host<Exec> &&
                Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible)
    return;
  check_drift(Langevin<>{.steps = 100000, .step_size = 1e-5});
  check_drift(
      Langevin<UpdateOrder<Op::gradient, Op::noise, Op::move>>{.steps = 100000, .step_size = 1e-5});
  check_drift(basin::sampler::Mala{.steps = 100000, .step_size = 1e-5});
}

TEST_CASE("a chain that diverged stays NaN behind clip and bounds", "[sampler][langevin]") {
  auto const chains = spread<float>(3, 5, 1);
  auto const host   = on_host(chains);
  host(1, 0)        = std::numeric_limits<float>::quiet_NaN();
  Kokkos::deep_copy(chains, host);
  // Each step hands the NaN to both neighbors of the ring of 5.
  Everything<clip::PerElement> const langevin{
      .steps = 2, .step_size = 0.1, .clip = 1, .lower = -1, .upper = 1};
  Chains<float> const out("out", 3, 3);
  sample(Exec(), langevin, CoupledEnergy<float>{}, chains, {.seed = 1},
         {{out.data(), out.data() + 3, out.data() + 6}});
  auto const x = on_host(chains), statistics = on_host(out);
  for (int n = 0; n < 3; ++n)
    for (int d = 0; d < 5; ++d) CHECK(std::isnan(x(n, d)) == (n == 1));
  // NaN has moved nobody knows how far, but is not beyond the clip, and on no bound.
  CHECK(std::isnan(statistics(0, 1)));
  CHECK(statistics(1, 1) == 0);
  CHECK(statistics(2, 1) == 0);
}

TEST_CASE("chains may lie in a part of a user's own View", "[sampler][langevin]") {
  int constexpr n = 11;
  Langevin<Decoupled, clip::None> const langevin{.steps = 3, .step_size = 0.1, .noise = 0.2};
  CoupledEnergy<double> const energy{};
  auto const expected = spread<double>(n, 5, 1);
  sample(Exec(), langevin, energy, expected, {.seed = 8});

  Kokkos::View<double**, Kokkos::LayoutLeft, Exec> const table("table", n + 4, 7);
  Kokkos::deep_copy(table, 99.);
  auto const part = Kokkos::subview(table, std::pair(2, 2 + n), std::pair(1, 6));
  static_assert(std::is_same_v<decltype(part)::array_layout, Kokkos::LayoutLeft>);
  Kokkos::deep_copy(part, 0.);
  auto const host  = Kokkos::create_mirror_view(table);
  auto const start = on_host(spread<double>(n, 5, 1));
  Kokkos::deep_copy(host, table);
  for (int i = 0; i < n; ++i)
    for (int d = 0; d < 5; ++d) host(2 + i, 1 + d) = start(i, d);
  Kokkos::deep_copy(table, host);
  sample(Exec(), langevin, energy, part, {.seed = 8});

  auto const result = on_host(table);
  auto const x      = on_host(expected);
  for (int i = 0; i < n + 4; ++i)
    for (int d = 0; d < 7; ++d) {
      bool const inside = i >= 2 && i < 2 + n && d >= 1 && d < 6;
      CHECK(result(i, d) == (inside ? x(i - 2, d - 1) : 99));
    }
}

TEST_CASE("a sampler is a constant that sampling does not change", "[sampler][langevin]") {
  constexpr Langevin<Decoupled, clip::PerSample> langevin{.steps = 2, .step_size = 1, .clip = 3};
  static_assert(std::is_aggregate_v<Langevin<>> && std::is_trivially_copyable_v<Langevin<>>);
  static_assert(langevin.steps == 2 && langevin.clip == 3);
  // The stream is a value: the same call gives the same chains again.
  Stream const stream{.seed = 9, .step = 5};
  CoupledEnergy<double> const energy{};
  auto const a = spread<double>(4, 5, 1), b = spread<double>(4, 5, 1);
  sample(Exec(), langevin, energy, a, stream);
  sample(Exec(), langevin, energy, b, stream);
  CHECK(same_bits(a, b));
  // A sampler draws its own noise, whatever the caller's stream was for.
  Stream other  = stream;
  other.purpose = basin::Purpose::dropout;
  sample(Exec(), langevin, energy, a, stream);
  sample(Exec(), langevin, energy, b, other);
  CHECK(same_bits(a, b));
}

TEST_CASE("Langevin refuses numbers that mean nothing, and says them", "[sampler][langevin]") {
  double const nan      = std::nan("");
  std::string const who = "basin::sampler::Langevin: ";
  CHECK_THROWS_WITH(Langevin<>{.steps = -1}.check(), who + "steps must be in [0, 1048576], got -1");
  CHECK_THROWS_WITH(Langevin<>{.steps = 1048577}.check(),
                    who + "steps must be in [0, 1048576], got 1048577");
  CHECK_NOTHROW(Langevin<>{.steps = 1048576}.check());
  CHECK_THROWS_WITH(Langevin<>{.step_size = 0}.check(),
                    who + "step_size must be > 0 and finite, got 0");
  CHECK_THROWS_WITH(Langevin<>{.step_size = infinity}.check(),
                    who + "step_size must be > 0 and finite, got inf");
  CHECK_THROWS_WITH(Langevin<>{.step_size = nan}.check(),
                    who + "step_size must be > 0 and finite, got nan");
  CHECK_THROWS_WITH(Langevin<>{.temperature = -0.5}.check(),
                    who + "temperature must be >= 0 and finite, got -0.5");
  CHECK_THROWS_WITH(Langevin<>{.temperature = nan}.check(),
                    who + "temperature must be >= 0 and finite, got nan");
  CHECK_THROWS_WITH(Langevin<>{.temperature = infinity}.check(),
                    who + "temperature must be >= 0 and finite, got inf");
  CHECK_THROWS_WITH(Langevin<Decoupled>{.noise = -1}.check(),
                    who + "noise must be >= 0 and finite, got -1");
  CHECK_THROWS_WITH(Langevin<Decoupled>{.noise = infinity}.check(),
                    who + "noise must be >= 0 and finite, got inf");
  CHECK_THROWS_WITH(
      Langevin<>{.clip = 2}.check(),
      who + "clip is 2, but the policy is clip::None; write clip::PerElement or clip::PerSample");
  CHECK_THROWS_WITH(Langevin<clip::PerElement>{.clip = 0}.check(), who + "clip must be > 0, got 0");
  CHECK_THROWS_WITH(Langevin<clip::PerSample>{.clip = -3}.check(),
                    who + "clip must be > 0, got -3");
  CHECK_THROWS_WITH((Langevin<>{.lower = 1, .upper = 1}.check()),
                    who + "lower must be < upper, got 1 and 1");
  CHECK_THROWS_WITH(Langevin<>{.lower = nan}.check(),
                    who + "lower must be < upper, got nan and inf");
  // The ends of the ranges are no mistake.
  CHECK_NOTHROW((Langevin<>{.steps = 0, .temperature = 0}.check()));
  CHECK_NOTHROW(Langevin<Decoupled>{.noise = 0}.check());
}

TEST_CASE("Langevin refuses bounds that no operation of its order would keep",
          "[sampler][langevin]") {
  using NoClamp       = UpdateOrder<Op::gradient, Op::move, Op::noise>;
  auto const sentence = [](std::string const& lower, std::string const& upper) {
    return "basin::sampler::Langevin: lower is " + lower + " and upper is " + upper +
           ", but the order has no Op::clamp; write Op::clamp where x is to be limited, for "
           "example last";
  };
  CHECK_THROWS_WITH((Langevin<NoClamp>{.lower = -1, .upper = 1}.check()), sentence("-1", "1"));
  CHECK_THROWS_WITH(Langevin<NoClamp>{.lower = 0}.check(), sentence("0", "inf"));
  CHECK_THROWS_WITH((Langevin<Decoupled, NoClamp>{.upper = 2}.check()), sentence("-inf", "2"));
  CHECK_NOTHROW(Langevin<NoClamp>{}.check());
  CHECK_NOTHROW((Langevin<Decoupled, NoClamp>{}.check()));
  CHECK_NOTHROW((Langevin<>{.lower = -1, .upper = 1}.check()));
}

TEST_CASE("sample refuses chains that the energy does not fit", "[sampler][langevin]") {
  Quadratic<double, 4> const energy{};
  Chains<double> const wide("wide", 4, 3), none("none", 0, 4), good("good", 2, 4);
  CHECK_THROWS_WITH(
      sample(Exec(), Langevin<>{}, energy, wide, {}),
      "basin::sampler::sample: chains has second extent 3, the energy has dimension 4");
  CHECK_THROWS_WITH(sample(Exec(), Langevin<>{}, energy, none, {}),
                    "basin::sampler::sample: chains has first extent 0, it must hold a chain");
  CHECK_THROWS_WITH(sample(Exec(), Langevin<>{.step_size = -1}, energy, good, {}),
                    "basin::sampler::Langevin: step_size must be > 0 and finite, got -1");
}

}  // namespace
