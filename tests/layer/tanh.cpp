// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/tanh.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::layer::Dense;
using basin::layer::Tanh;
using namespace basin::test;

double hyperbolic(double x) { return 1 - 2 / (std::exp(2 * x) + 1); }

TEST_CASE("Tanh is the hyperbolic tangent", "[layer][tanh]") {
  auto const in_double = elementwise_errors<Tanh, Exec, double>(line(30), hyperbolic);
  CHECK(in_double.value < 1e-15);
  CHECK(in_double.different_alone == 0);
  // 8e-8 of tanh, twice in the derivative 1 - tanh^2, and its rounding.
  auto const in_float = elementwise_errors<Tanh, Exec, float>(line(30), hyperbolic);
  CHECK(in_float.value < 8e-8);
  CHECK(in_float.derivative < 1.6e-7 + 0x1p-24);
  CHECK(in_float.different_alone == 0);
}

TEST_CASE("Tanh's derivative is the difference of its values", "[layer][tanh]") {
  CHECK(derivative_error<Tanh, Exec>(line(30)) < tolerance);
}

template <class Scalar>
using Net =
    basin::energy::Network<Scalar, basin::Vector<2>, Dense<1>, Tanh, Dense<13>, Tanh, Dense<1>>;

TEST_CASE("a network with Tanh has the gradients of its energy", "[layer][tanh]") {
  auto const errors = gradient_errors<Exec, Net<double>>();
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
  CHECK(float_error<Exec, Net<float>, Net<double>>() < float_tolerance);
}

}  // namespace
