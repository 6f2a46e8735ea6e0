// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/conv2d.hpp>
#include <basin/layer/flatten.hpp>
#include <basin/layer/group_norm.hpp>
#include <basin/layer/residual.hpp>
#include <basin/layer/silu.hpp>

#include "support/all_numbers.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::Vector;
using basin::energy::Network;
using basin::layer::Conv2d;
using basin::layer::Dense;
using basin::layer::Flatten;
using basin::layer::LayerNorm;
using basin::layer::Residual;
using basin::layer::Silu;
using namespace basin::test;

TEST_CASE("Flatten makes a vector of an image and moves nothing", "[layer][flatten]") {
  STATIC_REQUIRE(std::same_as<Flatten::output_shape<Image<3, 2, 5>>, Vector<30>>);
  using Plain        = Network<float, Vector<12>, Dense<4>, Silu, Dense<1>>;
  auto const numbers = all_numbers<Exec, Plain>();
  CHECK(all_numbers<Exec, Network<float, Image<3, 2, 2>, Flatten, Dense<4>, Silu, Dense<1>>>() ==
        numbers);
  // A Dense reads an image in the same order; a vector may be flattened.
  CHECK(all_numbers<Exec, Network<float, Image<3, 2, 2>, Dense<4>, Flatten, Silu, Dense<1>>>() ==
        numbers);

  // Behind layers, in front of their activation or behind it, at no cost in memory.
  using Behind = Network<float, Image<3, 2>, Conv2d<4, 2>, Silu, Flatten, Dense<3>, Dense<1>>;
  using Before = Network<float, Image<3, 2>, Conv2d<4, 2>, Flatten, Silu, Dense<3>, Dense<1>>;
  using Never  = Network<float, Image<3, 2>, Conv2d<4, 2>, Silu, Dense<3>, Dense<1>>;
  STATIC_REQUIRE(Behind::workspace_rows == Never::workspace_rows);
  CHECK(all_numbers<Exec, Behind>() == all_numbers<Exec, Never>());
  CHECK(all_numbers<Exec, Before>() == all_numbers<Exec, Never>());
}

template <class Net>
void check_differences() {
  auto const errors = gradient_errors<Exec, Net>();
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
}

TEST_CASE("behind Flatten layers see a vector", "[layer][flatten]") {
  // A scale and a shift for each number, not for each channel.
  using Net = Network<double, Image<3, 2, 2>, Flatten, LayerNorm<>, Dense<1>>;
  STATIC_REQUIRE(Net::parameters == 2 * 12 + (12 + 1));
  // Behind a block, whose sum it does not take in, and in one, which then changes the shape: the
  // input is projected as a vector.
  using Blocks = Network<double, Image<2, 2, 2>, Residual<Conv2d<2, 2>, Silu>, Flatten, Silu,
                         Dense<4>, Dense<1>>;
  STATIC_REQUIRE(Blocks::parameters == (4 * 2 * 2 + 2) + (8 * 4 + 4) + (4 + 1));
  check_differences<Blocks>();
  using Inside = Network<double, Image<2, 1, 2>, Residual<Flatten, Dense<4>>, Dense<1>>;
  STATIC_REQUIRE(Inside::parameters == 2 * (4 * 4 + 4) + (4 + 1));
  check_differences<Inside>();
}

}  // namespace
