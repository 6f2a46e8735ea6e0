// SPDX-License-Identifier: Apache-2.0
// Optimizers as a user writes them: one with a state and weight decay, one without a state.
#include <basin/core/check.hpp>
#include <basin/objective/denoising_score_matching.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/tile/simd.hpp>

#include "support/training.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cmath>

// [listing]
namespace mine {

/// Lion: theta <- theta - learning_rate (sign(b1 m + (1 - b1) g) + decay theta), m <- b2 m + (1 - b2) g.
/// Source: Chen et al. 2023, arXiv:2302.06675, algorithm 2.
struct Lion {
  double learning_rate = 1e-4;
  double beta1         = 0.9;
  double beta2         = 0.99;
  double decay         = 0;

  static constexpr int states = 1;  // m

  template <class Scalar>
  struct Rule {
    Scalar learning_rate, beta1, beta2, decay;

    template <class V>
    KOKKOS_FUNCTION void operator()(V& theta, V g, V (&m)[1], V is_weight) const {
      V const u    = fma(V(beta1), m[0], V(1 - beta1) * g);
      V const sign = where_less(V(0), u, V(1), where_less(u, V(0), V(-1), V(0)));
      m[0]         = fma(V(beta2), m[0], V(1 - beta2) * g);
      theta        = fma(V(-learning_rate), fma(V(decay) * is_weight, theta, sign), theta);
    }
  };

  template <class Scalar>
  KOKKOS_FUNCTION Rule<Scalar> at(long, double factor) const {
    return {Scalar(learning_rate * factor), Scalar(beta1), Scalar(beta2), Scalar(decay)};
  }

  void check() const {
    if (!(learning_rate >= 0))
      basin::refuse("mine::Lion", "learning_rate must be >= 0, got ", learning_rate);
  }
};

/// theta <- theta - learning_rate sign(g)
struct SignSgd {
  double learning_rate = 1e-3;

  static constexpr int states = 0;

  template <class Scalar>
  struct Rule {
    Scalar learning_rate;

    template <class V>
    KOKKOS_FUNCTION void operator()(V& theta, V g) const {
      theta =
          theta - V(learning_rate) * where_less(V(0), g, V(1), where_less(g, V(0), V(-1), V(0)));
    }
  };

  template <class Scalar>
  KOKKOS_FUNCTION Rule<Scalar> at(long, double factor) const {
    return {Scalar(learning_rate * factor)};
  }

  void check() const {}
};

/// Momentum whose rule takes its one state as a number, not as an array.
struct Momentum {
  static constexpr int states = 1;
  template <class Scalar>
  struct Rule {
    Scalar learning_rate;
    template <class V>
    KOKKOS_FUNCTION void operator()(V& theta, V g, V& m) const {
      m     = fma(V(Scalar(0.5)), m, g);
      theta = fma(V(-learning_rate), m, theta);
    }
  };
  template <class Scalar>
  KOKKOS_FUNCTION Rule<Scalar> at(long, double factor) const {
    return {Scalar(0.01 * factor)};
  }
  void check() const {}
};

}  // namespace mine
// [/listing]

namespace {

using basin::test::contents;

template <class Optimizer>
using Trainer =
    basin::train::Trainer<basin::test::SmallNetwork, basin::objective::DenoisingScoreMatching,
                          Optimizer, basin::optimizer::Constant, BASIN_TEST_EXEC>;

static_assert(basin::optimizer::Optimizer<mine::Lion, float>);
static_assert(basin::optimizer::Optimizer<mine::SignSgd, double>);
static_assert(basin::optimizer::Optimizer<mine::Momentum, float>);
static_assert(basin::optimizer::Optimizer<basin::optimizer::AdamW, float>);
static_assert(basin::optimizer::Optimizer<basin::optimizer::Sgd, float>);
static_assert(!basin::optimizer::Optimizer<basin::optimizer::Constant, float>);

float sign(float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f; }

TEST_CASE("a user's optimizer with a state trains", "[archetype][optimizer]") {
  mine::Lion const lion{.learning_rate = 0.01, .beta1 = 0.8, .beta2 = 0.9, .decay = 0.1};
  Trainer<mine::Lion> trainer({.optimizer = lion, .batch = 37}, basin::test::uniform_points(50, 3));
  auto theta = contents(trainer.parameters());
  std::vector<float> m(theta.size());
  for (int step = 0; step < 4; ++step) {
    trainer.step();
    auto const g = contents(trainer.last_gradient());
    for (std::size_t k = 0; k < theta.size(); ++k) {
      float const u = std::fma(0.8f, m[k], (1 - 0.8f) * g[k]);
      m[k]          = std::fma(0.9f, m[k], (1 - 0.9f) * g[k]);
      theta[k]      = std::fma(-0.01f, std::fma(0.1f, theta[k], sign(u)), theta[k]);
    }
    CHECK(contents(trainer.parameters()) == theta);
  }
  CHECK_THROWS_WITH(Trainer<mine::Lion>({.optimizer = {.learning_rate = -1}, .batch = 37},
                                        basin::test::uniform_points(50, 3)),
                    "mine::Lion: learning_rate must be >= 0, got -1");
}

TEST_CASE("a user's optimizer without a state trains", "[archetype][optimizer]") {
  Trainer<mine::SignSgd> trainer({.optimizer = {.learning_rate = 0.25}, .batch = 37},
                                 basin::test::uniform_points(50, 3));
  auto theta = contents(trainer.parameters());
  for (int step = 0; step < 3; ++step) {
    trainer.step();
    auto const g = contents(trainer.last_gradient());
    for (std::size_t k = 0; k < theta.size(); ++k) theta[k] = theta[k] - 0.25f * sign(g[k]);
    CHECK(contents(trainer.parameters()) == theta);
  }
}

TEST_CASE("one state may be taken as a number", "[archetype][optimizer]") {
  auto const data = basin::test::uniform_points(50, 3);
  Trainer<mine::Momentum> mine({.batch = 37}, data);
  Trainer<basin::optimizer::Sgd> library(
      {.optimizer = {.learning_rate = 0.01, .momentum = 0.5}, .batch = 37}, data);
  for (int step = 0; step < 5; ++step) mine.step(), library.step();
  CHECK(contents(mine.parameters()) == contents(library.parameters()));
}

}  // namespace
