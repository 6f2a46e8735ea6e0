// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/network.hpp>
#include <basin/energy/quadratic.hpp>
#include <basin/layer/square.hpp>
#include <basin/sampler/mala.hpp>

#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace {

namespace layer = basin::layer;
using basin::energy::Quadratic;
using basin::sampler::Mala;
using Catch::Matchers::WithinAbs;
using Exec = BASIN_TEST_EXEC;
template <class Scalar>
using Chains = Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec>;

template <class View>
auto on_host(View const& view) {
  return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
}

template <class View>
std::vector<double> variances(View const& chains) {
  auto const x = on_host(chains);
  std::vector<double> v(x.extent(1));
  for (std::size_t n = 0; n < x.extent(0); ++n)
    for (std::size_t d = 0; d < v.size(); ++d)
      v[d] += double(x(n, d)) * x(n, d) / static_cast<double>(x.extent(0));
  return v;
}

TEST_CASE("Mala has the law of the energy at a step where Langevin has not", "[sampler][mala]") {
  // T / k = 0.25 and, with alpha k = 1, plain Langevin steps would give 2 / (2 - 1) of it. 60
  // proposals forget the start; the variance of 2^15 x 4 squares has a standard error of
  // 0.25 sqrt(2 / 131072) = 0.001, of which four are allowed.
  int constexpr n = 1 << 15;
  Chains<double> const chains("chains", n, 4);
  Kokkos::View<double*, Exec> const accepted("accepted", n);
  Mala const mala{.steps = 60, .step_size = 0.5, .temperature = 0.5};
  basin::sampler::sample(Exec(), mala, Quadratic<double, 4>{{.stiffness = 2}}, chains, {.seed = 1},
                         {.columns = {nullptr, accepted.data()}});
  double mean = 0, share = 0;
  for (double const v : variances(chains)) mean += v / 4;
  CHECK_THAT(mean, WithinAbs(0.25, 0.004));
  auto const a = on_host(accepted);
  for (int i = 0; i < n; ++i) share += a(i) / n;
  CHECK((share > 0.3 && share < 0.9));
}

TEST_CASE("an almost exact step is almost always accepted, a wild one almost never",
          "[sampler][mala]") {
  int constexpr n     = 1024;
  auto const share_of = [&](double step_size) {
    Chains<float> const chains("chains", n, 3);
    Kokkos::View<float*, Exec> const accepted("accepted", n);
    basin::sampler::sample(Exec(), Mala{.steps = 20, .step_size = step_size}, Quadratic<float, 3>{},
                           chains, {.seed = 2}, {.columns = {nullptr, accepted.data()}});
    double share = 0;
    for (int i = 0; i < n; ++i) share += on_host(accepted)(i) / n;
    return share;
  };
  CHECK(share_of(1e-4) > 0.999);
  CHECK(share_of(1e4) < 0.01);
}

// E = |x|^2 / 2 in coordinates (x_0, 2 x_1, x_2 / 2), as a network whose last layer is no row of
// weights of the state: E and dE/dx share rows of the workspace.
TEST_CASE("Mala has the law of a network", "[sampler][mala]") {
  using Net = basin::energy::Network<float, basin::Vector<3>, layer::Dense<3>, layer::Square,
                                     layer::Dense<3>, layer::Dense<1>>;
  std::vector<float> const weights{1,  0,  0,  0, 2, 0, 0, 0, .5, 0, 0, 0,  //
                                   1,  0,  0,  0, 1, 0, 0, 0, 1,  0, 0, 0,  //
                                   .5, .5, .5, 0};
  REQUIRE(weights.size() == Net::parameters);
  Kokkos::View<float*, Exec> const theta("theta", +Net::parameters);
  auto const host = Kokkos::create_mirror_view(theta);
  for (std::size_t i = 0; i < weights.size(); ++i) host(i) = weights[i];
  Kokkos::deep_copy(theta, host);
  int constexpr n = 20000;
  Chains<float> const chains("chains", n, 3);
  basin::sampler::sample(Exec(), Mala{.steps = 300, .step_size = 0.1}, Net(theta.data()), chains,
                         {.seed = 1});
  // Standard errors of variances: v sqrt(2 / 20000) = 0.01 v; the widest coordinate forgets its
  // start as (1 - alpha / 4)^600 = 3e-7.
  auto const v = variances(chains);
  CHECK_THAT(v[0], WithinAbs(1, 0.04));
  CHECK_THAT(v[1], WithinAbs(0.25, 0.01));
  CHECK_THAT(v[2], WithinAbs(4, 0.16));
}

TEST_CASE("Mala has the same bits in every tuning, and in two calls", "[sampler][mala]") {
  auto const results =
      basin::test::run_in_each_tuning<Exec, float>([&]<basin::tile::Tuning tuning>() {
        Chains<float> const chains("chains", 37, 3);
        basin::sampler::sample<tuning>(Exec(), Mala{.steps = 9, .step_size = 0.3},
                                       Quadratic<float, 3>{}, chains, {.seed = 3});
        auto const x = on_host(chains);
        return std::vector<float>(x.data(), x.data() + x.size());
      });
  CHECK(tunings_that_differ(results) == 0);
  Chains<float> const parts("chains", 37, 3);
  for (int const steps : {4, 5})
    basin::sampler::sample(Exec(), Mala{.steps = steps, .step_size = 0.3}, Quadratic<float, 3>{},
                           parts, {.seed = 3, .step = steps == 4 ? 0u : 4u});
  auto const x = on_host(parts);
  CHECK(std::vector<float>(x.data(), x.data() + x.size()) == results[0].numbers);
}

TEST_CASE("a chain stays where every proposal has no energy", "[sampler][mala]") {
  // E is finite at 0 and infinite where |x| is above 1e-19.
  Chains<float> const chains("chains", 3, 2);
  basin::sampler::sample(Exec(), Mala{.steps = 5, .step_size = 1},
                         Quadratic<float, 2>{{.stiffness = std::numeric_limits<float>::max()}},
                         chains, {.seed = 4});
  auto const x = on_host(chains);
  for (int n = 0; n < 3; ++n) CHECK((x(n, 0) == 0 && x(n, 1) == 0));
}

TEST_CASE("Mala refuses numbers that mean nothing, and says them", "[sampler][mala]") {
  std::string const who = "basin::sampler::Mala: ";
  CHECK_THROWS_WITH(Mala{.steps = -1}.check(), who + "steps must be in [0, 1048576], got -1");
  CHECK_THROWS_WITH(Mala{.step_size = 0}.check(), who + "step_size must be > 0 and finite, got 0");
  CHECK_THROWS_WITH(Mala{.temperature = 0}.check(),
                    who + "temperature must be > 0 and finite, got 0");
  CHECK_NOTHROW(Mala{}.check());
}

}  // namespace
