// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/network.hpp>
#include <basin/layer/gelu.hpp>
#include <basin/layer/scale.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/square.hpp>

#include "support/ask_all.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

// (In a namespace with a name: nvcc warns of members that nobody reads in one without.)
namespace network_test {

// A user's layer that passes its input on. Behind a Dense it ends the stage, so that the next
// activation runs as a pass of its own.
struct PassOn {
  template <basin::Real Scalar, basin::Shape Input>
  struct bind : basin::layer::BoundLayer {
    using output_shape           = Input;
    static constexpr int inputs  = Input::size;
    static constexpr int outputs = Input::size;

    template <class Context, class Epilogue>
    static KOKKOS_FUNCTION void forward(Context const& c, basin::layer::Frame<Scalar> const&,
                                        Scalar const* x, Epilogue const& epilogue) {
      c.map(+inputs, [=](auto at) { epilogue(at, at.load(x)); });
    }
    template <class Context, class Epilogue>
    static KOKKOS_FUNCTION void pull_back(Context const& c, basin::layer::Frame<Scalar> const&,
                                          Scalar const*, Scalar const* g,
                                          Epilogue const& epilogue) {
      c.map(+inputs, [=](auto at) { epilogue(at, at.load(g)); });
    }
  };
};

}  // namespace network_test

