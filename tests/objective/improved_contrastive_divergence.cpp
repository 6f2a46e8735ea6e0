// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/improved_contrastive_divergence.hpp>
#include <basin/objective/persistent_cd.hpp>
#include <basin/sampler/langevin.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/clock.hpp"
#include "support/matching.hpp"
#include "support/objective_laws.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using namespace basin::sampler;
using basin::objective::ImprovedContrastiveDivergence;
using basin::objective::PersistentCd;
using Catch::Matchers::WithinAbs;
using Buffer    = basin::buffer::Replay<start::Gaussian>;
using Improved  = ImprovedContrastiveDivergence<Langevin<>, Buffer>;
using NoiseLast = Langevin<Decoupled, clip::PerElement,
                           UpdateOrder<Op::noise, Op::gradient, Op::clip, Op::move, Op::clamp>>;
using At        = Fixture<Exec, Line, Improved>;  // E = w x^2 + b, of stiffness k = 2 w

constexpr double alpha = 0.1;

// dL/dk as a polynomial of degree 2 in k, which it is for given noise: of chains that take one step from
// the data, whose mean square is v.
std::array<double, 3> slope_from_the_data(double kappa) {
  int constexpr n = 100000, steps = 15;
  auto const x = points_of_variance_v(n);
  At at({.sampler   = {.steps = 1, .step_size = alpha},
         .buffer    = {.capacity = n, .fresh = 0},
         .last_step = kappa,
         .entropy   = 0},
        x);
  Kokkos::View<double const**, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>> const
      rows(x.data(), x.size(), 1);
  double g[3]{};
  for (int i = 0; i < 3; ++i) {
    at.set({i / 2.0, 0});
    for (int k = 0; k < steps; ++k) {
      at.state.buffer().fill(at.exec, rows);
      g[i] += at(std::uint64_t(k))[0] / 2 / steps;
    }
  }
  return {g[0], (-3 * g[0] + 4 * g[1] - g[2]) / 2, (g[0] - 2 * g[1] + g[2]) / 2};
}

// Where f is 0 between two numbers.
template <class F>
double root_between(double low, double high, F const& f) {
  REQUIRE(f(low) * f(high) < 0);
  for (int i = 0; i < 60; ++i) {
    double const middle                   = (low + high) / 2;
    (f(low) * f(middle) > 0 ? low : high) = middle;
  }
  return low;
}

TEST_CASE("the term of the last step moves the fixed point as on paper, and only with kappa",
          "[objective][improved_contrastive_divergence]") {
  auto const at = [](std::array<double, 3> const& g, double k) {
    return g[0] + k * (g[1] + k * g[2]);
  };
  auto const without = slope_from_the_data(0), with = slope_from_the_data(1);
  // The square of a chain varies by 2 (1 - alpha k) sqrt(2 alpha v) = 1.1, half of it over 1.5e6 chains
  // 4.5e-4; the slope in k is 0.16 without kappa, 0.058 with it and 0.02 with the entropy. Four of them.
  CHECK_THAT(root_between(0, 1, [&](double k) { return at(without, k); }),
             WithinAbs(0.60664, 0.012));
  // alpha^2 k^2 v = 2 alpha
  CHECK_THAT(root_between(2, 5, [&](double k) { return at(with, k); }),
             WithinAbs(std::sqrt(2 / (alpha * v)), 0.08));
  // The entropy of N(0, m), m = (1 - alpha k)^2 v + 2 alpha, is log(2 pi e m) / 2.
  auto const total = [&](double k) {
    double const shrink = 1 - alpha * k;
    return at(with, k) + alpha * shrink * v / (shrink * shrink * v + 2 * alpha);
  };
  CHECK_THAT(root_between(0.5, 1.2, total), WithinAbs(0.759, 0.09));
}

TEST_CASE("improved CD without weights is persistent CD to the bit",
          "[objective][improved_contrastive_divergence]") {
  Buffer const buffer{.capacity = 120, .fresh = 0.1};
  using Other  = PersistentCd<Langevin<>, Buffer>;
  auto const x = numbers(63, 2);
  Fixture<Exec, Small, Improved> at(
      {.sampler = {.steps = 3}, .buffer = buffer, .last_step = 0, .entropy = 0}, x);
  Fixture<Exec, Small, Other> other({.sampler = {.steps = 3}, .buffer = buffer}, x);
  for (std::uint64_t const k : {0, 1, 2}) CHECK(at(k) == other(k));
  CHECK(std::isnan(at.mean("entropy")));
}

