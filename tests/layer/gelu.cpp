// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/gelu.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <numbers>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::layer::Dense;
using basin::layer::Gelu;
using namespace basin::test;

double gelu(double x) { return x * std::erfc(-x / std::numbers::sqrt2) / 2; }

TEST_CASE("GELU is x times the distribution function of the normal law", "[layer][gelu]") {
  auto const in_double = elementwise_errors<Gelu, Exec, double>(line(30), gelu);
  CHECK(in_double.value < 2e-15);
  CHECK(in_double.different_alone == 0);
  // 3.2e-7 of the distribution function, and a product; in the derivative x times the density,
  // under 0.25, with a relative error of about 1.5 units in the last place, comes to it.
  auto const in_float = elementwise_errors<Gelu, Exec, float>(line(30), gelu);
  CHECK(in_float.value < 3.2e-7 + 0x1p-24);
  CHECK(in_float.derivative < 3.2e-7 + 0x1p-23);
  CHECK(in_float.different_alone == 0);
}

TEST_CASE("GELU's derivative is the difference of its values", "[layer][gelu]") {
  CHECK(derivative_error<Gelu, Exec>(line(30)) < tolerance);
}

template <class Scalar>
using Net =
    basin::energy::Network<Scalar, basin::Vector<1>, Dense<13>, Gelu, Dense<5>, Gelu, Dense<1>>;

TEST_CASE("a network with GELU has the gradients of its energy", "[layer][gelu]") {
  auto const errors = gradient_errors<Exec, Net<double>>();
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
  CHECK(float_error<Exec, Net<float>, Net<double>>() < float_tolerance);
}

}  // namespace
