// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/softplus.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::layer::Dense;
using basin::layer::Softplus;
using namespace basin::test;

// ln(1 + e^x) = x / 2 + ln(2 cosh(x / 2))
double softplus(double x) { return x / 2 + std::log(2 * std::cosh(x / 2)); }

TEST_CASE("Softplus is ln(1 + e^x)", "[layer][softplus]") {
  auto const in_double = elementwise_errors<Softplus, Exec, double>(line(30), softplus);
  CHECK(in_double.value < 1e-14);  // this formula cancels for x < 0
  CHECK(in_double.different_alone == 0);
  // 1.4e-7 max(1, x), and 2.5 units in the last place of the logistic function.
  auto const in_float = elementwise_errors<Softplus, Exec, float>(line(30), softplus);
  CHECK(in_float.value < 1.4e-7);
  CHECK(in_float.derivative < 2.5 * 0x1p-24);
  CHECK(in_float.different_alone == 0);
}

TEST_CASE("Softplus' derivative is the difference of its values", "[layer][softplus]") {
  CHECK(derivative_error<Softplus, Exec>(line(30)) < tolerance);
}

template <class Scalar>
using Net = basin::energy::Network<Scalar, basin::Vector<13>, Dense<5>, Softplus, Dense<2>,
                                   Softplus, Dense<1>>;

TEST_CASE("a network with Softplus has the gradients of its energy", "[layer][softplus]") {
  auto const errors = gradient_errors<Exec, Net<double>>();
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
  CHECK(float_error<Exec, Net<float>, Net<double>>() < float_tolerance);
}

}  // namespace
