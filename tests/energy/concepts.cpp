// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/analytic.hpp>
#include <basin/energy/concepts.hpp>
#include <basin/energy/network.hpp>
#include <basin/energy/quadratic.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/square.hpp>

#include <catch2/catch_test_macros.hpp>

// An energy that is written by hand, and others that lack one thing each. (In a namespace with a
// name: nvcc warns of what has none and is only asked about.)
namespace concepts_test {

struct Whole {
  using scalar_type                   = float;
  static constexpr int dimension      = 2;
  static constexpr int state_row      = 0;
  static constexpr int gradient_row   = 2;
  static constexpr int energy_row     = 4;
  static constexpr int workspace_rows = 5;
  template <class Context>
  KOKKOS_FUNCTION void energy(Context const&, float*) const {}
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const&, float*) const {}
};

struct ScalarIsNoReal : Whole {
  using scalar_type = int;
};
struct NoScalar {
  static constexpr int dimension = 2;
};
struct NoDimension : Whole {
  static constexpr int dimension = 0;
};
struct NoWorkspace : Whole {
  static constexpr int workspace_rows = 0;
};
struct NoGradientRow : Whole {
  static constexpr int gradient_row = -1;
};
struct NoEnergy : Whole {
  void energy() const;
};
struct NoGradient : Whole {
  void gradient() const;
};
struct GradientChangesTheEnergy : Whole {
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const&, float*) {}
};

}  // namespace concepts_test

namespace {

using namespace concepts_test;
using basin::Vector;
using basin::energy::Network;
using basin::layer::Dense;
using basin::layer::Silu;

TEST_CASE("an energy names its parts, and each part is missed by name", "[energy][concepts]") {
  STATIC_REQUIRE(basin::Energy<Whole>);
  STATIC_REQUIRE(basin::check_energy<Whole>::value);

  STATIC_REQUIRE((!basin::Energy<ScalarIsNoReal> && !basin::HasScalar<ScalarIsNoReal>));
  STATIC_REQUIRE((!basin::Energy<NoScalar> && !basin::HasScalar<NoScalar>));
  STATIC_REQUIRE((!basin::Energy<NoDimension> && !basin::HasDimension<NoDimension>));
  STATIC_REQUIRE((!basin::Energy<NoWorkspace> && !basin::HasWorkspace<NoWorkspace>));
  STATIC_REQUIRE((!basin::Energy<NoGradientRow> && !basin::HasWorkspace<NoGradientRow>));
  STATIC_REQUIRE((!basin::Energy<NoEnergy> && !basin::HasEnergy<NoEnergy>));
  STATIC_REQUIRE((!basin::Energy<NoGradient> && !basin::HasGradient<NoGradient>));
  STATIC_REQUIRE(!basin::HasGradient<GradientChangesTheEnergy>);
  // The other parts are there.
  STATIC_REQUIRE((basin::HasEnergy<NoGradient> && basin::HasWorkspace<NoGradient>));
  STATIC_REQUIRE(!basin::Energy<int>);
}

TEST_CASE("networks and formulas are energies, and networks can be trained", "[energy][concepts]") {
  using Net = Network<float, Vector<2>, Dense<3>, Silu, Dense<1>>;
  STATIC_REQUIRE(basin::Energy<Net>);
  STATIC_REQUIRE(basin::TrainableEnergy<Net>);
  STATIC_REQUIRE(basin::Energy<basin::energy::Quadratic<double, 3>>);
  STATIC_REQUIRE(!basin::TrainableEnergy<basin::energy::Quadratic<double, 3>>);
  STATIC_REQUIRE(!basin::TrainableEnergy<Whole>);
  // A network without weights is an energy that cannot be trained.
  using Fixed = Network<float, Vector<1>, basin::layer::Square>;
  STATIC_REQUIRE(basin::Energy<Fixed>);
  STATIC_REQUIRE(!basin::TrainableEnergy<Fixed>);
}

}  // namespace
