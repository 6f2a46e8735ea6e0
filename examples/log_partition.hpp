// SPDX-License-Identifier: Apache-2.0
// What the examples on densities share: log Z of exp(-E) between two bounds, and in the plane by quadrature.
#ifndef EXAMPLES_LOG_PARTITION_HPP
#define EXAMPLES_LOG_PARTITION_HPP

#include <basin/core/log_mean_exp.hpp>
#include <basin/data/samples.hpp>
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/annealed_importance.hpp>
#include <basin/sampler/hamiltonian.hpp>
#include <basin/sampler/start.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

struct Annealing {
  int chains         = 512;
  int rungs          = 1000;
  double deviation   = 1;    // of the Gaussian about 0 at the other end
  double step_size   = 0.1;  // of Hamiltonian Monte Carlo
  double trajectory  = 0.5;
  int settling       = 1000;  // trajectories before, of chains that do not have the law of E yet
  std::uint64_t seed = 1;
};

// log Z: below.value is below the truth in expectation, above.value above it if the chains had the law of E.
struct Bracket {
  basin::LogMeanExp below, above;
};

// By annealed importance sampling from a Gaussian to E, and from 'rows', draws of exp(-E), back.
template <class Energy>
Bracket bracket_log_partition(Energy const& energy, basin::data::Samples const& rows,
                              Annealing const& options) {
  using Exec      = Kokkos::DefaultExecutionSpace;
  using Chains    = Kokkos::View<float**, Kokkos::LayoutRight, Exec>;
  using Gaussian  = basin::energy::Quadratic<float, Energy::dimension>;
  double const s2 = options.deviation * options.deviation;
  Exec const exec;
  Gaussian const gaussian{{.stiffness = static_cast<float>(1 / s2)}};
  basin::sampler::AnnealedImportance<basin::sampler::Hamiltonian> const anneal{
      .sampler = {.steps             = 1,
                  .step_size         = options.step_size,
                  .trajectory_length = options.trajectory},
      .rungs   = options.rungs};
  Kokkos::View<double*, Exec> const weights("weights", options.chains);
  Chains const chains("chains", options.chains, +Energy::dimension);
  basin::sampler::start_chains<basin::tile::default_tuning<Exec, float>()>(
      exec, basin::sampler::start::Gaussian{.standard_deviation = options.deviation}, chains,
      chains, {options.seed, basin::Purpose::sampler_start, 0});
  basin::sampler::anneal(exec, anneal, gaussian, energy, chains, weights, {.seed = options.seed});
  auto below = basin::log_mean_exp(weights);

  auto const host = Kokkos::create_mirror_view(chains);
  for (std::size_t n = 0; n < host.extent(0); ++n)
    for (std::size_t d = 0; d < host.extent(1); ++d) host(n, d) = rows(n % rows.extent(0), d);
  Kokkos::deep_copy(chains, host);
  if (options.settling > 0) {
    auto settle  = anneal.sampler;
    settle.steps = options.settling;
    basin::sampler::sample(exec, settle, energy, chains, {.seed = options.seed + 1});
  }
  basin::sampler::anneal(exec, anneal, energy, gaussian, chains, weights,
                         {.seed = options.seed + 2});
  auto above = basin::log_mean_exp(weights);

  double const of_gaussian = 0.5 * Energy::dimension * std::log(2 * std::numbers::pi * s2);
  below.value              = of_gaussian + below.value;
  above.value              = of_gaussian - above.value;
  return {below, above};
}

// exp(-E) on side^2 cells of a square, E taken to be constant in each.
struct Plane {
  double log_z;
  basin::data::Samples draws;  // (count, 2)
};

// \param energies  E(points), points (n, 2)
template <class Energies>
Plane integrate_plane(double half_width, int side, int count, std::uint64_t seed,
                      Energies const& energies) {
  auto const cells   = static_cast<std::size_t>(side);
  auto const centers = basin::data::make_samples(cells * cells, 2);
  auto const center  = [&](std::size_t i) {
    return static_cast<float>(half_width * ((2 * double(i) + 1) / side - 1));
  };
  for (std::size_t i = 0; i < centers.extent(0); ++i)
    centers(i, 0) = center(i % cells), centers(i, 1) = center(i / cells);
  auto const e       = energies(centers);
  float const least  = *std::min_element(&e[0], &e[0] + centers.extent(0));
  double const width = 2 * half_width / side;
  std::vector<double> cumulated(centers.extent(0));
  double sum = 0;
  for (std::size_t i = 0; i < cumulated.size(); ++i)
    cumulated[i] = sum += std::exp(double(least) - double(e[i]));
  auto const draws = basin::data::make_samples(static_cast<std::size_t>(count), 2);
  std::mt19937_64 bits(seed);
  std::uniform_real_distribution<double> uniform;
  for (std::size_t n = 0; n < draws.extent(0); ++n) {
    auto const cell = static_cast<std::size_t>(
        std::lower_bound(cumulated.begin(), cumulated.end(), sum * uniform(bits)) -
        cumulated.begin());
    for (std::size_t d = 0; d < 2; ++d)
      draws(n, d) = static_cast<float>(centers(cell, d) + width * (uniform(bits) - 0.5));
  }
  return {std::log(sum) + 2 * std::log(width) - double(least), draws};
}

#endif
