// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/elliptical_slice.hpp>
#include <basin/sampler/hamiltonian.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/sampler/mala.hpp>
#include <basin/sampler/metropolis.hpp>
#include <basin/sampler/start.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstddef>

namespace {

namespace sampler = basin::sampler;
using Exec        = BASIN_TEST_EXEC;
using Chains      = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using basin::test::on_host;

// Chains that start in the law N(0, 1) take one step. Lumped to six intervals, as many go from i to j as
// from j to i, if each step has detailed balance: of n_ij + n_ji transitions either way is a coin. The sum
// of (n_ij - n_ji)^2 / (n_ij + n_ji) over pairs is of chi-square with at most 15 degrees of freedom.
template <class S>
double asymmetry(S const& one_step, double stiffness) {
  int constexpr n = 1 << 18, bins = 6;
  Chains const chains("chains", n, 1);
  sampler::start_chains<basin::tile::default_tuning<Exec, double>()>(
      Exec(), sampler::start::Gaussian{.standard_deviation = 1}, chains, chains, {.seed = 1});
  auto const from = on_host(chains);
  sampler::sample(Exec(), one_step, basin::energy::Quadratic<double, 1>{{.stiffness = stiffness}},
                  chains, {.seed = 2});
  auto const to  = on_host(chains);
  auto const bin = [](double x) {
    double const edges[]{-1.2, -0.4, 0.3, 0.8, 1.6};
    return std::upper_bound(edges, edges + bins - 1, x) - edges;
  };
  double counts[bins][bins]{};
  for (std::size_t i = 0; i < from.size(); ++i) counts[bin(from[i])][bin(to[i])] += 1;
  double sum = 0;
  for (int i = 0; i < bins; ++i)
    for (int j = 0; j < i; ++j) {
      double const off = counts[i][j] - counts[j][i], all = counts[i][j] + counts[j][i];
      if (all > 0) sum += off * off / all;
    }
  return sum;
}
// Chi-square with 15 degrees of freedom is above 44.3 with a probability of 1e-4.
double constexpr limit = 44.3;

TEST_CASE("as many chains go from one part of space to another as come back",
          "[sampler][detailed_balance]") {
  CHECK(asymmetry(sampler::Metropolis{.steps = 1, .scale = 1}, 1) < limit);
  CHECK(asymmetry(sampler::Mala{.steps = 1, .step_size = 0.5}, 1) < limit);
  CHECK(asymmetry(sampler::Hamiltonian{.steps = 1, .step_size = 0.9, .trajectory_length = 2}, 1) <
        limit);
  // A prior N(0, 2) and a likelihood N(0, 2) are N(0, 1).
  CHECK(
      asymmetry(sampler::EllipticalSlice<>{.steps = 1, .prior = {.deviation = 1.4142135623730951}},
                0.5) < limit);
  // Without an accept-reject step there is none.
  CHECK(asymmetry(sampler::Langevin<>{.steps = 1, .step_size = 0.5}, 1) > 10 * limit);
}

}  // namespace