namespace {

using network_test::PassOn;
using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::Vector;
using basin::energy::Network;
using basin::layer::Dense;
using basin::layer::Gelu;
using basin::layer::Scale;
using basin::layer::Silu;
using basin::layer::Square;
using namespace basin::test;
using Half = Scale<std::ratio<1, 2>>;

// ---- what is known at compile time -----------------------------------------------

TEST_CASE("a network knows its size and its work", "[energy][network]") {
  using Net = Network<float, Vector<2>, Dense<64>, Silu, Dense<64>, Silu, Dense<1>>;
  STATIC_REQUIRE(Net::dimension == 2);
  STATIC_REQUIRE(Net::parameters == (2 * 64 + 64) + (64 * 64 + 64) + (64 + 1));
  // A multiply-add is 2 operations; dE/dx is all layers but the last, there and back.
  STATIC_REQUIRE(Net::energy_flops == 2 * (2 * 64 + 64 * 64 + 64));
  STATIC_REQUIRE(Net::gradient_flops == 2 * 2 * (2 * 64 + 64 * 64));
  // While the second layer runs these live: x, h0, f'(z0), h1, f'(z1). All else finds room in them.
  STATIC_REQUIRE(Net::workspace_rows == 2 + 4 * 64);
  STATIC_REQUIRE(Net::workspace_bytes<16> == 4 * 16 * 258);
  STATIC_REQUIRE(
      Network<double, Vector<2>, Dense<64>, Silu, Dense<64>, Silu, Dense<1>>::workspace_bytes<8> ==
      8 * 8 * 258);
  // A record holds the inputs of each layer, in whole panels of 32, and dE/d(outputs).
  STATIC_REQUIRE(Net::record_rows == (32 + 64) + (64 + 64) + (64 + 1));

  // With no linear last layer dE/dx needs all of them.
  using Squared = Network<float, Vector<2>, Dense<64>, Silu, Dense<1>, Square>;
  STATIC_REQUIRE(Squared::gradient_flops == 2 * 2 * (2 * 64 + 64));
  // The derivative of one linear layer is its row of weights.
  STATIC_REQUIRE(Network<float, Vector<9>, Dense<1>>::gradient_flops == 0);
  // A deep network needs f' of every layer, and h of two.
  using Deep = Network<float, Vector<64>, Dense<64>, Silu, Dense<64>, Silu, Dense<64>, Silu,
                       Dense<64>, Silu, Dense<64>, Silu, Dense<1>>;
  STATIC_REQUIRE(Deep::workspace_rows == (1 + 5 + 2) * 64);
}

TEST_CASE("a network names the blocks of its parameters", "[energy][network]") {
  // Stages are counted: a layer with the elementwise layers behind it, or those in front.
  auto const blocks = Network<float, Image<3, 2>, Half, Dense<5>, Silu, Dense<4>, Half, Gelu,
                              Dense<1>>::parameter_blocks();
  struct Expected {
    std::string name;
    int offset, rows, columns;
  };
  std::vector<Expected> const expected{{"1.weight", 0, 5, 6},  {"1.bias", 30, 5, 1},
                                       {"2.weight", 35, 4, 5}, {"2.bias", 55, 4, 1},
                                       {"3.weight", 59, 1, 4}, {"3.bias", 63, 1, 1}};
  REQUIRE(blocks.size() == expected.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    CHECK(blocks[i].name == expected[i].name);
    CHECK(blocks[i].offset == expected[i].offset);
    CHECK(blocks[i].rows == expected[i].rows);
    CHECK(blocks[i].columns == expected[i].columns);
  }
}

// ---- one chain -----------------------------------------------------------------------

using Small = Network<float, Vector<5>, Dense<7>, Silu, Dense<1>>;

TEST_CASE("a chain's numbers do not depend on the others", "[energy][network]") {
  Model<Exec, Small> const model(parameters_of<Small>(1));
  auto x       = numbers(5 * chains, 2);
  auto const e = model.energies(x), g = model.gradients(x);
  int wrong = 0;
  for (std::size_t n : {std::size_t(1), std::size_t(16), std::size_t(33)}) {
    auto const fewer = model.energies({x.begin(), x.begin() + static_cast<std::ptrdiff_t>(5 * n)});
    for (std::size_t i = 0; i < n; ++i) wrong += fewer[i] != e[i];
  }
  CHECK(wrong == 0);

  // A chain that has diverged stays alone.
  x[5 * 20]           = std::numeric_limits<double>::quiet_NaN();
  auto const e_beside = model.energies(x), g_beside = model.gradients(x);
  for (std::size_t i = 0; i < chains; ++i) {
    wrong += i == 20 ? !std::isnan(e_beside[i]) : e_beside[i] != e[i];
    for (std::size_t d = 0; d < 5; ++d)
      wrong += i == 20 ? !std::isnan(g_beside[5 * i + d]) : g_beside[5 * i + d] != g[5 * i + d];
  }
  CHECK(wrong == 0);
}

// ---- spellings ------------------------------------------------------------------------

TEST_CASE("fused and unfused layers give the same bits", "[energy][network]") {
  using Fused      = Network<float, Vector<5>, Half, Dense<7>, Half, Silu, Dense<1>, Square>;
  using Unfused    = Network<float, Vector<5>, Half, PassOn, Dense<7>, PassOn, Half, PassOn, Silu,
                             PassOn, Dense<1>, PassOn, Square>;
  auto const theta = parameters_of<Fused>(1);
  auto const fused = ask_all<Exec, Fused>(theta);
  CHECK(fused == ask_all<Exec, Unfused>(theta));
  // And a training pass without dropout has the energies of scoring.
  std::vector<float> const e(fused.begin(), fused.begin() + chains),
      training(fused.begin() + 6 * chains, fused.begin() + 7 * chains);
  CHECK(e == training);
}

// ---- the rest: tests/layer/ hold the gradients of networks against differences -----------

TEST_CASE("a network without weights is its activation", "[energy][network]") {
  Model<Exec, Network<double, Vector<1>, Half, Square>> const model({});
  std::vector<double> const x{-3, 0, 1, 5};
  CHECK(model.energies(x) == std::vector<double>{2.25, 0, 0.25, 6.25});
  CHECK(model.gradients(x) == std::vector<double>{-1.5, 0, 0.5, 2.5});
}

TEST_CASE("a network is a handle: it sees its parameters change", "[energy][network]") {
  Model<Exec, Small> model(std::vector<double>(Small::parameters, 0.0));
  Small const net = model.net();
  auto const x    = on_device<Exec, float>(numbers(5, 1));
  Kokkos::View<float*, Exec> const e("e", 1);
  basin::energy::energies(Exec(), net, Model<Exec, Small>::points(x), e);
  CHECK(on_host(e)[0] == 0);
  std::vector<double> theta(Small::parameters, 0.0);
  theta.back() = 3;  // the last layer's bias
  model.set(theta);
  basin::energy::energies(Exec(), net, Model<Exec, Small>::points(x), e);
  CHECK(on_host(e)[0] == 3);
}

}  // namespace
