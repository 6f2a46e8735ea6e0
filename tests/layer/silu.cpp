// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/silu.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::layer::Dense;
using basin::layer::Silu;
using namespace basin::test;

double silu(double x) { return x * 0.5 * (1 + std::tanh(x / 2)); }

TEST_CASE("SiLU is x times the logistic function", "[layer][silu]") {
  auto const in_double = elementwise_errors<Silu, Exec, double>(line(30), silu);
  CHECK(in_double.value < 2e-15);
  CHECK(in_double.different_alone == 0);
  // 2.5 units in the last place of the logistic function, and a product; in the derivative this
  // error is met twice, once times x (1 - s) s < 0.3.
  auto const in_float = elementwise_errors<Silu, Exec, float>(line(30), silu);
  CHECK(in_float.value < 3.5 * 0x1p-23);
  CHECK(in_float.derivative < 5 * 0x1p-23);
  CHECK(in_float.different_alone == 0);
}

TEST_CASE("SiLU's derivative is the difference of its values", "[layer][silu]") {
  CHECK(derivative_error<Silu, Exec>(line(30)) < tolerance);
}

template <class Scalar>
using Net =
    basin::energy::Network<Scalar, basin::Vector<5>, Dense<7>, Silu, Dense<13>, Silu, Dense<1>>;

TEST_CASE("a network with SiLU has the gradients of its energy", "[layer][silu]") {
  auto const errors = gradient_errors<Exec, Net<double>>();
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
  CHECK(float_error<Exec, Net<float>, Net<double>>() < float_tolerance);
}

}  // namespace
