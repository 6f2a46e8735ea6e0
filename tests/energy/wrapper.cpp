// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/conditional.hpp>
#include <basin/energy/network.hpp>
#include <basin/energy/quadratic.hpp>
#include <basin/layer/residual.hpp>
#include <basin/layer/silu.hpp>
#include <basin/sampler/langevin.hpp>

#include "support/finite_difference.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace wrapper_test {

struct Shifted {
  using scalar_type              = double;
  static constexpr int dimension = 2;  // x, s
  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[2], V (&dx)[2]) const {
    V const from = x[0] - x[1];
    dx[0]        = from;
    dx[1]        = -from;
    return V(0.5) * from * from;
  }
};

}  // namespace wrapper_test

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::energy::Quadratic;
using Net = basin::energy::Network<double, basin::Vector<3>, basin::layer::Dense<24>,
                                   basin::layer::Silu, basin::layer::Dense<1>>;

// What a wrapper reads on the device: conditions (chains, 1).
using Conditions = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

// E and dE/dx of 37 points, alone and from one pass.
template <class E>
struct AskBoth {
  using scalar_type                   = double;
  static constexpr int workspace_rows = E::workspace_rows;
  E energy;
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> points, gradients;
  Kokkos::View<double*, Exec> energies;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, double* workspace, int tile) const {
    int const first = tile * Context::width, count = static_cast<int>(points.extent(0));
    c.load_chains(points, first, count, +E::dimension, workspace + E::state_row * Context::width);
    basin::load_conditions(c, energy, workspace, first, count);
    energy.value_and_gradient(c, workspace);
    AskBoth const self    = *this;
    double const* const e = workspace + E::energy_row * Context::width;
    c.each(+Context::width, [=](int t) {
      if (first + t < count) self.energies(first + t) = e[t];
    });
    c.store_chains(workspace + E::gradient_row * Context::width, first, count, +E::dimension,
                   gradients);
  }
};

// How many numbers of one pass differ in a bit from those of two.
template <class E>
int both_differ(E const& energy) {
  std::size_t constexpr n = 37, D = E::dimension;
  using Points = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
  auto const x = on_device<Exec, double>(numbers(n * D, 2));
  Points const points(x.data(), n, D), g("g", n, D), both_g("g", n, D);
  Kokkos::View<double*, Exec> const e("e", n), both_e("e", n);
  basin::energy::energies(Exec(), energy, points, e);
  basin::energy::gradients(Exec(), energy, points, g);
  constexpr auto tuning = basin::tile::default_tuning<Exec, double, E::workspace_rows>();
  basin::tile::for_each_tile<tuning>(Exec(), "test", basin::tile::tiles(int(n), tuning.width),
                                     AskBoth<E>{energy, points, both_g, both_e});
  int differ      = 0;
  auto const same = [&](auto const& a, auto const& b) {
    auto const p = on_host(a), q = on_host(b);
    for (std::size_t i = 0; i < p.size(); ++i) differ += p[i] != q[i];
  };
  same(e, both_e);
  same(g, both_g);
  return differ;
}

TEST_CASE("value and gradient from one pass are those of two", "[energy][wrapper]") {
  Model<Exec, Net> const model(parameters_of<Net>(1));
  CHECK(both_differ(model.net()) == 0);
  using Residual =
      basin::energy::Network<double, basin::Vector<4>,
                             basin::layer::Residual<basin::layer::Dense<4>, basin::layer::Silu>,
                             basin::layer::Dense<1>, basin::layer::Silu>;
  Model<Exec, Residual> const residual(parameters_of<Residual>(1));
  CHECK(both_differ(residual.net()) == 0);
  using Linear = basin::energy::Network<double, basin::Vector<2>, basin::layer::Dense<1>>;
  Model<Exec, Linear> const linear(parameters_of<Linear>(1));
  CHECK(both_differ(linear.net()) == 0);
  CHECK(both_differ(Quadratic<double, 3>{{.stiffness = 1.5}}) == 0);
}