double distance(std::vector<double> const& x, std::size_t i, std::vector<double> const& y,
                std::size_t j) {
  double sum = 0;
  for (std::size_t d = 0; d < 3; ++d)
    sum += (x[3 * i + d] - y[3 * j + d]) * (x[3 * i + d] - y[3 * j + d]);
  return std::sqrt(sum);
}

// Checks the gradient of a step against central differences of
//
//   mean E(x+) - mean E(x_K) + kappa mean E_0(x_K(theta)) - lambda mean log |x_K(theta) - b|
//
// where x_K is fixed in the second term and x_K(theta) is what one step of the sampler makes of the
// chains before the last one.
template <class Sampler>
void check_last_step(ImprovedContrastiveDivergence<Sampler, Buffer> const& options) {
  int constexpr batch = 21;
  auto const data     = numbers(3 * batch, 2);
  Fixture<Exec, Small, ImprovedContrastiveDivergence<Sampler, Buffer>> at(options, data);
  auto const theta = on_host(at.theta);
  Model<Exec, Small> model(theta);
  for (std::uint64_t const step_number : {0, 3}) {
    auto const g       = at(step_number);
    auto const samples = on_host(at.state.last_samples());
    auto const before  = on_host(at.state.before_last());
    auto const draws   = on_host(at.state.draws());
    auto const slots = on_host(at.state.buffer().slots()), others = on_host(at.state.draw_slots());
    if constexpr (requires { options.sampler.noise; }) {
      CHECK(at.mean("clip_fraction") > 0.05);
      CHECK(at.mean("clip_fraction") < 0.95);
    }
    CHECK(at.mean("clamp_fraction") > 0.02);
    CHECK(at.mean("clamp_fraction") < 0.9);
    // The k-th nearest, by sorting.
    auto const found = on_host(at.state.nearest());
    for (std::size_t n = 0; n < batch; ++n) {
      std::vector<std::pair<double, int>> all;
      for (std::size_t j = 0; j < others.size(); ++j)
        if (others[j] != slots[n]) all.emplace_back(distance(samples, n, draws, j), int(j));
      std::sort(all.begin(), all.end());
      CHECK(found[n] == all[std::size_t(options.neighbor - 1)].second);
    }
    auto const loss = [&](std::vector<double> const& moved) {
      using Chains     = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
      auto const start = on_device<Exec, double>(before);
      Chains const chains(start.data(), batch, 3);
      auto one  = options.sampler;
      one.steps = 1;
      model.set(moved);
      std::uint64_t const last =
          (step_number << basin::sampler::steps_bits) + std::uint64_t(options.sampler.steps - 1);
      sample(Exec(), one, model.net(), chains, {3, basin::Purpose::sampler_noise, last});
      Exec().fence();
      auto const x   = on_host(start);
      double sum     = 0;
      auto const of  = [&](std::vector<double> const& p) { return model.energies(p); };
      auto const pos = of(data), neg = of(samples);
      model.set(theta);
      auto const end = of(x);
      for (std::size_t n = 0; n < batch; ++n)
        sum +=
            pos[n] - neg[n] + options.last_step * end[n] -
            options.entropy * std::log(distance(x, n, draws, static_cast<std::size_t>(found[n])));
      return sum / batch;
    };
    double error = 0;
    for (std::size_t i = 0; i < theta.size(); ++i) {
      auto up = theta, down = theta;
      up[i] += step, down[i] -= step;
      error = std::max(error, std::abs(g[i] - (loss(up) - loss(down)) / (2 * step)));
    }
    CHECK(largest(g) > 0.1);
    CHECK(error < 10 * tolerance * (1 + largest(g)));  // 1 / |x - b| is up to 10
  }
}

