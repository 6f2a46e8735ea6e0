// SPDX-License-Identifier: Apache-2.0
#include <basin/optimizer/sgd.hpp>

#include "support/parameters.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <algorithm>
#include <limits>

namespace {

using basin::optimizer::Sgd;
using basin::test::test_gradient;

using Exec = BASIN_TEST_EXEC;

TEMPLATE_TEST_CASE("Sgd follows its formula over many updates, for any number of parameters",
                   "[optimizer][sgd]", float, double) {
  int constexpr updates = 100;
  Sgd const sgd{.learning_rate = 0.02, .momentum = 0.9};
  for (int const count : {1, 2047, 2048, 2049, 5000}) {
    CAPTURE(count);
    basin::test::Parameters<Exec, TestType, Sgd::states> p(count);
    std::vector<double> theta(static_cast<std::size_t>(count)), m(theta.size());
    for (int k = 0; k < count; ++k) theta[static_cast<std::size_t>(k)] = std::cos(0.7 * k);
    for (int t = 0; t < updates; ++t) {
      double const factor = t < 50 ? 1 : 0.5;  // of a schedule
      p.set(p.gradient, [t](int k) { return test_gradient(k, t); });
      p.update(sgd.at<TestType>(t, factor));
      for (int k = 0; k < count; ++k) {
        std::size_t const i = static_cast<std::size_t>(k);
        m[i]                = 0.9 * m[i] + test_gradient(k, t);
        theta[i] -= 0.02 * factor * m[i];
      }
    }
    auto const result = p.read(p.theta);
    double largest    = 0;
    for (std::size_t i = 0; i < theta.size(); ++i)
      largest = std::max(largest, std::abs(result[i] - theta[i]));
    // Each update rounds a theta of order 1, and adds learning_rate |m| <= 0.2 with a relative error of a
    // few epsilon.
    CHECK(largest <= 2 * updates * double(std::numeric_limits<TestType>::epsilon()));
    CHECK(p.padding_is_zero());
  }
}

TEST_CASE("Sgd without momentum takes the gradient as it is", "[optimizer][sgd]") {
  basin::test::Parameters<Exec, double, 1> p(100);
  auto const before = p.read(p.theta);
  p.set(p.gradient, [](int k) { return k; });
  for (int t = 0; t < 3; ++t) p.update(Sgd{.learning_rate = 0.25}.at<double>(t, 1));
  auto const after = p.read(p.theta);
  // Each of the three updates rounds once, to 1e-14 at theta = 75.
  for (std::size_t k = 0; k < 100; ++k)
    CHECK(std::abs(after[k] - (before[k] - 0.75 * double(k))) <= 3e-14);
}

TEST_CASE("Sgd of learning rate 0 changes nothing", "[optimizer][sgd]") {
  basin::test::Parameters<Exec, double, 1> p(100);
  auto const before = p.read(p.theta);
  p.set(p.gradient, [](int k) { return k; });
  p.update(Sgd{.learning_rate = 0}.at<double>(0, 1));
  p.update(Sgd{.learning_rate = 1}.at<double>(1, 0));
  CHECK(p.read(p.theta) == before);
}

TEST_CASE("Sgd refuses numbers that mean nothing, and says them", "[optimizer][sgd]") {
  std::string const who = "basin::optimizer::Sgd: ";
  CHECK_THROWS_WITH(Sgd{.learning_rate = -1}.check(),
                    who + "learning_rate must be >= 0 and finite, got -1");
  CHECK_THROWS_WITH(Sgd{.learning_rate = std::numeric_limits<double>::infinity()}.check(),
                    who + "learning_rate must be >= 0 and finite, got inf");
  CHECK_THROWS_WITH(Sgd{.learning_rate = std::nan("")}.check(),
                    who + "learning_rate must be >= 0 and finite, got nan");
  CHECK_THROWS_WITH(Sgd{.momentum = 1}.check(), who + "momentum must be in [0, 1), got 1");
  CHECK_THROWS_WITH(Sgd{.momentum = -0.5}.check(), who + "momentum must be in [0, 1), got -0.5");
  CHECK_NOTHROW(Sgd{.learning_rate = 0}.check());
}

}  // namespace
