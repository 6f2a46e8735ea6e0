// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_OPTIONS_HPP
#define BASIN_RUN_OPTIONS_HPP

#include <basin/core/check.hpp>
#include <basin/core/field.hpp>

#include <limits>
#include <string>

namespace basin::run {

/// How a run is kept. Written at the first report after a checkpoint is due, see
/// train::TrainerOptions::monitor_every; run::loop, which has no reports, after each step.
struct Options {
  long steps                = 1000;   ///< of the whole run, those before resuming too
  std::string out           = "out";  ///< folder of this run alone
  bool resume               = false;  ///< continue from its last checkpoint, if there is one
  long checkpoint_steps     = 0;      ///< between two checkpoints; 0: by time alone
  double checkpoint_seconds = 600;    ///< between two checkpoints
  int keep                  = 2;      ///< checkpoints that stay, besides the best one
  std::string best          = "";     ///< metric by which best.h5 is kept; empty: none
  bool best_is_largest      = false;  ///< else the smallest is best
  int patience = 0;  ///< reports without a better one, after which it ends; 0: any number
  double time_limit =
      std::numeric_limits<double>::infinity();  ///< seconds of this process's training

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "steps", "of the whole run, those before resuming too"}, self.steps,
      range::at_least(1));
    f(Field{"out", "1", "folder of this run alone"}, self.out);
    f(Field{"resume", "1", "continue from the last checkpoint in 'out', if there is one"},
      self.resume);
    f(Field{"checkpoint_steps", "steps", "between two checkpoints; 0: by time alone"},
      self.checkpoint_steps, range::at_least(0));
    f(Field{"checkpoint_seconds", "s", "between two checkpoints"}, self.checkpoint_seconds,
      range::above(0));
    f(Field{"keep", "1", "checkpoints that stay, besides the best one"}, self.keep,
      range::at_least(1));
    f(Field{"best", "1", "metric by which best.h5 is kept; empty: none"}, self.best);
    f(Field{"best_is_largest", "1", "else the smallest is best"}, self.best_is_largest);
    f(Field{"patience", "reports", "without a better one, after which the run ends; 0: any number"},
      self.patience, range::at_least(0));
    f(Field{"time_limit", "s", "of this process's steps, then it saves and ends"}, self.time_limit,
      range::above(0));
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    check_fields("basin::run::fit", *this);
    if (patience > 0 && best.empty())
      refuse("basin::run::fit", "patience is ", patience,
             " and there is no metric to wait for; write best");
  }
};

/// How a run ended.
enum class Ending {
  complete,    ///< all steps are done
  early,       ///< 'patience' or stop_when ended it
  signaled,    ///< a signal came, see StopSignals: there is more to do
  out_of_time  ///< time_limit passed: there is more to do
};

/// The status with which a program ends: 0, or 75 (EX_TEMPFAIL) where the same command with --resume
/// would go on.
inline int exit_status(Ending ending) {
  return ending == Ending::signaled || ending == Ending::out_of_time ? 75 : 0;
}

}  // namespace basin::run

#endif
