// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/cnn.hpp>
#include <basin/layer/sum.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>

#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::Vector;
using basin::energy::Network;
using basin::layer::AveragePool;
using basin::layer::Conv2d;
using basin::layer::Dense;
using basin::layer::Residual;
using basin::layer::Sequence;
using basin::layer::Silu;
using basin::layer::Sum;
using namespace basin::test;

template <class Net>
void check_differences() {
  auto const errors = gradient_errors<Exec, Net>({}, 3);
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
}

TEST_CASE("a sum of branches has the gradients of its energy", "[layer][sum]") {
  check_differences<
      Network<double, Vector<4>, Dense<5>,
              Sum<Dense<3>, Sequence<Silu, Dense<3>>, Residual<Dense<3>, Silu>>, Silu, Dense<1>>>();
  check_differences<Network<double, Vector<4>,
                            Sum<Sum<Dense<2>, Sequence<Dense<2>, Silu>>, Dense<2>>, Dense<1>>>();
  check_differences<basin::energy::IgebmResNet<double, Image<8, 8>, 1>>();
}

// What a network of its own gives for part of the parameters.
template <class Net>
double energy_of(std::vector<double> const& theta, int offset, std::vector<double> const& x) {
  auto const from = theta.begin() + offset;
  return Model<Exec, Net>({from, from + Net::parameters}).energies(x)[0];
}

TEST_CASE("a multi-scale energy is the sum of its scales", "[layer][sum]") {
  using Whole   = basin::energy::MultiScale<double, Image<8, 8>, Conv2d<2, 3>, Silu, Dense<1>>;
  using Full    = Network<double, Image<8, 8>, Conv2d<2, 3>, Silu, Dense<1>>;
  using Half    = Network<double, Image<8, 8>, AveragePool<2>, Conv2d<2, 3>, Silu, Dense<1>>;
  using Quarter = Network<double, Image<8, 8>, AveragePool<4>, Conv2d<2, 3>, Silu, Dense<1>>;
  STATIC_REQUIRE(Whole::parameters == Full::parameters + Half::parameters + Quarter::parameters);
  auto const theta = parameters_of<Whole>(1);
  auto const x     = numbers(64, 2, 1.5);
  double const sum = energy_of<Full>(theta, 0, x) + energy_of<Half>(theta, Full::parameters, x) +
                     energy_of<Quarter>(theta, Full::parameters + Half::parameters, x);
  // The branches are added in their order.
  CHECK(Model<Exec, Whole>(theta).energies(x)[0] == sum);
  check_differences<Whole>();
}

}  // namespace
