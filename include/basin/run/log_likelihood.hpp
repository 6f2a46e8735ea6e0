// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_LOG_LIKELIHOOD_HPP
#define BASIN_RUN_LOG_LIKELIHOOD_HPP

#include <basin/core/check.hpp>
#include <basin/core/field.hpp>
#include <basin/sampler/log_partition.hpp>
#include <basin/train/metrics.hpp>

#include <Kokkos_Core.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace basin::run {

/// How LogLikelihood anneals, and when.
struct LogLikelihoodOptions {
  sampler::LogPartition annealing{.chains = 256, .rungs = 500, .settling = 500};
  std::uint64_t seed = 1;
  long every         = 1;  ///< training steps: other reports have NaN there

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("annealing", self.annealing);
    f(Field{"seed", "1", "of the annealing, besides the step"}, self.seed);
    f(Field{"every", "steps", "of training, between two estimates"}, self.every,
      range::at_least(1));
  }
};

/// Hooks::measure of the log-likelihood of a set that is not trained on, in nats, between two bounds:
///
///   mean_x log p(x) = -mean_x E(x) - log Z,   Z = integral of exp(-E)
///
/// with the bounds of sampler::log_partition: "log_likelihood_most" has the lower one of log Z,
/// "log_likelihood_least" the upper one, from chains that came to E by annealing and settled: a lower
/// bound of the log-likelihood as far as these have the law of E. Far apart the two say that more rungs, or another step size, are needed. On the averaged parameters if
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
    sampler::LogPartitionBounds log_z{};
    if (m.step % static_cast<std::uint64_t>(options_.every) == 0) {
      auto const e = trainer_->energies(validation_);
      mean         = 0;
      for (std::size_t i = 0; i < e.extent(0); ++i)
        mean += static_cast<double>(e(i)) / static_cast<double>(e.extent(0));
      using Exec = typename Trainer::memory::execution_space;
      log_z      = sampler::log_partition(Exec(), options_.annealing, trainer_->energy(), Points(),
                                          options_.seed + 3 * m.step);
    }
    m.add({"log_likelihood_most", "nats", "of the validation set, log Z from below"},
          -mean - log_z.below.value);
    m.add({"log_likelihood_least", "nats", "of the validation set, log Z from above"},
          -mean - log_z.above.value);
  }

 private:
  Trainer* trainer_;
  Points validation_;
  LogLikelihoodOptions options_;
};

}  // namespace basin::run

#endif
