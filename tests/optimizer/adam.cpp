// SPDX-License-Identifier: Apache-2.0
#include <basin/optimizer/adam.hpp>

#include "support/parameters.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <algorithm>
#include <limits>

namespace {

using basin::optimizer::Adam;
using basin::optimizer::AdamW;
using basin::test::test_gradient;

using Exec = BASIN_TEST_EXEC;
template <class Scalar>
using Parameters = basin::test::Parameters<Exec, Scalar, 2>;

// Algorithm 2 of Loshchilov and Hutter in double, line by line; algorithm 1 of Kingma and Ba where
// decay is 0.
struct Reference {
  double learning_rate, beta1, beta2, epsilon, decay;
  std::vector<double> theta, m, v;

  void update(int t, double factor) {
    for (std::size_t i = 0; i < theta.size(); ++i) {
      double const g     = test_gradient(static_cast<int>(i), t);
      m[i]               = beta1 * m[i] + (1 - beta1) * g;
      v[i]               = beta2 * v[i] + (1 - beta2) * g * g;
      double const m_hat = m[i] / (1 - std::pow(beta1, t + 1));
      double const v_hat = v[i] / (1 - std::pow(beta2, t + 1));
      theta[i] -= learning_rate * factor * decay * theta[i];
      theta[i] -= learning_rate * factor * m_hat / (std::sqrt(v_hat) + epsilon);
    }
  }
};

template <class Scalar, class Optimizer>
void check_against_reference(Optimizer const& adam, double decay) {
  int constexpr updates = 100;
  for (int const count : {1, 2049, 5000}) {
    CAPTURE(count);
    Parameters<Scalar> p(count);
    std::vector<double> const zeros(static_cast<std::size_t>(count));
    Reference reference{
        adam.learning_rate, adam.beta1, adam.beta2, adam.epsilon, decay, zeros, zeros, zeros};
    for (int k = 0; k < count; ++k)
      reference.theta[static_cast<std::size_t>(k)] = std::cos(0.7 * k);
    for (int t = 0; t < updates; ++t) {
      double const factor = t < 50 ? 1 : 0.5;  // of a schedule
      p.set(p.gradient, [t](int k) { return test_gradient(k, t); });
      p.update(adam.template at<Scalar>(t, factor));
      reference.update(t, factor);
    }
    auto const result = p.read(p.theta);
    double largest    = 0;
    for (std::size_t i = 0; i < zeros.size(); ++i)
      largest = std::max(largest, std::abs(result[i] - reference.theta[i]));
    // Each update rounds a theta of order 1. Its slope, of order 1, is as wrong as 1 - beta is once
    // beta has been rounded: by epsilon / (1 - beta2), a square root of which is taken.
    double const epsilon = double(std::numeric_limits<Scalar>::epsilon());
    CHECK(largest <= updates * epsilon * (2 + adam.learning_rate / (1 - adam.beta2)));
    CHECK(p.padding_is_zero());
  }
}

TEMPLATE_TEST_CASE("Adam follows its formula over many updates, for any number of parameters",
                   "[optimizer][adam]", float, double) {
  check_against_reference<TestType>(Adam{.learning_rate = 0.01}, 0);
  check_against_reference<TestType>(
      Adam{.learning_rate = 0.01, .beta1 = 0, .beta2 = 0.9, .epsilon = 0.1}, 0);
}

TEMPLATE_TEST_CASE("AdamW follows its formula over many updates, for any number of parameters",
                   "[optimizer][adam]", float, double) {
  check_against_reference<TestType>(AdamW{.learning_rate = 0.01, .decay = 0.3}, 0.3);
}

TEMPLATE_TEST_CASE(
    "Adam's bias correction gives a constant gradient the full learning rate from the first update",
    "[optimizer][adam]", float, double) {
  // m / (1 - b1^t) = g and v / (1 - b2^t) = g^2 for every t: each update is rate g / (|g| +
  // epsilon).
  Adam const adam{.learning_rate = 0.125, .epsilon = 1e-12};
  Parameters<TestType> p(64);
  auto const before = p.read(p.theta);
  p.set(p.gradient, [](int k) { return (k % 2 ? -1 : 1) * std::pow(10., k % 7 - 3); });
  for (int t = 0; t < 20; ++t) {
    p.update(adam.at<TestType>(t, 1));
    auto const after = p.read(p.theta);
    for (std::size_t k = 0; k < 64; ++k) {
      double const moved = -(k % 2 ? -1 : 1) * 0.125 * (t + 1);
      // Of each update 1e-12 / |g| of epsilon; a dozen roundings of m, v and slope to eps / 2, and
      // that of theta, which stays under 4.
      double const eps     = double(std::numeric_limits<TestType>::epsilon());
      double const allowed = 0.125 * (1e-9 + 6 * eps) + 2 * eps;
      REQUIRE(std::abs(after[k] - before[k] - moved) <= (t + 1) * allowed);
    }
  }
}

TEST_CASE("a beta under 1 stays under 1 in float", "[optimizer][adam]") {
  Adam const adam{.learning_rate = 0.125, .beta1 = 1 - 1e-12, .beta2 = 1 - 1e-12};
  Parameters<float> p(64);
  auto const before = p.read(p.theta);
  p.set(p.gradient, [](int) { return 1.; });
  p.update(adam.at<float>(0, 1));
  auto const after = p.read(p.theta);
  // A few roundings of numbers up to 1.
  for (std::size_t k = 0; k < 64; ++k) REQUIRE(std::abs(after[k] - before[k] + 0.125) <= 1e-6);
}

TEST_CASE("weight decay does not pass through Adam's moments", "[optimizer][adam]") {
  // Without a gradient: Adam rests, AdamW shrinks each parameter by the same factor.
  Parameters<double> a(3000), w(3000);
  auto const before = a.read(a.theta);
  for (int t = 0; t < 10; ++t) {
    a.update(Adam{.learning_rate = 0.1}.at<double>(t, 1));
    w.update(AdamW{.learning_rate = 0.1, .decay = 0.5}.at<double>(t, 1));
  }
  CHECK(a.read(a.theta) == before);
  auto const shrunk = w.read(w.theta);
  for (std::size_t k = 0; k < before.size(); ++k)
    REQUIRE(std::abs(shrunk[k] - before[k] * std::pow(0.95, 10)) <= 1e-14);  // 10 roundings
  CHECK(w.read(w.state) == std::vector<double>(w.state.size(), 0.));
}

TEST_CASE("what is no weight does not decay", "[optimizer][adam]") {
  // 2051: in the second block, and within a vector.
  Parameters<float> p(3000);
  p.weights         = 2051;
  auto const before = p.read(p.theta);
  p.update(AdamW{.learning_rate = 0.1, .decay = 0.5}.at<float>(0, 1));
  auto const after = p.read(p.theta);
  for (std::size_t k = 0; k < before.size(); ++k)
    REQUIRE(std::abs(after[k] - before[k] * (k < 2051 ? 0.95 : 1)) <= (k < 2051 ? 1e-7 : 0));
}

TEST_CASE("Adam and AdamW refuse numbers that mean nothing, and say them", "[optimizer][adam]") {
  std::string const adam = "basin::optimizer::Adam: ", adamw = "basin::optimizer::AdamW: ";
  CHECK_THROWS_WITH(Adam{.learning_rate = -1}.check(),
                    adam + "learning_rate must be >= 0 and finite, got -1");
  CHECK_THROWS_WITH(Adam{.learning_rate = std::nan("")}.check(),
                    adam + "learning_rate must be >= 0 and finite, got nan");
  double const infinity = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(AdamW{.learning_rate = infinity}.check(),
                    adamw + "learning_rate must be >= 0 and finite, got inf");
  CHECK_THROWS_WITH(Adam{.beta1 = 1}.check(), adam + "beta1 must be in [0, 1), got 1");
  CHECK_THROWS_WITH(AdamW{.beta1 = -0.5}.check(), adamw + "beta1 must be in [0, 1), got -0.5");
  CHECK_THROWS_WITH(Adam{.beta2 = 1}.check(), adam + "beta2 must be in [0, 1), got 1");
  CHECK_THROWS_WITH(Adam{.epsilon = 0}.check(),
                    adam + "epsilon must be >= 1e-37 and finite, got 0");
  CHECK_THROWS_WITH(Adam{.epsilon = infinity}.check(),
                    adam + "epsilon must be >= 1e-37 and finite, got inf");
  CHECK_THROWS_WITH(AdamW{.decay = -0.5}.check(),
                    adamw + "decay must be >= 0 and finite, got -0.5");
  CHECK_THROWS_WITH(AdamW{.decay = infinity}.check(),
                    adamw + "decay must be >= 0 and finite, got inf");
  CHECK_NOTHROW((Adam{.learning_rate = 0, .beta1 = 0, .beta2 = 0}.check()));
  CHECK_NOTHROW(AdamW{.decay = 0}.check());
}

}  // namespace
