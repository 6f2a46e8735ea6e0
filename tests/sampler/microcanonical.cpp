// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/microcanonical.hpp>

#include "support/chain_law.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <vector>

namespace {

using basin::sampler::Microcanonical;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
using Exec   = BASIN_TEST_EXEC;
using Chains = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using namespace basin::test;

template <class View>
std::vector<double> numbers_of(View const& view) {
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  return std::vector<double>(host.data(), host.data() + host.size());
}

// A quartic well beside a parabola: E = x_0^4 / 4 + x_1^2 / 2 + x_0 x_1 / 2. No Gaussian, so that an
// error of Delta K or of its sign shows. Moments by quadrature on a grid, below.
struct Quartic {
  using scalar_type              = double;
  static constexpr int dimension = 2;
  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[2], V (&dx)[2]) const {
    V const square = x[0] * x[0];
    dx[0]          = square * x[0] + x[1] * 0.5;
    dx[1]          = x[1] + x[0] * 0.5;
    return square * square * 0.25 + x[1] * x[1] * 0.5 + x[0] * x[1] * 0.5;
  }
};
struct Moments {
  double z = 0, xx = 0, yy = 0, xy = 0;
};
Moments exact(double temperature) {
  Moments m;
  for (double x = -7; x <= 7; x += 0.01)
    for (double y = -12; y <= 12; y += 0.02) {
      double const w = std::exp(-(x * x * x * x / 4 + y * y / 2 + x * y / 2) / temperature);
      m.z += w, m.xx += w * x * x, m.yy += w * y * y, m.xy += w * x * y;
    }
  return {1, m.xx / m.z, m.yy / m.z, m.xy / m.z};
}

// Large steps: about a fifth of the proposals are rejected, and without the adjustment the moments are
// off by several per cent.
TEST_CASE("microcanonical proposals keep the law at large steps", "[sampler][microcanonical]") {
  int constexpr n = 1 << 14;
  for (double const T : {1.0, 2.0}) {
    Chains const chains("chains", n, 2);
    Kokkos::View<double*, Exec> const acceptance("acceptance", n);
    Microcanonical const sampler{.steps             = 60,
                                 .step_size         = 0.9,
                                 .trajectory_length = 1.5,
                                 .temperature       = T,
                                 .adaptation        = {.warmup = 0}};
    Microcanonical::state<double, Exec> state(Exec(), sampler, n, 2, 1);
    basin::sampler::sample(Exec(), sampler, state, basin::energy::Analytic<Quartic>{}, chains,
                           {.seed = 1}, {.columns = {nullptr, acceptance.data()}});
    auto const x = numbers_of(chains);
    Moments found, expected = exact(T);
    for (std::size_t i = 0; i < x.size(); i += 2) {
      found.xx += x[i] * x[i] / n;
      found.yy += x[i + 1] * x[i + 1] / n;
      found.xy += x[i] * x[i + 1] / n;
    }
    double accepted = 0;
    for (double const a : numbers_of(acceptance)) accepted += a / n;
    CAPTURE(accepted);
    CHECK((accepted > 0.5 && accepted < 0.95));
    // Standard errors below sqrt(2 / n) of the variances.
    double const error = 4 * std::sqrt(2.0 / n);
    CHECK_THAT(found.xx, WithinRel(expected.xx, error));
    CHECK_THAT(found.yy, WithinRel(expected.yy, error));
    CHECK_THAT(found.xy, WithinAbs(expected.xy, error * std::sqrt(expected.xx * expected.yy)));
  }
}

TEST_CASE("short steps are always accepted", "[sampler][microcanonical]") {
  auto const law = law_of<Exec>(
      Microcanonical{.step_size = 1e-3, .trajectory_length = 0.05, .adaptation = {.warmup = 0}}, 1,
      999);
  CHECK(law.columns[1] > 0.9999);
  CHECK(law.columns[2] == 0);
  CHECK(law.variance > 0);
}

TEST_CASE("a warm-up brings the acceptance of microcanonical proposals to its target",
          "[sampler][microcanonical]") {
  int constexpr n = 1 << 10;
  Chains const chains("chains", n, 12);
  Kokkos::View<double*, Exec> const acceptance("acceptance", n);
  basin::energy::Quadratic<double, 12> const energy{{.stiffness = 400}};
  Microcanonical sampler{.steps = 300, .adaptation = {.warmup = 300, .target_acceptance = 0.8}};
  Microcanonical::state<double, Exec> state(Exec(), sampler, n, 12, 1);
  basin::sampler::sample(Exec(), sampler, state, energy, chains, {.seed = 1});
  sampler.steps = 40;
  basin::sampler::sample(Exec(), sampler, state, energy, chains, {.seed = 1, .step = 300},
                         {.columns = {nullptr, acceptance.data()}});
  double accepted = 0, square = 0;
  for (double const a : numbers_of(acceptance)) accepted += a / n;
  for (double const x : numbers_of(chains)) square += x * x / (12 * n);
  CHECK((accepted > 0.78 && accepted < 0.95));
  CHECK_THAT(square, WithinRel(1.0 / 400, 4 * std::sqrt(2.0 / (12 * n))));
  for (double const s : numbers_of(state.scales())) CHECK_THAT(s, WithinRel(0.05, 0.03));
}

TEST_CASE("a direction stays where there is no gradient", "[sampler][microcanonical]") {
  // Flat: each trajectory is a straight line of length h sqrt(D), always accepted.
  auto const law = law_of<Exec>(
      Microcanonical{
          .steps = 1, .step_size = 0.5, .trajectory_length = 0.1, .adaptation = {.warmup = 0}},
      0, 999);
  CHECK_THAT(law.columns[1], WithinAbs(1, 1e-12));
  CHECK_THAT(law.columns[0], WithinAbs(1, 1e-9));
}

TEST_CASE("microcanonical sampling has the same bits in every tuning",
          "[sampler][microcanonical]") {
  CHECK(tunings_of_other_bits<Exec>(
            Microcanonical{.steps = 25, .adaptation = {.warmup = 20, .block = 2}}) == 0);
}

TEST_CASE("Microcanonical refuses what means nothing", "[sampler][microcanonical][refusal]") {
  CHECK_THROWS_WITH(Microcanonical{.step_size = 0}.check(),
                    "basin::sampler::Microcanonical: step_size must be > 0 and finite, got 0");
  CHECK_THROWS_WITH((Microcanonical{.temperature = -1}.check()),
                    "basin::sampler::Microcanonical: temperature must be > 0 and finite, got -1");
}

}  // namespace
