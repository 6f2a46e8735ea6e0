// SPDX-License-Identifier: Apache-2.0
// A schedule as a user writes it.
#include <basin/core/check.hpp>
#include <basin/objective/denoising_score_matching.hpp>
#include <basin/optimizer/sgd.hpp>

#include "support/training.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cmath>

// [listing]
namespace mine {

/// min(t, 1 / sqrt(t)) with t = (step + 1) / warm.
struct InverseRoot {
  long warm = 100;  ///< updates until the factor is 1; > 0

  KOKKOS_FUNCTION double operator()(long step) const {
    double const t = double(step + 1) / double(warm);
    return t < 1 ? t : 1 / Kokkos::sqrt(t);
  }

  void check() const {
    if (warm < 1) basin::refuse("mine::InverseRoot", "warm must be >= 1, got ", warm);
  }
};

}  // namespace mine
// [/listing]

namespace {

using basin::test::contents;
using Trainer =
    basin::train::Trainer<basin::test::SmallNetwork, basin::objective::DenoisingScoreMatching,
                          basin::optimizer::Sgd, mine::InverseRoot, BASIN_TEST_EXEC>;

static_assert(basin::optimizer::Schedule<mine::InverseRoot>);
static_assert(basin::optimizer::Schedule<basin::optimizer::WarmUp<mine::InverseRoot>>);
static_assert(!basin::optimizer::Schedule<basin::optimizer::Sgd>);

TEST_CASE("a user's schedule scales the learning rate", "[archetype][schedule]") {
  Trainer trainer({.optimizer = {.learning_rate = 0.5}, .schedule = {.warm = 4}, .batch = 37},
                  basin::test::uniform_points(50, 3));
  auto theta = contents(trainer.parameters());
  for (int step = 0; step < 8; ++step) {
    trainer.step();
    double const t = (step + 1) / 4.0, factor = t < 1 ? t : 1 / std::sqrt(t);
    auto const g = contents(trainer.last_gradient());
    for (std::size_t k = 0; k < theta.size(); ++k)
      theta[k] = std::fma(-static_cast<float>(0.5 * factor), g[k], theta[k]);
    CHECK(contents(trainer.parameters()) == theta);
    CHECK(trainer.metrics()["learning_rate_factor"] == factor);
  }
  CHECK_THROWS_WITH(
      Trainer({.schedule = {.warm = 0}, .batch = 37}, basin::test::uniform_points(50, 3)),
      "mine::InverseRoot: warm must be >= 1, got 0");
}

}  // namespace
