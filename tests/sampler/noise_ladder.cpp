// SPDX-License-Identifier: Apache-2.0
#include <basin/sampler/noise_ladder.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

namespace {

using basin::sampler::NoiseLadder;
using Catch::Matchers::Message;

TEST_CASE("a ladder is geometric", "[sampler][noise_ladder]") {
  NoiseLadder const ladder{.first = 8, .last = 1, .levels = 4};
  for (int i = 0; i < 4; ++i)
    CHECK_THAT(ladder(i), Catch::Matchers::WithinRel(8 * std::pow(0.5, i), 1e-14));
}

TEST_CASE("a ladder that does not descend is refused", "[sampler][noise_ladder][refusal]") {
  CHECK_THROWS_MATCHES(
      (NoiseLadder{.first = 1, .last = 2}.check()), std::invalid_argument,
      Message("basin::sampler::NoiseLadder: last must be in (0, first) and first finite, got 2 and "
              "1"));
  CHECK_THROWS_MATCHES(NoiseLadder{.levels = 1}.check(), std::invalid_argument,
                       Message("basin::sampler::NoiseLadder: levels must be > 1, got 1"));
}

}  // namespace
