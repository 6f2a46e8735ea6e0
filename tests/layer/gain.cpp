// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/gain.hpp>
#include <basin/layer/silu.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Vector;
using basin::energy::Network;
using basin::layer::Dense;
using basin::layer::Gain;
using basin::layer::Silu;
using namespace basin::test;

TEST_CASE("a gain is gamma x", "[layer][gain]") {
  using Net = Network<double, Vector<2>, Gain<>, Dense<1>>;
  // theta: gamma; the head's weights and bias. All are exact.
  Model<Exec, Net> const model({3, 1, 2, 0.5});
  CHECK(model.energies({4, 5}) == std::vector<double>{42.5});
  CHECK(model.gradients({4, 5}) == std::vector<double>{3, 6});
  CHECK(model.training({4, 5}, {2}).gradient == std::vector<double>{28, 24, 30, 2});
}

TEST_CASE("a gain has the gradients of its energy", "[layer][gain]") {
  auto const errors =
      gradient_errors<Exec, Network<double, Vector<5>, Dense<3>, Silu, Gain<>, Silu, Dense<1>>>();
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
}

TEST_CASE("a gain starts where it is told to", "[layer][gain]") {
  auto const law  = [](auto const& blocks) { return blocks[0].law; };
  auto const zero = law(Gain<>::bind<float, Vector<2>>::parameter_blocks());
  CHECK((zero.scale == 0 && zero.center == 0));
  auto const half = law(Gain<std::ratio<1, 2>>::bind<float, Vector<2>>::parameter_blocks());
  CHECK((half.scale == 0 && half.center == 0.5));
}

}  // namespace
