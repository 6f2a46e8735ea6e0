// SPDX-License-Identifier: Apache-2.0
#include <basin/core/archive.hpp>
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/hamiltonian.hpp>
#include <basin/sampler/parallel_tempering.hpp>

#include "support/finite_difference.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <vector>

namespace {

using basin::energy::Quadratic;
using basin::sampler::Hamiltonian;
using basin::sampler::TemperatureLadder;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
using Exec      = BASIN_TEST_EXEC;
using Chains    = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using State     = basin::sampler::TemperingState<double, Exec>;
using Tempering = basin::sampler::ParallelTempering<Hamiltonian>;
using namespace basin::test;

// -log(exp(-|x - a|^2 / 2) + exp(-|x + a|^2 / 2)) + |a|^2 / 2, a = (7, 0)
struct TwoWells {
  using scalar_type              = double;
  static constexpr int dimension = 2;
  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[2], V (&dx)[2]) const {
    dx[0] = x[0] + V(7.0) - sigmoid(x[0] * 14.0) * 14.0;
    dx[1] = x[1];
    return (x[0] * x[0] + x[1] * x[1]) * 0.5 + x[0] * 7.0 - softplus(x[0] * 14.0);
  }
};

// E = |x|^2 / 2 in ten dimensions at beta 1 and 1/2: swaps are accepted at the rate 2 I_{1/3}(5, 5) =
// 0.28969 (regularized incomplete beta function). 1024 ladders in 40 even rounds.
TEST_CASE("Gaussians swap as often as they must", "[sampler][tempering]") {
  int constexpr ladders = 1 << 10;
  Chains const chains("chains", 2 * ladders, 10);
  Tempering const tempering{.steps   = 80,
                            .sampler = {.steps = 4, .step_size = 0.4, .trajectory_length = 3},
                            .ladder  = {.betas = {1, 0.5}}};
  State state(Exec(), tempering, 2 * ladders, 10, 1);
  basin::sampler::sample(Exec(), tempering, state, Quadratic<double, 10>{}, chains, {.seed = 1});
  state.forget();
  basin::sampler::sample(Exec(), tempering, state, Quadratic<double, 10>{}, chains,
                         {.seed = 1, .step = 320});
  // The standard error of a rejection is below 0.45 / sqrt(1024 * 40).
  CHECK_THAT(1 - state.rejections()[0], WithinAbs(0.28969, 4 * 0.45 / 202));
  CHECK(state.rounds() == 80);

  // On the first rung the law is that of beta = 1: |x|^2 has mean 10 and variance 20.
  Chains const cold("cold", ladders, 10);
  state.gather(Exec(), chains, cold);
  double square = 0;
  for (double const x : on_host(cold)) square += x * x / ladders;
  CHECK_THAT(square, WithinAbs(10, 4 * std::sqrt(20.0 / ladders)));
  state.gather(Exec(), chains, cold, 1);
  square = 0;
  for (double const x : on_host(cold)) square += x * x / ladders;
  CHECK_THAT(square, WithinAbs(20, 4 * std::sqrt(80.0 / ladders)));
}

TEST_CASE("round trips are as many as the rejections say", "[sampler][tempering]") {
  int constexpr ladders = 1 << 9;
  Chains const chains("chains", 4 * ladders, 2);
  Tempering const tempering{.steps   = 400,
                            .sampler = {.steps = 3, .step_size = 0.5, .trajectory_length = 4},
                            .ladder  = TemperatureLadder::geometric(4, 0.1)};
  State state(Exec(), tempering, 4 * ladders, 2, 1);
  basin::sampler::sample(Exec(), tempering, state, Quadratic<double, 2>{}, chains, {.seed = 1});
  state.forget();
  basin::sampler::sample(Exec(), tempering, state, Quadratic<double, 2>{}, chains,
                         {.seed = 1, .step = 900});
  double sum = 0;
  for (double const r : state.rejections()) sum += r / (1 - r);
  // 256 ladders in 300 rounds make about 10^4 trips, of which a few per cent are cut at the ends.
  CHECK_THAT(state.round_trips(), WithinRel(1 / (2 + 2 * sum), 0.05));
}

