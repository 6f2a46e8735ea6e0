// SPDX-License-Identifier: Apache-2.0
#include <basin/core/archive.hpp>
#include <basin/energy/analytic.hpp>
#include <basin/sampler/chees_hamiltonian.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/chain_law.hpp"
#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

// Under the sanitizers the counter replaces new and delete; g++ inlines one alone.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

using basin::sampler::CheesHamiltonian;
using Catch::Matchers::WithinRel;
using Exec   = BASIN_TEST_EXEC;
using Chains = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using State  = CheesHamiltonian::state<double, Exec>;
using namespace basin::test;

// Three independent numbers, standard deviations widest, 3 and narrowest.
struct Axes {
  using scalar_type              = double;
  static constexpr int dimension = 3;
  double widest = 1, middle = 1, narrowest = 1;
  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[3], V (&dx)[3]) const {
    dx[0] = x[0] * V(1 / (widest * widest));
    dx[1] = x[1] * V(1 / (middle * middle));
    dx[2] = x[2] * V(1 / (narrowest * narrowest));
    return (x[0] * dx[0] + x[1] * dx[1] + x[2] * dx[2]) * V(0.5);
  }
};
using Energy = basin::energy::Analytic<Axes>;

// Where all deviations are s, |x'|^2 - |x|^2 has a variance of 4 s^4 sin^2 (t / s) a coordinate: over
// t = u tau that is largest where tan (2 tau / s) = 2 tau / s. The noise of ln tau is a few steps of
// 0.025, of which an average is left.
TEST_CASE("the trajectory is that which changes squares most", "[sampler][chees]") {
  for (double const s : {1.0, 10.0}) {
    int constexpr n = 1 << 10;
    Chains const chains("chains", n, 3);
    // Nearly all are accepted: of long steps a trajectory has few, and its time is no u tau.
    CheesHamiltonian const sampler{
        .steps = 400, .adaptation = {.warmup = 400, .target_acceptance = 0.995, .scales = false}};
    State state(Exec(), sampler, n, 3, 1);
    basin::sampler::sample(Exec(), sampler, state, Energy{{s, s, s}}, chains, {.seed = 1});
    CHECK_THAT(on_host(state.trajectory_length())[0], WithinRel(2.2467 * s, 0.1));
  }
}

// Condition number 100, with and without scales: with them tau is in units of the widest.
TEST_CASE("moments of a Gaussian of condition 100 by tuned trajectories", "[sampler][chees]") {
  int constexpr n = 1 << 12;
  for (bool const scales : {false, true}) {
    Chains const chains("chains", n, 3);
    Kokkos::View<double*, Exec> const length("length", n), step("step", n);
    CheesHamiltonian sampler{
        .steps = 400, .temperature = 2, .adaptation = {.warmup = 400, .scales = scales}};
    State state(Exec(), sampler, n, 3, 1);
    Energy const energy{{10, 3, 1}};
    basin::sampler::sample(Exec(), sampler, state, energy, chains, {.seed = 1});
    double const tau = on_host(state.trajectory_length())[0];
    // The widest of three has most of the criterion; all have the same with scales.
    CHECK(tau > (scales ? 1 : 10));
    CHECK(tau < (scales ? 3 : 30));
    sampler.steps = 20;
    basin::sampler::sample(
        Exec(), sampler, state, energy, chains, {.seed = 1, .step = 400},
        {.columns = {nullptr, nullptr, nullptr, step.data(), nullptr, length.data()}});
    CHECK(on_host(state.trajectory_length())[0] == tau);
    CHECK(on_host(length) == std::vector<double>(n, tau));
    CHECK(on_host(step)[0] == on_host(state.step_size())[0]);
    auto const x        = on_host(chains);
    double const wide[] = {10, 3, 1};
    for (std::size_t d = 0; d < 3; ++d) {
      double mean = 0, square = 0;
      for (std::size_t i = d; i < x.size(); i += 3) {
        mean += x[i] / n;
        square += x[i] * x[i] / n;
      }
      double const variance = 2 * wide[d] * wide[d];
      CHECK(std::abs(mean) < 4 * std::sqrt(variance / n));
      CHECK_THAT(square, WithinRel(variance, 4 * std::sqrt(2.0 / n)));
    }
  }
}

TEST_CASE("a warm-up of trajectories goes on from an archive to the bit", "[sampler][chees]") {
  CheesHamiltonian sampler{.steps = 60, .adaptation = {.warmup = 120, .block = 3}};
  State state(Exec(), sampler, 37, 3, 1), resumed(Exec(), sampler, 37, 3, 1);
  Chains const chains("chains", 37, 3), again("chains", 37, 3);
  Energy const energy{{10, 3, 1}};
  basin::sampler::sample(Exec(), sampler, state, energy, chains, {.seed = 1});
  basin::MemoryArchive saved;
  saved.save("state", state);
  Kokkos::deep_copy(again, chains);
  sampler.steps = 80;
  basin::sampler::sample(Exec(), sampler, state, energy, chains, {.seed = 1, .step = 60});
  saved.load("state", resumed);
  basin::sampler::sample(Exec(), sampler, resumed, energy, again, {.seed = 1, .step = 60});
  CHECK(on_host(chains) == on_host(again));
  CHECK(on_host(state.trajectory_length()) == on_host(resumed.trajectory_length()));
  CHECK(on_host(state.trajectory_length())[0] != 1);
}

TEST_CASE("a chain that is lost does not tune the trajectory", "[sampler][chees]") {
  Chains const chains("chains", 64, 3);
  auto const start = Kokkos::create_mirror_view(chains);
  for (int n = 0; n < 64; ++n) start(n, 0) = n == 7 ? std::nan("") : 0.1 * n;
  Kokkos::deep_copy(chains, start);
  CheesHamiltonian const sampler{.steps = 20, .adaptation = {.scales = false}};
  State state(Exec(), sampler, 64, 3, 1);
  basin::sampler::sample(Exec(), sampler, state, Energy{}, chains, {.seed = 1});
  CHECK(std::isfinite(on_host(state.trajectory_length())[0]));
}

TEST_CASE("six launches for each block of a warm-up, one after it, and no allocation",
          "[sampler][chees]") {
  basin::bench::watch_kokkos();
  CheesHamiltonian const sampler{.steps = 20, .adaptation = {.warmup = 80, .block = 10}};
  State state(Exec(), sampler, 37, 3, 1);
  Chains const chains("chains", 37, 3);
  std::uint64_t step = 0;
  auto const call    = [&] {
    basin::sampler::sample(Exec(), sampler, state, Energy{}, chains, {.seed = 1, .step = step});
    step += 20;
  };
  auto const tuning = basin::bench::count(Exec(), 2, call);
  CHECK(tuning.launches == 2 * 2 * 6);
  auto const fixed = basin::bench::count(Exec(), 5, call);
  CHECK(fixed.launches == 5);
  CHECK((tuning.allocations == 0 && fixed.allocations == 0));
}

TEST_CASE("tuned trajectories have the same bits in every tuning", "[sampler][chees]") {
  CHECK(tunings_of_other_bits<Exec>(
            CheesHamiltonian{.steps = 25, .adaptation = {.warmup = 20, .block = 2}}) == 0);
}

TEST_CASE("CheesHamiltonian refuses what means nothing", "[sampler][chees][refusal]") {
  CHECK_THROWS_WITH(
      CheesHamiltonian{.trajectory_length = 0}.check(),
      "basin::sampler::CheesHamiltonian: trajectory_length must be > 0 and finite, got 0");
}

}  // namespace
