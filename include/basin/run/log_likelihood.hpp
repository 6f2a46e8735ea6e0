// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_LOG_LIKELIHOOD_HPP
#define BASIN_RUN_LOG_LIKELIHOOD_HPP

#include <basin/core/check.hpp>
#include <basin/core/field.hpp>
#include <basin/core/log_mean_exp.hpp>
#include <basin/energy/quadratic.hpp>
#include <basin/sampler/annealed_importance.hpp>
#include <basin/sampler/hamiltonian.hpp>
#include <basin/sampler/start.hpp>
#include <basin/train/metrics.hpp>

#include <Kokkos_Core.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <type_traits>

namespace basin::run {

/// How LogLikelihood anneals.
struct LogLikelihoodOptions {
  int chains         = 256;  ///< >= 2
  int rungs          = 500;  ///< between the Gaussian and exp(-E)
  int settling       = 500;  ///< trajectories at E before the way back
  double deviation   = 1;    ///< of the Gaussian N(0, s^2): as wide as the data, or wider
  double step_size   = 0.1;  ///< of Hamiltonian Monte Carlo, units of x
  double trajectory  = 0.5;  ///< units of x
  std::uint64_t seed = 1;
  long every         = 1;  ///< training steps: other reports have NaN there

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"chains", "1", "of the annealing"}, self.chains, range::at_least(2));
    f(Field{"rungs", "1", "between the Gaussian and exp(-E)"}, self.rungs, range::at_least(1));
    f(Field{"settling", "1", "trajectories at E before the way back"}, self.settling,
      range::at_least(1));
    f(Field{"deviation", "x", "of the Gaussian N(0, s^2)"}, self.deviation,
      range::above(0).finite());
    f(Field{"step_size", "x", "of Hamiltonian Monte Carlo"}, self.step_size,
      range::above(0).finite());
    f(Field{"trajectory", "x", "length of a trajectory"}, self.trajectory,
      range::above(0).finite());
    f(Field{"seed", "1", "of the annealing, besides the step"}, self.seed);
    f(Field{"every", "steps", "of training, between two estimates"}, self.every,
      range::at_least(1));
  }
};

/// Hooks::measure of the log-likelihood of a set that is not trained on, in nats, between two bounds:
///
///   mean_x log p(x) = -mean_x E(x) - log Z,   Z = integral of exp(-E)
///
/// "log_likelihood_most" has log Z by annealed importance sampling from N(0, s^2) to exp(-E), which is
/// below log Z in expectation (sampler::AnnealedImportance). "log_likelihood_least" has it by the way
/// back, from chains that came that way and settled: a lower bound as far as these have the law of E. Far
/// apart the two say that more rungs, or another step size, are needed. On the averaged parameters if
/// there are any. E at temperature 1: of a sampler of another temperature exp(-E) is not the density
/// that is learned. A function of the step, not of earlier reports.
///
/// \tparam Trainer  must outlive it
template <class Trainer, class Points>
class LogLikelihood {
 public:
  /// \param validation  (n, dimension) host or device View
  /// \throws std::invalid_argument if there are no rows, or an option does not fit
  LogLikelihood(Trainer& trainer, Points const& validation,
                LogLikelihoodOptions const& options = {})
      : trainer_(&trainer), validation_(validation), options_(options) {
    check_fields("basin::run::LogLikelihood", options);
    if (validation.extent(0) == 0)
      refuse("basin::run::LogLikelihood", "validation has 0 rows, must have at least 1");
  }

  void operator()(train::Metrics& m) const {
    double mean = std::numeric_limits<double>::quiet_NaN();
    Bounds log_z{};
    if (m.step % static_cast<std::uint64_t>(options_.every) == 0) {
      auto const e = trainer_->energies(validation_);
      mean         = 0;
      for (std::size_t i = 0; i < e.extent(0); ++i)
        mean += static_cast<double>(e(i)) / static_cast<double>(e.extent(0));
      log_z = log_partition(m.step);
    }
    m.add({"log_likelihood_most", "nats", "of the validation set, log Z from below"},
          -mean - log_z.below);
    m.add({"log_likelihood_least", "nats", "of the validation set, log Z from above"},
          -mean - log_z.above);
  }

 private:
  struct Bounds {
    double below, above;
  };

  Bounds log_partition(std::uint64_t step) const {
    using Scalar          = typename Trainer::Scalar;
    using Exec            = typename Trainer::memory::execution_space;
    auto const to         = trainer_->energy();
    using Energy          = std::remove_const_t<decltype(to)>;
    using Gaussian        = energy::Quadratic<Scalar, Energy::dimension>;
    double const variance = options_.deviation * options_.deviation;
    Exec const exec;
    Gaussian const gaussian{{.stiffness = static_cast<Scalar>(1 / variance)}};
    sampler::AnnealedImportance<sampler::Hamiltonian> const anneal{
        .sampler = {.steps             = 1,
                    .step_size         = options_.step_size,
                    .trajectory_length = options_.trajectory},
        .rungs   = options_.rungs};
    Kokkos::View<double*, typename Trainer::memory> const weights("basin::run::weights",
                                                                  options_.chains);
    Kokkos::View<Scalar**, Kokkos::LayoutRight, typename Trainer::memory> const chains(
        "basin::run::chains", options_.chains, +Energy::dimension);
    std::uint64_t const seed = options_.seed + 3 * step;
    sampler::start_chains<tile::default_tuning<Exec, Scalar>()>(
        exec, sampler::start::Gaussian{.standard_deviation = options_.deviation}, chains, chains,
        {seed, Purpose::sampler_start, 0});
    double const of_gaussian = 0.5 * Energy::dimension * std::log(2 * std::numbers::pi * variance);
    sampler::anneal(exec, anneal, gaussian, to, chains, weights, {.seed = seed});
    double const below = of_gaussian + log_mean_exp(weights).value;
    auto settle        = anneal.sampler;
    settle.steps       = options_.settling;
    sampler::sample(exec, settle, to, chains, {.seed = seed + 1});
    sampler::anneal(exec, anneal, to, gaussian, chains, weights, {.seed = seed + 2});
    return {below, of_gaussian - log_mean_exp(weights).value};
  }

  Trainer* trainer_;
  Points validation_;
  LogLikelihoodOptions options_;
};

}  // namespace basin::run

#endif
