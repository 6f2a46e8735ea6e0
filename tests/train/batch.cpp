// SPDX-License-Identifier: Apache-2.0
#include "support/silent_objective.hpp"
#include "support/training.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <limits>
#include <map>
#include <set>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::test::contents;
using basin::test::Silent;
using basin::test::SmallNetwork;
using basin::test::uniform_points;

template <class Objective>
using TrainerOf = basin::train::Trainer<SmallNetwork, Objective, basin::optimizer::Adam,
                                        basin::optimizer::Constant, Exec>;
using Labeled   = TrainerOf<Silent<true>>;
using Plain     = TrainerOf<Silent<false>>;

template <class Label = int>
Kokkos::View<Label*, Kokkos::HostSpace> labels(int rows) {
  Kokkos::View<Label*, Kokkos::HostSpace> const all("labels", rows);
  for (int i = 0; i < rows; ++i) all(i) = static_cast<Label>(i % 5 - 1);
  return all;
}

TEST_CASE("a row's label comes with it, and an epoch has every row once", "[train][batch]") {
  auto const data = uniform_points(50, 3);
  std::map<float, int> label_of;
  for (int i = 0; i < 50; ++i) label_of[data(i, 0)] = i % 5 - 1;  // -1 is passed on
  Labeled trainer({.batch = 10}, data, labels(50));
  std::set<float> seen;
  for (int step = 0; step < 5; ++step) {
    trainer.step();
    auto const points = contents(trainer.state().batch().points);
    auto const mine   = contents(trainer.state().batch().labels);
    for (std::size_t n = 0; n < 10; ++n) {
      CHECK(mine[n] == label_of.at(points[3 * n]));
      seen.insert(points[3 * n]);
    }
    auto const m = trainer.metrics();
    CHECK(m["label"] == (mine[0] + mine[1] + mine[2]) / 3.0);
    CHECK(!m.has("energy_data"));
    CHECK(!m.has("energy_square"));
    CHECK(!m.has("gap"));
  }
  CHECK(seen.size() == 50);
}

TEST_CASE("labels of any integer, and on the device, are taken", "[train][batch]") {
  auto const data  = uniform_points(50, 3);
  auto const ints  = labels(50);
  auto const there = Kokkos::create_mirror_view_and_copy(Exec::memory_space(), ints);
  Labeled a({.batch = 10}, data, ints), b({.batch = 10}, data, labels<signed char>(50)),
      c({.batch = 10}, data, there);
  a.step(), b.step(), c.step();
  CHECK(contents(a.state().batch().labels) == contents(b.state().batch().labels));
  CHECK(contents(a.state().batch().labels) == contents(c.state().batch().labels));
}

TEST_CASE("conditions and weights come with their rows", "[train][batch]") {
  using Trainer               = TrainerOf<Silent<true, 2, true>>;
  Trainer::Dataset const data = [] {
    Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace> const two("two", 50, 2);
    Kokkos::View<float*, Kokkos::HostSpace> const one("one", 50);
    for (int i = 0; i < 50; ++i) {
      two(i, 0) = float(i);
      two(i, 1) = float(-i);
      one(i)    = float(2 * i);
    }
    Exec::memory_space const there;
    Kokkos::View<int*, Kokkos::HostSpace> const numbers("numbers", 50);
    for (int i = 0; i < 50; ++i) numbers(i) = i;
    return Trainer::Dataset{
        .points     = Kokkos::create_mirror_view_and_copy(there, uniform_points(50, 3)),
        .labels     = Kokkos::create_mirror_view_and_copy(there, numbers),
        .conditions = Kokkos::create_mirror_view_and_copy(there, two),
        .weights    = Kokkos::create_mirror_view_and_copy(there, one)};
  }();
  Trainer trainer({.batch = 10}, data);
  for (int step = 0; step < 3; ++step) {
    trainer.step();
    auto const batch      = trainer.state().batch();
    auto const row        = contents(batch.labels);
    auto const conditions = contents(batch.conditions), weights = contents(batch.weights);
    for (std::size_t n = 0; n < 10; ++n) {
      CHECK(conditions[2 * n] == float(row[n]));
      CHECK(conditions[2 * n + 1] == float(-row[n]));
      CHECK(weights[n] == float(2 * row[n]));
    }
  }
  auto holed         = data;
  auto const weights = Kokkos::create_mirror(Kokkos::HostSpace(), data.weights);
  weights(7)         = std::numeric_limits<float>::infinity();
  Kokkos::View<float*, Exec> const w("w", 50);
  Kokkos::deep_copy(w, weights);
  holed.weights = w;
  CHECK_THROWS_WITH(
      Trainer({.batch = 10}, holed),
      "basin::train::Trainer: weights(7, 0) is inf; drop that row, or replace the number");
}

TEST_CASE("data that do not fit the objective are refused", "[train][batch]") {
  auto const data = uniform_points(50, 3);
  CHECK_THROWS_WITH(
      Plain({.batch = 10}, data, labels(50)),
      "basin::train::Trainer: labels are given, and the objective takes none; leave them out");
  CHECK_THROWS_WITH(Labeled({.batch = 10}, data),
                    "basin::train::Trainer: the objective takes labels, and none are given; write "
                    "them behind the data");
  CHECK_THROWS_WITH(Labeled({.batch = 10}, data, labels(49)),
                    "basin::train::Trainer: labels has first extent 49, data has 50 rows");
}

TEST_CASE("a step trains on the data that were set last", "[train][batch]") {
  auto const data = uniform_points(50, 3), other = uniform_points(70, 3);
  for (int n = 0; n < 70; ++n) other(n, 0) = 5;
  Plain trainer({.batch = 10}, data);
  for (int i = 0; i < 3; ++i) trainer.step();
  trainer.set_data(other);
  for (int i = 0; i < 2; ++i) {
    trainer.step();
    auto const points = contents(trainer.state().batch().points);
    for (std::size_t n = 0; n < 10; ++n) CHECK(points[3 * n] == 5);
  }
  CHECK(trainer.steps_taken() == 5);
  CHECK_THROWS_WITH(trainer.set_data(uniform_points(70, 4)),
                    "basin::train::Trainer: data has second extent 4, the energy has dimension 3");
  CHECK_THROWS_WITH(
      trainer.set_data(data, labels(50)),
      "basin::train::Trainer: labels are given, and the objective takes none; leave them out");
  trainer.step();  // with what was there before
  CHECK(contents(trainer.state().batch().points)[0] == 5);

  Labeled labeled({.batch = 10}, data, labels(50));
  labeled.set_data(other, labels(70));
  CHECK_THROWS_WITH(labeled.set_data(other),
                    "basin::train::Trainer: the objective takes labels, and none are given; write "
                    "them behind the data");
}

TEST_CASE("an objective without columns reports what the trainer knows", "[train][batch]") {
  TrainerOf<basin::test::Mute> trainer({.batch = 10}, uniform_points(50, 3));
  auto const m = trainer.fit({.steps = 3});
  CHECK(m.size() == 2);
  CHECK(m["gradient_norm"] == 0);
  CHECK(m["learning_rate_factor"] == 1);
}

}  // namespace
