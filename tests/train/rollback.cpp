// SPDX-License-Identifier: Apache-2.0
#include <basin/train/curriculum.hpp>
#include <basin/train/rollback.hpp>

#include "support/gaussian_model.hpp"
#include "support/training.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cmath>
#include <vector>

namespace {

using namespace basin::test;
using basin::train::Divergence;
using basin::train::Metrics;
namespace curriculum = basin::train::curriculum;

using Exec      = BASIN_TEST_EXEC;
using Objective = basin::objective::PersistentCd<basin::sampler::Langevin<>>;
using Trainer   = basin::train::Trainer<GaussianModel, Objective, basin::optimizer::Adam,
                                        basin::optimizer::Constant, Exec>;

Trainer make() {
  return Trainer({.objective     = {.sampler = {.steps = 3, .step_size = 0.1},
                                    .buffer  = {.capacity = 50, .fresh = 0.1}},
                  .optimizer     = {.learning_rate = 0.01},
                  .batch         = 21,
                  .ema_decay     = 0.9,
                  .seed          = 5,
                  .monitor_every = 10},
                 normal_rows(100, 1.7));
}
std::vector<double> everything(Trainer& t) {
  auto all = values(t.parameters());
  for (auto const& more : {values(t.averaged_parameters()), values(t.state().buffer().stored())})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

// NaN among the parameters after step 30, and after each report that follows, as often as asked.
struct Poison {
  Trainer& trainer;
  int times;
  void operator()(Metrics const& m) {
    if (m.step < 30 || times-- <= 0) return;
    set_theta(trainer, {NAN, 1});
  }
};

// Spoiled behind the snapshot's back: the report at step 40 finds it.
TEST_CASE("a run that was spoiled once goes back and ends as one that was not",
          "[train][rollback]") {
  auto plain = make(), spoiled = make();
  plain.fit({.steps = 60});
  std::vector<std::uint64_t> rolled;
  Poison poison{spoiled, 1};
  auto const last = basin::train::fit_with_rollback(
      spoiled, {.steps = 60, .stop_when = [&](Metrics const& m) { return poison(m), false; }},
      {.change = [&](Trainer& t, int) { rolled.push_back(t.steps_taken()); }});
  CHECK(rolled == std::vector<std::uint64_t>{30});
  CHECK(last.step == 60);
  CHECK(everything(spoiled) == everything(plain));
}

TEST_CASE("what is changed after a rollback holds", "[train][rollback]") {
  auto t = make();
  Poison poison{t, 2};
  std::vector<int> numbers;
  basin::train::fit_with_rollback(
      t, {.steps = 50, .stop_when = [&](Metrics const& m) { return poison(m), false; }},
      {.change = [&](Trainer& changed, int number) {
        numbers.push_back(number);
        changed.objective().sampler.steps += 2;
      }});
  CHECK(numbers == std::vector<int>{1, 2});
  CHECK(t.objective().sampler.steps == 7);
  CHECK(std::isfinite(theta_of(t).w));
}

TEST_CASE("after the last attempt the divergence is passed on", "[train][rollback]") {
  auto t = make();
  Poison poison{t, 100};
  int changes      = 0;
  auto const spoil = [&](Metrics const& m) { return poison(m), false; };
  CHECK_THROWS_AS(
      basin::train::fit_with_rollback(t, {.steps = 60, .stop_when = spoil},
                                      {.attempts = 2, .change = [&](Trainer&, int) { ++changes; }}),
      Divergence);
  CHECK(changes == 2);
  std::string const who = "basin::train::fit_with_rollback: ";
  CHECK_THROWS_WITH(basin::train::fit_with_rollback(t, {.epochs = 1}, {}),
                    who + "write steps and no epochs, got 0 and 1");
  CHECK_THROWS_WITH(basin::train::fit_with_rollback(t, {.steps = 1}, {}),
                    who +
                        "change is empty, and the same steps would diverge again; write what to "
                        "change");
}

TEST_CASE("the laws of a curriculum", "[train][curriculum]") {
  CHECK(curriculum::Constant{7}(1000000) == 7);
  curriculum::Linear const up{.first = 2, .last = 6, .over = 8};
  std::vector<int> ups, stairs;
  for (std::uint64_t step = 0; step < 10; ++step) ups.push_back(up(step));
  CHECK(ups == std::vector<int>{2, 2, 3, 3, 4, 4, 5, 5, 6, 6});
  CHECK(curriculum::Linear{.first = 6, .last = 2, .over = 8}(4) == 4);
  curriculum::Staircase const stair{.first = 1, .add = 3, .every = 2, .last = 6};
  for (std::uint64_t step = 0; step < 8; ++step) stairs.push_back(stair(step));
  CHECK(stairs == std::vector<int>{1, 1, 4, 4, 6, 6, 6, 6});
  CHECK(stair(std::uint64_t(1) << 60) == 6);
  CHECK_THROWS_WITH((curriculum::Staircase{.first = 5, .last = 4}.check()),
                    "basin::train::curriculum::Staircase: last must be >= first, got 4 and 5");
}

TEST_CASE("a curriculum trains as its steps set by hand", "[train][curriculum]") {
  curriculum::Linear const law{.first = 1, .last = 5, .over = 30};
  auto by_law = make(), by_hand = make();
  auto const last = basin::train::fit(by_law, law, {.steps = 40});
  for (std::uint64_t step = 0; step < 40; ++step) {
    by_hand.objective().sampler.steps = law(step);
    by_hand.step();
  }
  CHECK(last.step == 40);
  CHECK(everything(by_law) == everything(by_hand));
  auto stopped = make();
  basin::train::fit(stopped, law,
                    {.steps = 40, .stop_when = [](Metrics const& m) { return m.step >= 15; }});
  CHECK(stopped.steps_taken() == 15);
  CHECK_THROWS_WITH(basin::train::fit(stopped, curriculum::Linear{.over = 0}, {.steps = 1}),
                    "basin::train::curriculum::Linear: over must be >= 1, got 0");
  CHECK_THROWS_WITH(basin::train::fit(stopped, law, {}),
                    "basin::train::fit: write steps and no epochs, got 0 and 0");
}

}  // namespace