TEST_CASE("a condition for each chain is the energy at that condition", "[energy][wrapper]") {
  std::size_t constexpr n = 37;
  Model<Exec, Net> const model(parameters_of<Net>(1));
  auto const whole = numbers(n * 3, 2);
  std::vector<double> x, s;
  for (std::size_t i = 0; i < n; ++i) {
    x.insert(x.end(), {whole[3 * i], whole[3 * i + 1]});
    s.push_back(whole[3 * i + 2]);
  }
  auto const points = on_device<Exec, double>(x), conditions = on_device<Exec, double>(s);
  basin::energy::Conditional<Net, 1, Conditions> const energy(model.net(),
                                                              Conditions(conditions.data(), n, 1));
  using Points = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
  Kokkos::View<double*, Exec> const e("e", n);
  basin::energy::energies(Exec(), energy, Points(points.data(), n, 2), e);
  CHECK(on_host(e) == model.energies(whole));
  CHECK(both_differ(energy) == 0);
  // Second derivatives are those of x alone: the condition is a constant of the jet.
  Points const ones("u", n, 2);
  Kokkos::deep_copy(ones, 1.0);
  Kokkos::View<double*, Exec> const first("first", n), second("second", n);
  basin::energy::directional_derivatives(Exec(), energy, Points(points.data(), n, 2), ones, first,
                                         second);
  auto const g = model.gradients(whole);
  auto const f = on_host(first);
  for (std::size_t i = 0; i < n; ++i) CHECK(std::abs(f[i] - (g[3 * i] + g[3 * i + 1])) < 1e-12);
}

TEST_CASE("chains of several conditions each have the law of their own", "[energy][wrapper]") {
  // E(x, s) = (x - s)^2 / 2 is N(s, 1); three conditions in turn, over more than one tile and step.
  int constexpr n = 3 << 11;
  Conditions const s("s", n, 1), chains("x", n, 1);
  auto const host = Kokkos::create_mirror_view(s);
  for (int i = 0; i < n; ++i) host(i, 0) = 3 * (i % 3) - 4;
  Kokkos::deep_copy(s, host);
  basin::energy::Conditional<basin::energy::Analytic<wrapper_test::Shifted>, 1, Conditions> const
      energy({}, s);
  basin::sampler::sample(Exec(), basin::sampler::Langevin<>{.steps = 400, .step_size = 0.02},
                         energy, chains, {.seed = 5});
  auto const x   = on_host(chains);
  double mean[3] = {}, square[3] = {};
  for (std::size_t i = 0; i < x.size(); ++i) {
    double const from = x[i] - (3 * double(i % 3) - 4);
    mean[i % 3] += 3 * from / n;
    square[i % 3] += 3 * from * from / n;
  }
  // The variance is 1 / (1 - alpha / 2) = 1.0101; 2048 chains have standard errors of 0.022 and
  // sqrt(2 / 2048) = 0.031, and 4 exp(-8) = 0.001 is left of the start.
  for (int y = 0; y < 3; ++y) {
    CHECK(std::abs(mean[y]) < 4 * 0.022 + 0.002);
    CHECK(std::abs(square[y] - 1.01) < 4 * 0.031);
  }
}

// (In a template: nvcc 13 forgets the argument of a variable template in a plain function.)
constexpr basin::tile::Tuning packing{16, 4, 4, 1, 64};
template <class T>
constexpr int packed_numbers_of() {
  return T::template packed_numbers<packing>;
}

// Copies of weights go through a wrapper: a kernel that may copy weights finds the same number.
TEST_CASE("a wrapper forwards the copies of weights", "[energy][wrapper]") {
  using At = basin::energy::AtCondition<Net>;
  STATIC_REQUIRE(packed_numbers_of<At>() == packed_numbers_of<Net>());
  STATIC_REQUIRE(packed_numbers_of<At>() > 0);
  STATIC_REQUIRE(basin::HasValueAndGradient<At>);
}

}  // namespace
