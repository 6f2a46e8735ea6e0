// SPDX-License-Identifier: Apache-2.0
#include <basin/optimizer/schedule.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

namespace {

using basin::optimizer::Constant;
using basin::optimizer::Cosine;
using basin::optimizer::StepDecay;
using basin::optimizer::WarmUp;
using Catch::Matchers::WithinAbs;

TEST_CASE("Constant is 1", "[optimizer][schedule]") {
  CHECK(Constant{}(0) == 1);
  CHECK(Constant{}(1L << 40) == 1);
}

TEST_CASE("StepDecay falls by its factor at every multiple of its period",
          "[optimizer][schedule]") {
  StepDecay const schedule{.every = 10, .decay = 0.5};
  CHECK(schedule(0) == 1);
  CHECK(schedule(9) == 1);
  CHECK(schedule(10) == 0.5);
  CHECK(schedule(19) == 0.5);
  CHECK(schedule(20) == 0.25);
  CHECK(schedule(100) == 0x1p-10);
}

TEST_CASE("Cosine is half a cosine from 1 to its floor, where it stays", "[optimizer][schedule]") {
  Cosine const schedule{.period = 60, .floor = 0.25};
  // cos of 0, 60, 90, 120 and 180 degrees: 1, 1/2, 0, -1/2, -1.
  CHECK_THAT(schedule(0), WithinAbs(1, 1e-15));
  CHECK_THAT(schedule(20), WithinAbs(0.25 + 0.75 * 0.75, 1e-15));
  CHECK_THAT(schedule(30), WithinAbs(0.25 + 0.75 * 0.5, 1e-15));
  CHECK_THAT(schedule(40), WithinAbs(0.25 + 0.75 * 0.25, 1e-15));
  CHECK_THAT(schedule(60), WithinAbs(0.25, 1e-15));
  CHECK(schedule(61) == 0.25);
  CHECK(schedule(1L << 40) == 0.25);
  for (long t = 0; t < 60; ++t) CHECK(schedule(t + 1) < schedule(t));
}

TEST_CASE("WarmUp rises in equal parts to 1, then its schedule begins", "[optimizer][schedule]") {
  WarmUp<StepDecay> const schedule{.steps = 4, .after = {.every = 10, .decay = 0.5}};
  CHECK(schedule(0) == 0.25);
  CHECK(schedule(1) == 0.5);
  CHECK(schedule(2) == 0.75);
  CHECK(schedule(3) == 1);
  for (long t = 0; t < 40; ++t) CHECK(schedule(4 + t) == schedule.after(t));
  CHECK(WarmUp<>{.steps = 1}(0) == 1);
}

TEST_CASE("schedules refuse numbers that mean nothing, and say them", "[optimizer][schedule]") {
  CHECK_THROWS_WITH(StepDecay{.every = 0}.check(),
                    "basin::optimizer::StepDecay: every must be >= 1, got 0");
  CHECK_THROWS_WITH(StepDecay{.decay = 0}.check(),
                    "basin::optimizer::StepDecay: decay must be in (0, 1], got 0");
  CHECK_THROWS_WITH(StepDecay{.decay = 1.5}.check(),
                    "basin::optimizer::StepDecay: decay must be in (0, 1], got 1.5");
  CHECK_THROWS_WITH(Cosine{.period = 0}.check(),
                    "basin::optimizer::Cosine: period must be >= 1, got 0");
  CHECK_THROWS_WITH(Cosine{.floor = -0.5}.check(),
                    "basin::optimizer::Cosine: floor must be in [0, 1], got -0.5");
  CHECK_THROWS_WITH(Cosine{.floor = 2}.check(),
                    "basin::optimizer::Cosine: floor must be in [0, 1], got 2");
  CHECK_THROWS_WITH(WarmUp<>{.steps = 0}.check(),
                    "basin::optimizer::WarmUp: steps must be >= 1, got 0");
  CHECK_THROWS_WITH(WarmUp<Cosine>{.after = {.period = -3}}.check(),
                    "basin::optimizer::Cosine: period must be >= 1, got -3");
  CHECK_NOTHROW((StepDecay{.every = 1, .decay = 1}.check()));
  CHECK_NOTHROW((Cosine{.period = 1, .floor = 1}.check()));
  CHECK_NOTHROW(Constant{}.check());
}

}  // namespace
