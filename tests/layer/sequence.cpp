// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/group_norm.hpp>
#include <basin/layer/residual.hpp>
#include <basin/layer/sequence.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/tanh.hpp>

#include "support/all_numbers.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Vector;
using basin::energy::Network;
using basin::layer::Dense;
using basin::layer::LayerNorm;
using basin::layer::Residual;
using basin::layer::Sequence;
using basin::layer::Silu;
using basin::layer::Tanh;
using namespace basin::test;

template <class... Layers>
using Net = Network<float, Vector<5>, Layers...>;

// Nobody sees how layers were put together.
template <class Written, class Named>
void check_same() {
  STATIC_REQUIRE(Written::parameters == Named::parameters);
  STATIC_REQUIRE(Written::workspace_rows == Named::workspace_rows);  // they fuse as elsewhere
  STATIC_REQUIRE(Written::gradient_flops == Named::gradient_flops);
  auto const written = Written::parameter_blocks(), named = Named::parameter_blocks();
  REQUIRE(written.size() == named.size());
  for (std::size_t i = 0; i < written.size(); ++i) {
    CHECK(written[i].name == named[i].name);
    CHECK(written[i].offset == named[i].offset);
  }
  CHECK(all_numbers<Exec, Written>() == all_numbers<Exec, Named>());
}

template <int Width>
using Block = Sequence<Dense<Width>, LayerNorm<>, Silu>;

TEST_CASE("a Sequence is its layers, written out", "[layer][sequence]") {
  using Written = Net<Tanh, Dense<4>, LayerNorm<>, Silu, Dense<7>, LayerNorm<>, Silu, Dense<1>>;
  check_same<Written, Net<Tanh, Block<4>, Block<7>, Dense<1>>>();
  // Cut anywhere, also between a layer and its activation, and in one another.
  check_same<Written, Net<Sequence<Tanh, Dense<4>, LayerNorm<>>,
                          Sequence<Sequence<Silu>, Sequence<Dense<7>, Sequence<LayerNorm<>>>>,
                          Sequence<Silu, Dense<1>>>>();
}

TEST_CASE("a Sequence in a residual block, and one of them", "[layer][sequence]") {
  using Written =
      Net<Dense<4>, Residual<Silu, Dense<4>, LayerNorm<>, Silu>, Residual<Dense<3>>, Dense<1>>;
  check_same<
      Written,
      Net<Dense<4>, Sequence<Residual<Silu, Sequence<Block<4>>>, Residual<Dense<3>>>, Dense<1>>>();
}

}  // namespace
