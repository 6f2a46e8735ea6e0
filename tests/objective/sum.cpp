// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/denoising_score_matching.hpp>
#include <basin/objective/noise_contrastive.hpp>
#include <basin/objective/sum.hpp>
#include <basin/optimizer/sgd.hpp>

#include "benchmarks/support/count_allocations.hpp"
#include "support/by_clock.hpp"
#include "support/columns.hpp"
#include "support/density.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <string>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::DenoisingScoreMatching;
using basin::objective::NoiseContrastive;
using basin::objective::Sum;
using Catch::Matchers::WithinAbs;
namespace noise = basin::objective::noise;

using Pcd     = SmallObjective;
using Nce     = NoiseContrastive<noise::Box>;
using Numbers = Kokkos::View<float*, Exec>;

constexpr int batch = 37, n = SmallNetwork::parameters;

Pcd pcd() {
  return {.sampler = {.steps = 3, .step_size = 0.05, .noise = 0.1, .clip = 0.5},
          .buffer  = {.capacity = 50, .fresh = 0.3}};
}

// Gradient, in theta and in what the objective learns, at a step.
template <class Objective>
std::vector<float> gradient(Objective const& options, std::uint64_t step, std::uint64_t seed = 5) {
  constexpr auto tuning = basin::tile::default_tuning<Exec, float, SmallNetwork::workspace_rows>();
  using State           = basin::objective::bound<Objective, SmallNetwork, Exec, tuning>;
  auto const data       = uniform_points(150, 3);
  Kokkos::View<float**, Kokkos::LayoutRight, Exec> const pool("pool", 150, 3);
  Kokkos::deep_copy(pool, data);
  Numbers const theta = on_device<Exec, float>(parameters_of<SmallNetwork>(1));
  State state(Exec(), options, batch, {pool, {}, {}, {}}, seed);
  Kokkos::deep_copy(state.batch().points, Kokkos::subview(pool, std::pair(0, +batch), Kokkos::ALL));
  constexpr int own = basin::objective::parameters_of<State>;
  Numbers const gradient("gradient", n + own), learned("learned", own + 1);
  for (int i = 0; i < own; ++i)
    Kokkos::deep_copy(Kokkos::subview(learned, i), 0.25f * static_cast<float>(i + 1));
  // What was there must not matter.
  Kokkos::deep_copy(gradient, 1e6f);
  state.gradient(Exec(), options, SmallNetwork(theta.data()), step, learned.data(),
                 gradient.data());
  return on_host(gradient);
}

TEST_CASE("a sum's gradient is that of the first and a times that of the second",
          "[objective][sum]") {
  DenoisingScoreMatching const dsm{.standard_deviation = 0.3};
  Sum<Pcd, DenoisingScoreMatching> const sum{
      .first = pcd(), .second = dsm, .weight = {.coefficient = 0.5, .ramp = 4}};
  // The second draws numbers of its own.
  for (std::uint64_t const step : {0, 2, 9}) {
    auto const first  = gradient(pcd(), step);
    auto const second = gradient(dsm, step, basin::seed_of(5, 1));
    auto const both   = gradient(sum, step);
    float const a     = step == 0 ? 0.125f : step == 2 ? 0.375f : 0.5f;
    REQUIRE(both.size() == first.size());
    for (std::size_t k = 0; k < both.size(); ++k) {
      CAPTURE(step, k);
      REQUIRE(both[k] == first[k] + a * second[k]);
    }
  }
}

TEST_CASE("a sum without weight leaves the first as it is, to the bit", "[objective][sum]") {
  CHECK(gradient(Sum<Pcd, Pcd>{.first = pcd(), .second = pcd(), .weight = {.coefficient = 0}}, 0) ==
        gradient(pcd(), 0));
}

TEST_CASE("a sum without weight leaves the first as it is, whatever the second does",
          "[objective][sum]") {
  Pcd broken                   = pcd();
  broken.energy_l2.coefficient = 1e300;  // infinite in float
  CHECK(std::isnan(gradient(broken, 0)[0]));
  CHECK(gradient(Sum<Pcd, Pcd>{.first = pcd(), .second = broken, .weight = {.coefficient = 0}},
                 0) == gradient(pcd(), 0));
}

