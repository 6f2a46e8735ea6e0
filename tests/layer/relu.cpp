// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/relu.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <limits>
#include <ratio>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::layer::Dense;
using basin::layer::LeakyRelu;
using basin::layer::Relu;
using namespace basin::test;
using Fifth = LeakyRelu<std::ratio<1, 5>>;

template <class Layer, class T>
void check_values(double slope) {
  auto const exact = static_cast<T>(slope);
  auto const x     = line(30);
  auto const f     = evaluate<Layer, Exec, T>(x);
  int wrong        = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    T const here = static_cast<T>(x[i]);
    wrong += f.value[i] != (here > 0 ? here : exact * here);
    wrong += f.derivative[i] != (here > 0 ? T(1) : exact);
    wrong += f.value_alone[i] != f.value[i];
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("a rectifier is x above 0, and Slope x below, to the bit", "[layer][relu]",
                   float, double) {
  check_values<Relu, TestType>(0);
  check_values<LeakyRelu<>, TestType>(0.01);
  check_values<Fifth, TestType>(0.2);
}

TEST_CASE("a rectifier's derivative at 0 is its slope below, and NaN stays NaN", "[layer][relu]") {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  auto const f     = evaluate<Relu, Exec, double>({0.0, nan, -1e300});
  auto const g     = evaluate<Fifth, Exec, double>({0.0, nan});
  CHECK(f.value[0] == 0);
  CHECK(f.derivative[0] == 0);
  CHECK(g.derivative[0] == 0.2);
  CHECK(std::isnan(f.value[1]));
  CHECK(std::isnan(g.value[1]));
  CHECK(f.value[2] == 0);
}

TEST_CASE("a rectifier's derivative is the difference of its values", "[layer][relu]") {
  CHECK(derivative_error<Relu, Exec>(line(30)) < tolerance);
  CHECK(derivative_error<Fifth, Exec>(line(30)) < tolerance);
}

// The points of these tests are no nearer to a kink than a step of the difference.
template <class Scalar>
using Net =
    basin::energy::Network<Scalar, basin::Vector<7>, Dense<13>, Relu, Dense<5>, Fifth, Dense<1>>;

TEST_CASE("a network with rectifiers has the gradients of its energy", "[layer][relu]") {
  auto const errors = gradient_errors<Exec, Net<double>>();
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
  CHECK(float_error<Exec, Net<float>, Net<double>>() < float_tolerance);
}

}  // namespace
