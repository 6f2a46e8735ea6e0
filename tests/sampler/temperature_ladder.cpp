// SPDX-License-Identifier: Apache-2.0
#include <basin/sampler/temperature_ladder.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

namespace {

using basin::sampler::TemperatureLadder;
using Catch::Matchers::WithinRel;

TEST_CASE("a ladder is geometric, or swaps equally often", "[sampler][temperature_ladder]") {
  auto const ladder = TemperatureLadder::geometric(4, 0.008);
  CHECK(ladder.betas[0] == 1);
  CHECK_THAT(ladder.betas[1], WithinRel(0.2, 1e-12));
  CHECK_THAT(ladder.betas[2], WithinRel(0.04, 1e-12));
  CHECK_THAT(ladder.betas[3], WithinRel(0.008, 1e-12));
  // Rejections .3, .1 and .2 accumulate to .3, .4 and .6: thirds of it are .2 and .4.
  auto const even = ladder.evened({0.3, 0.1, 0.2}, 4);
  CHECK(even.rungs() == 4);
  CHECK_THAT(even.betas[1], WithinRel(1 + 2.0 / 3 * (0.2 - 1), 1e-12));
  CHECK_THAT(even.betas[2], WithinRel(0.04, 1e-12));
  CHECK(even.betas[3] == ladder.betas[3]);
  CHECK_THAT(TemperatureLadder::barrier({0.3, 0.1, 0.2}), WithinRel(0.6, 1e-12));
  CHECK(ladder.evened({0.3, 0.1, 0.2}, 7).rungs() == 7);
}

TEST_CASE("ladders that are none are refused", "[sampler][temperature_ladder][refusal]") {
  CHECK_THROWS_WITH((TemperatureLadder{{1, 0.5, 0.5}}.check()),
                    "basin::sampler::TemperatureLadder: betas must decrease and be > 0; those of "
                    "rungs 1 and 2 are 0.5 and 0.5");
  CHECK_THROWS_WITH((TemperatureLadder{{0.9, 0.5}}.check()),
                    "basin::sampler::TemperatureLadder: beta of the first rung must be 1, got 0.9");
  CHECK_THROWS_WITH(
      TemperatureLadder::geometric(3, 0),
      "basin::sampler::TemperatureLadder::geometric: smallest must be in (0, 1), got 0");
  CHECK_THROWS_WITH((TemperatureLadder{{1, 0.5}}.evened({0.5, 0.5}, 3)),
                    "basin::sampler::TemperatureLadder::evened: there are 2 rejections, the ladder "
                    "has 2 rungs");
}

}  // namespace
