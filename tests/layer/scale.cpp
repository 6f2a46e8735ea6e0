// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/scale.hpp>
#include <basin/layer/tanh.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <ratio>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::layer::Dense;
using basin::layer::Scale;
using basin::layer::Tanh;
using namespace basin::test;
using ToUnit = Scale<std::ratio<2>, std::ratio<-1>>;
using Thirds = Scale<std::ratio<-1, 3>, std::ratio<5, 7>>;

TEMPLATE_TEST_CASE("Scale is one multiply-add, and its derivative the factor", "[layer][scale]",
                   float, double) {
  auto const x          = line(30);
  auto const f          = evaluate<Thirds, Exec, TestType>(x);
  TestType const factor = TestType(-1) / 3, shift = TestType(5) / 7;
  int wrong = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    wrong += f.value[i] != std::fma(factor, static_cast<TestType>(x[i]), shift);
    wrong += f.derivative[i] != factor;
    wrong += f.value_alone[i] != f.value[i];
  }
  CHECK(wrong == 0);
  auto const ends = evaluate<ToUnit, Exec, TestType>({0, 1, 0.5});
  CHECK((ends.value[0] == -1 && ends.value[1] == 1 && ends.value[2] == 0));
}

TEST_CASE("Scale's derivative is the difference of its values", "[layer][scale]") {
  CHECK(derivative_error<Thirds, Exec>(line(30)) < tolerance);
}

// In front, before and behind an activation, and as the last layer.
template <class Scalar>
using Net = basin::energy::Network<Scalar, basin::Image<3, 2, 2>, ToUnit, Dense<7>, Thirds, Tanh,
                                   Scale<std::ratio<3, 2>>, Dense<5>, Tanh, Dense<1>, Thirds>;

TEST_CASE("a network with Scale has the gradients of its energy", "[layer][scale]") {
  auto const errors = gradient_errors<Exec, Net<double>>();
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
  CHECK(float_error<Exec, Net<float>, Net<double>>() < float_tolerance);
}

template <class First, class... Rest>
using After = basin::energy::Network<float, basin::Vector<5>, First, Rest...>;

TEST_CASE("a factor of 2 in front is the same network with weights twice as large",
          "[layer][scale]") {
  // To the bit: a product with a power of two is exact.
  using Plain  = After<Dense<7>, Tanh, Dense<1>>;
  using Scaled = After<Scale<std::ratio<2>>, Dense<7>, Tanh, Dense<1>>;
  auto theta   = parameters_of<Plain>(5);
  auto const x = numbers(5 * 20, 6);
  Model<Exec, Scaled> const scaled(theta);
  for (std::size_t k = 0; k < 5 * 7; ++k) theta[k] *= 2;
  Model<Exec, Plain> const plain(theta);
  CHECK(scaled.energies(x) == plain.energies(x));
  CHECK(scaled.gradients(x) == plain.gradients(x));
}

}  // namespace