TEST_CASE("what both learn beside theta stands one behind the other", "[objective][sum]") {
  Sum<Nce, Nce> const sum{.second = {.ratio = 2}, .weight = {.coefficient = 0.5}};
  auto const both = gradient(sum, 0), first = gradient(Nce{}, 0);
  REQUIRE(both.size() == n + 2);
  CHECK(both[n] == first[n]);
  // The second reads 0.5 where alone it would read 0.25, so that only its sign can be known:
  // dJ/dc = mean over data of sigmoid(-G) - sum over noise of sigmoid(G), which rises with c.
  auto const second = gradient(Nce{.ratio = 2}, 0, basin::seed_of(5, 1));
  CHECK(both[n + 1] > 0.5f * second[n]);
  CHECK_THAT(both[n + 1], WithinAbs(0.5 * second[n], 0.5 * 0.25 * 3));
}

TEST_CASE("a gradient of a sum by a clock is that by the number of the step", "[objective][sum]") {
  CHECK(same_by_clock<Exec>(Sum<DenoisingScoreMatching, DenoisingScoreMatching>{
      .weight = {.coefficient = 0.5, .ramp = 4}}));
}

TEST_CASE("columns of a sum are those of both, under names of their own", "[objective][sum]") {
  constexpr auto tuning = basin::tile::default_tuning<Exec, float, SmallNetwork::workspace_rows>();
  using Inner           = Sum<DenoisingScoreMatching, DenoisingScoreMatching>;
  using Outer           = Sum<Inner, DenoisingScoreMatching>;
  basin::objective::bound<Outer, SmallNetwork, Exec, tuning> state(Exec(), Outer{}, batch, {}, 1);
  auto const columns = state.columns();
  CHECK(names_of(columns) == std::vector<std::string>{"energy_data", "loss", "energy_data_2",
                                                      "loss_2", "energy_data_3", "loss_3"});
  CHECK(columns[3].values == state.first().second().columns()[1].values);
  // Names stay where they are when the objective moves.
  auto const moved = std::move(state);
  CHECK(moved.columns()[5].quantity.name == columns[5].quantity.name);
}

// An archive that only notes what it is given; of objects what they name.
struct Names {
  std::vector<std::string> seen;
  std::string path;
  template <class Value>
  void operator()(char const* name, Value&& value) {
    std::string const outer = path;
    path += std::string(path.empty() ? "" : "/") + name;
    if constexpr (requires { value.archive(*this); })
      value.archive(*this);
    else
      seen.push_back(path);
    path = outer;
  }
};

TEST_CASE("a sum saves both", "[objective][sum]") {
  constexpr auto tuning = basin::tile::default_tuning<Exec, float, SmallNetwork::workspace_rows>();
  using Twice           = Sum<Pcd, Pcd>;
  Twice const options{.first = pcd(), .second = pcd()};
  basin::objective::bound<Twice, SmallNetwork, Exec, tuning> state(Exec(), options, batch, {}, 1);
  Names names;
  state.archive(names);
  CHECK(names.seen == std::vector<std::string>{"first/buffer/stored", "first/buffer/ages",
                                               "first/buffer/written", "second/buffer/stored",
                                               "second/buffer/ages", "second/buffer/written"});
}

TEST_CASE("a sum is trained without allocations and fences", "[objective][sum]") {
  basin::bench::watch_kokkos();
  auto const t = tally<Exec>(Sum<DenoisingScoreMatching, Nce>{});
  CHECK(t.allocations == 0);
  CHECK(t.fences == 0);
}

TEST_CASE("a sum gives the same bits in every tuning and for any number of threads",
          "[objective][sum]") {
  CHECK(differing_runs<Exec>(Sum<DenoisingScoreMatching, Nce>{.weight = {.ramp = 10}}) == 0);
}

TEST_CASE("a sum refuses what its parts refuse, and passes changes on", "[objective][sum]") {
  using Two = Sum<Pcd, Nce>;
  CHECK_THROWS_WITH((Two{.second = {.ratio = 0}}.check(1)),
                    "basin::objective::NoiseContrastive: ratio must be >= 1, got 0");
  CHECK_THROWS_WITH((Two{.weight = {.ramp = -1}}.check(1)),
                    "basin::objective::Weight: ramp must be >= 0, got -1");
  using T = basin::train::Trainer<SmallNetwork, Two, basin::optimizer::Sgd,
                                  basin::optimizer::Constant, Exec>;
  T trainer({.objective = {.first = pcd()}, .batch = batch}, uniform_points(150, 3));
  trainer.step();
  trainer.objective().second.ratio = 2;
  CHECK_THROWS_WITH(trainer.step(),
                    "basin::objective::NoiseContrastive: ratio is 1 since the arrays were made and "
                    "cannot become 2");
}

}  // namespace
