// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/analytic.hpp>
#include <basin/sampler/elliptical_slice.hpp>

#include "support/chain_law.hpp"
#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace {

using basin::sampler::EllipticalSlice;
namespace prior = basin::sampler::prior;
using Catch::Matchers::WithinAbs;
using Exec   = BASIN_TEST_EXEC;
using Chains = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using namespace basin::test;

// x_d measured as 1, 2, 3 with errors of 0.5, 1, 1.5.
struct Measured {
  using scalar_type              = double;
  static constexpr int dimension = 3;
  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[3], V (&dx)[3]) const {
    V sum(0);
    for (int d = 0; d < 3; ++d) {
      double const error = 0.5 * (d + 1);
      V const off        = x[d] - V(d + 1.0);
      dx[d]              = off * V(1 / (error * error));
      sum                = fma(V(0.5) * off, dx[d], sum);
    }
    return sum;
  }
};
using Energy = basin::energy::Analytic<Measured>;

int constexpr n = 1 << 13;

// The posterior has precision 1 / error^2 + 1 / s^2 and mean (d + 1) / error^2 of it.
template <class S>
std::vector<double> check_posterior(S const& sampler, std::vector<double> const& s) {
  Chains const chains("chains", n, 3);
  Kokkos::View<double*, Exec> const exhausted("exhausted", n), evaluations("evaluations", n);
  basin::sampler::sample(Exec(), sampler, Energy{}, chains, {.seed = 1},
                         {.columns = {nullptr, exhausted.data(), evaluations.data()}});
  auto const x = on_host(chains);
  for (std::size_t d = 0; d < 3; ++d) {
    double const error    = 0.5 * (double(d) + 1);
    double const variance = 1 / (1 / (error * error) + 1 / (s[d] * s[d]));
    double const mean     = variance * (double(d) + 1) / (error * error);
    double sum = 0, square = 0;
    for (std::size_t i = d; i < x.size(); i += 3) {
      sum += x[i] / n;
      square += (x[i] - mean) * (x[i] - mean) / n;
    }
    CHECK_THAT(sum, WithinAbs(mean, 4 * std::sqrt(variance / n)));
    CHECK_THAT(square, WithinAbs(variance, 4 * variance * std::sqrt(2.0 / n)));
  }
  double none = 0, asked = 0;
  for (double const share : on_host(exhausted)) none += share / n;
  for (double const mean : on_host(evaluations)) asked += mean / n;
  return {none, asked};
}

TEST_CASE("a Gaussian prior times a Gaussian likelihood", "[sampler][elliptical_slice]") {
  auto const of_one =
      check_posterior(EllipticalSlice<>{.steps = 60, .prior = {.deviation = 2}}, {2, 2, 2});
  CHECK(of_one[0] == 0);
  CHECK((of_one[1] > 1.5 && of_one[1] < 6));
  Kokkos::View<double*, Exec> const s = on_device<Exec, double>({0.5, 1, 4});
  check_posterior(EllipticalSlice<prior::Diagonal<double, Exec>>{.steps = 60, .prior = {s}},
                  {0.5, 1, 4});
}

TEST_CASE("steps that run out of proposals keep their state, and the law",
          "[sampler][elliptical_slice]") {
  auto const few = check_posterior(
      EllipticalSlice<>{.steps = 200, .proposals = 2, .prior = {.deviation = 2}}, {2, 2, 2});
  CHECK((few[0] > 0.1 && few[0] < 0.9));
  CHECK(few[1] <= 2);
  // Where E is NaN there is no level: nothing is found, and nothing moves.
  Chains const chains("chains", 5, 3);
  Kokkos::deep_copy(chains, std::numeric_limits<double>::infinity());
  Kokkos::View<double*, Exec> const exhausted("exhausted", 5);
  basin::sampler::sample(Exec(), EllipticalSlice<>{.steps = 3},
                         basin::energy::Quadratic<double, 3>{{.stiffness = 0}}, chains, {},
                         {.columns = {nullptr, exhausted.data()}});
  CHECK(on_host(exhausted) == std::vector<double>(5, 1.0));
  CHECK(on_host(chains) == std::vector<double>(15, std::numeric_limits<double>::infinity()));
}

TEST_CASE("elliptical slices have the same bits in every tuning", "[sampler][elliptical_slice]") {
  CHECK(tunings_of_other_bits<Exec>(EllipticalSlice<>{.steps = 9}) == 0);
}

TEST_CASE("EllipticalSlice refuses what means nothing", "[sampler][elliptical_slice][refusal]") {
  CHECK_THROWS_WITH((EllipticalSlice<>{.proposals = 0}.check()),
                    "basin::sampler::EllipticalSlice: proposals must be >= 1, got 0");
  Chains const chains("chains", 5, 3);
  CHECK_THROWS_WITH(basin::sampler::sample(Exec(), EllipticalSlice<>{.prior = {.deviation = 0}},
                                           Energy{}, chains, {}),
                    "basin::sampler::prior::Isotropic: deviation must be > 0 and finite, got 0");
  Kokkos::View<double*, Exec> const two("two", 2);
  CHECK_THROWS_WITH(
      basin::sampler::sample(Exec(), EllipticalSlice<prior::Diagonal<double, Exec>>{.prior = {two}},
                             Energy{}, chains, {}),
      "basin::sampler::prior::Diagonal: there are 2 deviations, the energy has dimension 3");
}

}  // namespace
