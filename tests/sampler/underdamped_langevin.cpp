// SPDX-License-Identifier: Apache-2.0
#include <basin/sampler/underdamped_langevin.hpp>

#include "support/chain_law.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <string>

namespace {

using basin::sampler::UnderdampedLangevin;
using Catch::Matchers::WithinAbs;
using Exec = BASIN_TEST_EXEC;
using namespace basin::test;

// T / k = 0.25 with h^2 k = 2, where the splitting OBABO would give 0.25 / (1 - 2 / 4) = 0.5.
// Standard error of the variance of 2^14 chains: 0.25 / 181.
TEST_CASE("BAOAB has the variance of a parabola at a step where others have twice it",
          "[sampler][underdamped_langevin]") {
  auto const law = law_of<Exec>(
      UnderdampedLangevin{.steps = 60, .step_size = 1, .temperature = 0.5}, 2, 1 << 14);
  CHECK_THAT(law.variance, WithinAbs(0.25, 4 * 0.25 / 181));
}

// Without friction a chain goes along its circle: x_0 cos t + p_0 sin t after a time t, for a step
// of 2^-7 to 1e-5. Here t = 1.
TEST_CASE("without friction chains keep their momenta", "[sampler][underdamped_langevin]") {
  auto const law = law_of<Exec>(
      UnderdampedLangevin{.steps = 128, .step_size = 0x1p-7, .friction = 0, .temperature = 0.04}, 1,
      1 << 12, 3);
  double const deviation = 0.2 * std::sin(1.0);
  CHECK_THAT(law.mean, WithinAbs(3 * std::cos(1.0), 4 * deviation / 128 + 1e-4));
  CHECK_THAT(law.variance, WithinAbs(deviation * deviation, 4 * deviation * deviation / 90));
}

TEST_CASE("BAOAB has the same bits in every tuning", "[sampler][underdamped_langevin]") {
  CHECK(tunings_of_other_bits<Exec>(UnderdampedLangevin{.steps = 5, .step_size = 0.3}) == 0);
}

TEST_CASE("UnderdampedLangevin refuses numbers that mean nothing, and says them",
          "[sampler][underdamped_langevin][refusal]") {
  std::string const who = "basin::sampler::UnderdampedLangevin: ";
  CHECK_THROWS_WITH(UnderdampedLangevin{.step_size = 0}.check(),
                    who + "step_size must be > 0 and finite, got 0");
  CHECK_THROWS_WITH(UnderdampedLangevin{.friction = -1}.check(),
                    who + "friction must be >= 0 and finite, got -1");
  CHECK_NOTHROW(UnderdampedLangevin{}.check());
}

}  // namespace
