// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/langevin.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <vector>

// Clips of a user's own, outside of namespace basin.
namespace mine {

// g <- clip tanh(g / clip)
struct Tanh {
  using axis = basin::sampler::clip_axis;
  template <class V, class Scalar>
  static KOKKOS_FUNCTION V element(V g, Scalar clip) {
    return V(clip) * tanh(g / V(clip));
  }
};

// g <- g clip / (clip + |g|)
struct Soft {
  using axis = basin::sampler::clip_axis;
  template <class V, class Scalar>
  static KOKKOS_FUNCTION V factor(V norm, Scalar clip) {
    return V(clip) / (V(clip) + norm);
  }
};

}  // namespace mine

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::energy::Quadratic;
using basin::sampler::Langevin;
using Catch::Matchers::WithinAbs;

// One step of E = |x|^2 / 2 without noise from (x, y): dE/dx = (x, y).
template <class Clip>
std::vector<double> step_from(std::vector<double> const& at, double clip, double& clipped) {
  using Points       = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
  auto const x       = on_device<Exec, double>(at);
  auto const columns = on_device<Exec, double>({-1});
  basin::sampler::sample(
      Exec(), Langevin<Clip>{.steps = 1, .step_size = 0.5, .temperature = 0, .clip = clip},
      Quadratic<double, 2>{}, Points(x.data(), 1, 2), {}, {.columns = {nullptr, columns.data()}});
  clipped = on_host(columns)[0];
  return on_host(x);
}

TEST_CASE("a clip of elements of a user's own is used", "[sampler][clip]") {
  double clipped = 0;
  auto const x   = step_from<mine::Tanh>({3, -0.2}, 0.5, clipped);
  CHECK_THAT(x[0], WithinAbs(3 - 0.5 * 0.5 * std::tanh(6.0), 1e-14));
  CHECK_THAT(x[1], WithinAbs(-0.2 + 0.5 * 0.5 * std::tanh(0.4), 1e-14));
  CHECK(clipped == 1);  // both elements are another
}

TEST_CASE("a clip of whole gradients of a user's own is used, in any unit", "[sampler][clip]") {
  double clipped = 0;
  for (double const clip : {0.25, 20.0}) {
    auto const x    = step_from<mine::Soft>({3, -4}, clip, clipped);
    double const by = clip / (clip + 5);
    CHECK_THAT(x[0], WithinAbs(3 - 0.5 * by * 3, 1e-14));
    CHECK_THAT(x[1], WithinAbs(-4 + 0.5 * by * 4, 1e-14));
    CHECK(clipped == 1);
  }
}

}  // namespace
