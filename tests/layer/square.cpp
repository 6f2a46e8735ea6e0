// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/square.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::layer::Dense;
using basin::layer::Square;
using namespace basin::test;

TEMPLATE_TEST_CASE("Square is x x, and its derivative 2 x, to the bit", "[layer][square]", float,
                   double) {
  auto const x = line(30);
  auto const f = evaluate<Square, Exec, TestType>(x);
  int wrong    = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto const here = static_cast<TestType>(x[i]);
    wrong += f.value[i] != here * here;
    wrong += f.derivative[i] != 2 * here;
    wrong += f.value_alone[i] != f.value[i];
  }
  CHECK(wrong == 0);
}

TEST_CASE("Square's derivative is the difference of its values", "[layer][square]") {
  CHECK(derivative_error<Square, Exec>(line(30)) < tolerance);
}

// In the middle, and as the last layer, where E has no linear head.
template <class Scalar>
using Net = basin::energy::Network<Scalar, basin::Vector<5>, Dense<13>, Square, Dense<2>, Square,
                                   Dense<1>, Square>;

TEST_CASE("a network that ends in Square has the gradients of its energy", "[layer][square]") {
  auto const errors = gradient_errors<Exec, Net<double>>();
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
  CHECK(float_error<Exec, Net<float>, Net<double>>() < float_tolerance);
}

TEST_CASE("a network that ends in Square is nowhere negative", "[layer][square]") {
  Model<Exec, Net<float>> const model(parameters_of<Net<float>>(1));
  int negative = 0;
  for (float e : model.energies(numbers(5 * 1000, 4, 5))) negative += !(e >= 0);
  CHECK(negative == 0);
}

}  // namespace
