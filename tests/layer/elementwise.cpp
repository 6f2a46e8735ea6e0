// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/dense.hpp>
#include <basin/layer/dropout.hpp>
#include <basin/layer/elementwise.hpp>
#include <basin/layer/gelu.hpp>
#include <basin/layer/relu.hpp>
#include <basin/layer/scale.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/softplus.hpp>
#include <basin/layer/square.hpp>
#include <basin/layer/tanh.hpp>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <array>
#include <cmath>
#include <concepts>
#include <iterator>
#include <limits>
#include <ratio>

namespace elementwise_test {

// 100 x + the number of the layer, + 10 in training: which site it was given.
struct SitePlace {
  template <int Order, class Pass, class V>
  static KOKKOS_FUNCTION void evaluate(basin::layer::Site<Pass> site, V x, V (&f)[Order + 1]) {
    int const number = site.layer + (std::same_as<Pass, basin::layer::Training> ? 10 : 0);
    f[0]             = V(100) * x + V(number);
    if constexpr (Order > 0) f[1] = V(100);
  }
};

}  // namespace elementwise_test

namespace {

using elementwise_test::SitePlace;
using namespace basin::layer;
using V = basin::tile::Simd<double, 1>;
using Catch::Matchers::WithinAbs;
using Threefold = Scale<std::ratio<3>, std::ratio<1>>;

struct NotALayer {};

TEST_CASE("a layer is elementwise by what it defines", "[layer][elementwise]") {
  STATIC_REQUIRE(PureElementwise<Silu>);
  STATIC_REQUIRE(PureElementwise<Gelu>);
  STATIC_REQUIRE(PureElementwise<Tanh>);
  STATIC_REQUIRE(PureElementwise<Softplus>);
  STATIC_REQUIRE(PureElementwise<Relu>);
  STATIC_REQUIRE(PureElementwise<Square>);
  STATIC_REQUIRE(PureElementwise<Threefold>);
  STATIC_REQUIRE(!PureElementwise<Dropout<>>);
  STATIC_REQUIRE(SitedElementwise<Dropout<>>);
  STATIC_REQUIRE(SitedElementwise<SitePlace>);
  STATIC_REQUIRE(!SitedElementwise<Silu>);
  STATIC_REQUIRE(!Elementwise<Dense<3>>);
  STATIC_REQUIRE(!Elementwise<NotALayer>);
}

template <class C, int Order, class Pass>
V evaluate(Pass const& pass, int layer, double x, V (&f)[Order + 1]) {
  C::template evaluate<Order>(Site<Pass>{pass, layer, 0, 0}, V(x), f);
  return f[0];
}

TEST_CASE("a composition applies its layers first to last", "[layer][elementwise]") {
  using C = Composition<Tanh, Threefold, Square>;
  STATIC_REQUIRE(!C::identity);
  for (double x : {-1.5, 0.0, 0.3}) {
    V f[2], g[1];
    evaluate<C, 1>(Inference{}, 0, x, f);
    evaluate<C, 0>(Inference{}, 0, x, g);
    double const t = std::tanh(x), y = 3 * t + 1;
    // Four roundings of numbers up to 16 and 24.
    CHECK_THAT(f[0][0], WithinAbs(y * y, 4 * 16 * 1.2e-16));
    CHECK_THAT(f[1][0], WithinAbs(2 * y * 3 * (1 - t * t), 4 * 24 * 1.2e-16));
    CHECK(g[0][0] == f[0][0]);
  }
}

// f, First four derivatives, from f on, of L at x.
template <class L, class T>
std::array<T, 4> derivatives(T x) {
  using W = basin::tile::Simd<T, 1>;
  W f[L::smoothness > 0 ? 4 : 2], g[1];
  L::template evaluate<(L::smoothness > 0 ? 3 : 1)>(W(x), f);
  L::template evaluate<0>(W(x), g);
  std::array<T, 4> all{};
  for (std::size_t k = 0; k < std::size(f); ++k) all[k] = f[k][0];
  // NaN equals nothing, and is in both.
  CHECK((g[0][0] == all[0] || (std::isnan(g[0][0]) && std::isnan(all[0]))));
  return all;
}

TEMPLATE_TEST_CASE("activations have their limits at the ends of the scalar, and NaN is seen",
                   "[layer][elementwise]", float, double) {
  using T     = TestType;
  using Array = std::array<T, 4>;
  using Limit = std::numeric_limits<T>;
  T const inf = Limit::infinity();
  // At -x and at x; the curvature of Square is 2 everywhere.
  for (T const x : {T(2e19), T(3e38), Limit::max(), inf}) {
    CAPTURE(x);
    CHECK(derivatives<Relu>(-x) == Array{0, 0});
    CHECK(derivatives<Relu>(x) == Array{x, 1});
    CHECK(derivatives<LeakyRelu<std::ratio<1, 4>>>(-x) == Array{-x / 4, T(0.25)});
    CHECK(derivatives<Silu>(-x) == Array{});
    if (x < inf)
      CHECK(derivatives<Silu>(x) == Array{x, 1});
    else  // the energy says it; its slope may be NaN
      CHECK(derivatives<Silu>(x)[0] == inf);
    CHECK(derivatives<Gelu>(-x) == Array{});
    CHECK(derivatives<Gelu>(x) == Array{x, 1});
    CHECK(derivatives<Softplus>(-x) == Array{});
    CHECK(derivatives<Softplus>(x) == Array{x, 1});
    CHECK(derivatives<Tanh>(-x) == Array{-1});
    CHECK(derivatives<Tanh>(x) == Array{1});
    CHECK(derivatives<Square>(-x) == Array{x * x, -x - x, 2});
  }
  auto const sees = []<class L>(L const&) {
    auto const f   = derivatives<L>(Limit::quiet_NaN());
    int const most = L::smoothness > 0 ? 4 : 2;
    int nans       = 0;
    for (int k = 0; k < most; ++k) nans += std::isnan(f[std::size_t(k)]);
    CHECK(nans == most);
  };
  sees(Relu());
  sees(LeakyRelu<>());
  sees(Silu());
  sees(Gelu());
  sees(Softplus());
  sees(Tanh());
}

TEST_CASE("the empty composition is the identity", "[layer][elementwise]") {
  STATIC_REQUIRE(Composition<>::identity);
  V f[2];
  evaluate<Composition<>, 1>(Training{}, 0, 0.7, f);
  CHECK(f[0][0] == 0.7);
  CHECK(f[1][0] == 1);
}

TEST_CASE("each layer of a composition has a number of its own", "[layer][elementwise]") {
  // Layers 4, 5 and 6; the second does not ask.
  using C = Composition<SitePlace, Threefold, SitePlace>;
  V f[2];
  evaluate<C, 1>(Inference{}, 4, 2, f);
  CHECK(f[0][0] == 100 * (3 * (100 * 2 + 4) + 1) + 6);
  CHECK(f[1][0] == 100 * 3 * 100);
  evaluate<C, 1>(Training{}, 4, 2, f);
  CHECK(f[0][0] == 100 * (3 * (100 * 2 + 14) + 1) + 16);
}

}  // namespace