// All chains start in the right well. The barrier is 24 T high: alone none would cross it.
TEST_CASE("tempering fills both wells, its sampler alone one", "[sampler][tempering]") {
  int constexpr ladders = 1 << 8;
  basin::energy::Analytic<TwoWells> const energy{};
  Hamiltonian const alone{.steps = 5, .step_size = 0.5, .trajectory_length = 4};
  auto const share = [](Chains const& x) {
    double left      = 0;
    auto const state = on_host(x);
    for (std::size_t i = 0; i < state.size(); i += 2)
      left += state[i] < 0 ? 2.0 / double(state.size()) : 0;
    return left;
  };
  Tempering const tempering{
      .steps = 200, .sampler = alone, .ladder = TemperatureLadder::geometric(6, 0.02)};
  Chains const chains("chains", 6 * ladders, 2), cold("cold", ladders, 2);
  auto const start = Kokkos::create_mirror(chains);
  for (int i = 0; i < 6 * ladders; ++i) start(i, 0) = 7;
  Kokkos::deep_copy(chains, start);
  State state(Exec(), tempering, 6 * ladders, 2, 1);
  basin::sampler::sample(Exec(), tempering, state, energy, chains, {.seed = 1});
  state.gather(Exec(), chains, cold);
  CHECK_THAT(share(cold), WithinAbs(0.5, 4 * 0.5 / 16));

  Kokkos::deep_copy(chains, start);
  auto const many = [&] {
    auto a  = alone;
    a.steps = 1000;
    return a;
  }();
  basin::sampler::sample(Exec(), many, energy, chains, {.seed = 1});
  CHECK(share(chains) == 0);
}

TEST_CASE("ladders go on from an archive to the bit", "[sampler][tempering]") {
  Tempering const tempering{.steps = 7, .ladder = TemperatureLadder::geometric(3, 0.1)};
  State state(Exec(), tempering, 33, 2, 1), resumed(Exec(), tempering, 33, 2, 1);
  Chains const chains("chains", 33, 2), again("chains", 33, 2);
  basin::sampler::sample(Exec(), tempering, state, Quadratic<double, 2>{}, chains, {.seed = 1});
  basin::MemoryArchive saved;
  saved.save("state", state);
  saved.load("state", resumed);
  Kokkos::deep_copy(again, chains);
  for (auto const& [of, x] : {std::pair(&state, chains), std::pair(&resumed, again)})
    basin::sampler::sample(Exec(), tempering, *of, Quadratic<double, 2>{}, x,
                           {.seed = 1, .step = 70});
  CHECK(on_host(chains) == on_host(again));
  CHECK(on_host(state.rung_of_chain()) == on_host(resumed.rung_of_chain()));
  CHECK(state.rejections() == resumed.rejections());
  CHECK(state.round_trips() == resumed.round_trips());
}

TEST_CASE("tempering has the same bits in every tuning", "[sampler][tempering]") {
  CHECK(tunings_that_differ(run_in_few_tunings<Exec, double>([&]<basin::tile::Tuning tuning>() {
          Tempering const tempering{.steps = 9, .ladder = TemperatureLadder::geometric(3, 0.1)};
          State state(Exec(), tempering, 33, 2, 1);
          Chains const chains("chains", 33, 2);
          basin::sampler::sample<tuning>(Exec(), tempering, state, Quadratic<double, 2>{}, chains,
                                         {.seed = 1});
          return on_host(chains);
        })) == 0);
}

TEST_CASE("chains that are no ladders are refused", "[sampler][tempering][refusal]") {
  Tempering const tempering{.ladder = TemperatureLadder::geometric(3, 0.1)};
  CHECK_THROWS_WITH(State(Exec(), tempering, 32, 2, 1),
                    "basin::sampler::ParallelTempering: the chains must be a multiple of the 3 "
                    "rungs, got 32");
  State const state(Exec(), tempering, 33, 2, 1);
  CHECK_THROWS_WITH(state.gather(Exec(), Chains("c", 33, 2), Chains("s", 11, 2), 3),
                    "basin::sampler::TemperingState::gather: rung must be in [0, 3), got 3");
}

}  // namespace
