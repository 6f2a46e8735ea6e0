// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_ROLLBACK_HPP
#define BASIN_TRAIN_ROLLBACK_HPP

#include <basin/core/archive.hpp>
#include <basin/train/monitor.hpp>
#include <basin/train/options.hpp>

#include <cstdint>
#include <cstdio>
#include <functional>

namespace basin::train {

/// What a run does when it diverges.
template <class Trainer>
struct Rollback {
  int attempts = 3;  ///< rollbacks, after which the error is passed on; >= 1
  /// Called after each rollback, with its number from 1 on. The same steps would diverge again: change
  /// something, for example trainer.objective().sampler.steps *= 2.
  std::function<void(Trainer&, int)> change;
};

/// Trainer::fit that goes back where it diverges. After each report the whole run is kept in memory,
/// as MemoryArchive does; a Divergence loads the last one, calls 'change' and continues to the same
/// number of steps. Chains, optimizer and average go back too.
///
/// \param fit  with steps; the report is called again for the steps that are repeated
/// \return the last report's metrics
/// \throws std::invalid_argument if an option does not fit
/// \throws Divergence if there was one after the last attempt; the trainer is then as fit leaves it
template <class Trainer>
Metrics fit_with_rollback(Trainer& trainer, FitOptions const& fit,
                          Rollback<std::type_identity_t<Trainer>> const& options) {
  char const* who = "basin::train::fit_with_rollback";
  if (fit.steps < 1 || fit.epochs != 0)
    refuse(who, "write steps and no epochs, got ", fit.steps, " and ", fit.epochs);
  if (options.attempts < 1) refuse(who, "attempts must be >= 1, got ", options.attempts);
  if (!options.change)
    refuse(who, "change is empty, and the same steps would diverge again; write what to change");
  std::uint64_t const end = trainer.steps_taken() + static_cast<std::uint64_t>(fit.steps);
  MemoryArchive last;
  last.save("run", trainer);
  FitOptions part = fit;
  part.report     = [&](Metrics const& m) {
    if (fit.report) fit.report(m);
    last.save("run", trainer);
  };
  for (int attempt = 1;; ++attempt) {
    part.steps = static_cast<long>(end - trainer.steps_taken());
    try {
      return trainer.fit(part);
    } catch (Divergence const& error) {
      if (attempt > options.attempts) throw;
      last.load("run", trainer);
      if (fit.progress)
        std::fprintf(fit.progress, "\n%s Rollback %d to step %llu.\n", error.what(), attempt,
                     static_cast<unsigned long long>(trainer.steps_taken()));
      options.change(trainer, attempt);
    }
  }
}

}  // namespace basin::train

#endif
