// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_LOG_PARTITION_HPP
#define BASIN_SAMPLER_LOG_PARTITION_HPP

#include <basin/core/check.hpp>
#include <basin/core/field.hpp>
#include <basin/core/log_mean_exp.hpp>
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/annealed_importance.hpp>
#include <basin/sampler/hamiltonian.hpp>
#include <basin/sampler/start.hpp>

#include <Kokkos_Core.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace basin::sampler {

/// log Z between two bounds, Z = integral of exp(-E), by annealed importance sampling from a Gaussian
/// N(0, s^2) to exp(-E) and back.
struct LogPartition {
  int chains               = 512;   ///< >= 2
  int rungs                = 1000;  ///< between the Gaussian and exp(-E)
  int settling             = 1000;  ///< trajectories at E before the way back; 0: none
  double deviation         = 1;  ///< of the Gaussian, units of x: as wide as the law of E, or wider
  double step_size         = 0.1;  ///< of Hamiltonian Monte Carlo, units of x
  double trajectory_length = 0.5;  ///< units of x

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"chains", "1", "of the annealing"}, self.chains, range::at_least(2));
    f(Field{"rungs", "1", "between the Gaussian and exp(-E)"}, self.rungs, range::at_least(1));
    f(Field{"settling", "1", "trajectories at E before the way back"}, self.settling,
      range::at_least(0));
    f(Field{"deviation", "x", "of the Gaussian N(0, s^2)"}, self.deviation,
      range::above(0).finite());
    f(Field{"step_size", "x", "of Hamiltonian Monte Carlo"}, self.step_size,
      range::above(0).finite());
    f(Field{"trajectory_length", "x", "of Hamiltonian Monte Carlo"}, self.trajectory_length,
      range::above(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::LogPartition", *this); }
};

/// log Z: below.value is below the truth in expectation, above.value above it as far as the chains of
/// the way back had the law of E.
struct LogPartitionBounds {
  LogMeanExp below, above;
};

/// Both ways of AnnealedImportance with Hamiltonian Monte Carlo. Waits for exec.
///
/// \param starts  (n, dimension) host or device View, rows from which the way back starts, in turn; 0
///                rows: from where the chains of the way there ended
/// \throws std::invalid_argument naming an option and its value, or if starts has another dimension
template <class Exec, class E, class Starts>
LogPartitionBounds log_partition(Exec const& exec, LogPartition const& options, E const& energy,
                                 Starts const& starts, std::uint64_t seed) {
  using Scalar   = typename E::scalar_type;
  using memory   = typename Exec::memory_space;
  using Gaussian = energy::Quadratic<Scalar, E::dimension>;
  options.check();
  std::size_t const rows = starts.extent(0);
  if (rows > 0 && !is_extent(starts.extent(1), E::dimension))
    refuse("basin::sampler::log_partition", "starts has second extent ", starts.extent(1),
           ", the energy has dimension ", +E::dimension);
  double const variance = options.deviation * options.deviation;
  Gaussian const gaussian{{.stiffness = static_cast<Scalar>(1 / variance)}};
  AnnealedImportance<Hamiltonian> const annealing{
      .sampler = {.steps             = 1,
                  .step_size         = options.step_size,
                  .trajectory_length = options.trajectory_length},
      .rungs   = options.rungs};
  Kokkos::View<double*, memory> const weights("basin::sampler::weights", options.chains);
  Kokkos::View<Scalar**, Kokkos::LayoutRight, memory> const chains("basin::sampler::chains",
                                                                   options.chains, +E::dimension);
  start_chains<tile::default_tuning<Exec, Scalar>()>(
      exec, start::Gaussian{.standard_deviation = options.deviation}, chains, chains,
      {seed, Purpose::sampler_start, 0});
  anneal(exec, annealing, gaussian, energy, chains, weights, {.seed = seed});
  LogMeanExp below = log_mean_exp(weights);
  if (rows > 0) {
    auto const from = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), starts);
    auto const to   = Kokkos::create_mirror_view(chains);
    for (std::size_t n = 0; n < to.extent(0); ++n)
      for (std::size_t d = 0; d < to.extent(1); ++d)
        to(n, d) = static_cast<Scalar>(from(n % rows, d));
    Kokkos::deep_copy(chains, to);
  }
  if (options.settling > 0) {
    Hamiltonian settle = annealing.sampler;
    settle.steps       = options.settling;
    sample(exec, settle, energy, chains, {.seed = seed + 1});
  }
  anneal(exec, annealing, energy, gaussian, chains, weights, {.seed = seed + 2});
  LogMeanExp above = log_mean_exp(weights);

  double const of_gaussian = 0.5 * E::dimension * std::log(2 * std::numbers::pi * variance);
  below.value              = of_gaussian + below.value;
  above.value              = of_gaussian - above.value;
  return {below, above};
}

}  // namespace basin::sampler

#endif