TEST_CASE("the gradient is that of the last step alone, with the rest held fixed",
          "[objective][improved_contrastive_divergence]") {
  check_last_step<Langevin<>>(
      {.sampler  = {.steps = 3, .step_size = 0.2, .temperature = 0.5, .lower = -1, .upper = 1.2},
       .buffer   = {.capacity = 60, .fresh = 0.1},
       .entropy  = 0.7,
       .draws    = 40,
       .neighbor = 2});
  check_last_step<NoiseLast>(
      {.sampler =
           {.steps = 2, .step_size = 0.5, .noise = 0.3, .clip = 0.3, .lower = -1, .upper = 1},
       .buffer    = {.capacity = 60, .fresh = 0},
       .last_step = 2,
       .draws     = 30});
}

TEST_CASE("the entropy is that of a Gaussian, for any neighbor",
          "[objective][improved_contrastive_divergence]") {
  int constexpr n = 2000;
  for (int const k : {1, 8}) {
    CAPTURE(k);
    At at({.sampler  = {.steps = 1, .step_size = 1e-20},
           .buffer   = {.capacity = n, .fresh = 0},
           .draws    = n,
           .neighbor = k},
          std::vector<double>(n));
    at.set({0, 0});
    at(0);
    // log of the share within rho varies by psi'(k), the log of the density by 1/2; neighbors share
    // balls, which is no more than twice the variance of independent ones. Four deviations.
    double const variance = (k == 1 ? std::numbers::pi * std::numbers::pi / 6 : 0.1331) + 0.5;
    CHECK_THAT(at.mean("entropy"), WithinAbs(0.5 * std::log(2 * std::numbers::pi * std::numbers::e),
                                             4 * std::sqrt(2 * variance / n)));
  }
}

TEST_CASE("a sample on its draw has no direction from it",
          "[objective][improved_contrastive_divergence]") {
  Fixture<Exec, Small, ImprovedContrastiveDivergence<NoiseLast, Buffer>> at(
      {.sampler = {.steps = 1, .noise = 0},
       .buffer  = {.capacity = 50, .fresh = 0, .start = {.standard_deviation = 0}},
       .draws   = 20},
      numbers(63, 2));
  at.set(std::vector<double>(Small::parameters));
  auto const g = at(0);
  CHECK(std::all_of(g.begin(), g.end(), [](double x) { return std::isfinite(x); }));
  CHECK(at.mean("entropy") < -1000);  // log of the least distance
}

Improved moving(int steps = 4) {
  return {.sampler = {.steps = steps, .step_size = 0.05},
          .buffer  = {.capacity = 50, .fresh = 0.1},
          .draws   = 20};
}
using AtSmall = Fixture<Exec, Small, Improved>;

auto const small = [](Exec const& exec) { return AtSmall(moving(), numbers(63, 2), exec); };

TEST_CASE("improved CD has the same bits for any number of threads",
          "[objective][improved_contrastive_divergence]") {
  check_bits_of_any_threads<Exec>(small);
}

TEST_CASE("a step of improved CD by a clock is that by its number",
          "[objective][improved_contrastive_divergence]") {
  check_step_by_clock<Exec>(small);
}

TEST_CASE("improved CD allocates and fences nothing, and launches the same for any length",
          "[objective][improved_contrastive_divergence]") {
  check_launches_of_any_length<Exec>(
      [](int steps) { return AtSmall(moving(steps), numbers(63, 2)); });
}

TEST_CASE("improved CD refuses what has no last step and no neighbor",
          "[objective][improved_contrastive_divergence][refusal]") {
  using Catch::Matchers::Message;
  std::string const who = "basin::objective::ImprovedContrastiveDivergence: ";
  auto const refused    = [&](auto const& change, std::string const& what) {
    Improved o = moving();
    change(o);
    CHECK_THROWS_MATCHES(o.check(8), std::invalid_argument, Message(who + what));
  };
  CHECK_NOTHROW(moving().check(8));
  refused([](Improved& o) { o.sampler.steps = 0; },
          "steps of the sampler is 0; there is no last step, write >= 1");
  refused([](Improved& o) { o.neighbor = 20; },
          "neighbor is 20 and draws is 20, of which one may be the chain itself; write more draws");
  refused([](Improved& o) { o.draws = 51; }, "draws is 51, the buffer has a capacity of 50");
  refused([](Improved& o) { o.last_step = -1; }, "last_step must be >= 0 and finite, got -1");
  AtSmall at(moving(), numbers(63, 2));
  auto more  = moving();
  more.draws = 30;
  CHECK_THROWS_AS(at.state.change(more), std::invalid_argument);
}

}  // namespace
