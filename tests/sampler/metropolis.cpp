// SPDX-License-Identifier: Apache-2.0
#include <basin/sampler/metropolis.hpp>

#include "support/chain_law.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <string>

namespace {

using basin::sampler::Metropolis;
using Catch::Matchers::WithinAbs;
using Exec = BASIN_TEST_EXEC;
using namespace basin::test;

// T / k = 0.25; standard error of the variance of 2^14 chains: 0.25 / 181.
TEST_CASE("random-walk Metropolis has the law of the energy", "[sampler][metropolis]") {
  auto const law =
      law_of<Exec>(Metropolis{.steps = 200, .scale = 0.6, .temperature = 0.5}, 2, 1 << 14);
  CHECK_THAT(law.variance, WithinAbs(0.25, 4 * 0.25 / 181));
  CHECK((law.columns[1] > 0.2 && law.columns[1] < 0.5));
}

TEST_CASE("small proposals are accepted, those far away are not", "[sampler][metropolis]") {
  CHECK(law_of<Exec>(Metropolis{.scale = 1e-5}, 1, 999).columns[1] > 0.999);
  CHECK(law_of<Exec>(Metropolis{.scale = 1e5}, 1, 999).columns[1] == 0);
}

TEST_CASE("random-walk Metropolis has the same bits in every tuning", "[sampler][metropolis]") {
  CHECK(tunings_of_other_bits<Exec>(Metropolis{.steps = 5, .scale = 0.5}) == 0);
}

TEST_CASE("Metropolis refuses numbers that mean nothing, and says them",
          "[sampler][metropolis][refusal]") {
  std::string const who = "basin::sampler::Metropolis: ";
  CHECK_THROWS_WITH(Metropolis{.scale = 0}.check(), who + "scale must be > 0 and finite, got 0");
  CHECK_THROWS_WITH(Metropolis{.temperature = -2}.check(),
                    who + "temperature must be > 0 and finite, got -2");
  CHECK_NOTHROW(Metropolis{}.check());
}

}  // namespace
