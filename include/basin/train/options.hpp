// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_OPTIONS_HPP
#define BASIN_TRAIN_OPTIONS_HPP

#include <basin/core/field.hpp>
#include <basin/train/batch.hpp>
#include <basin/train/metrics.hpp>
#include <basin/train/slices.hpp>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>

namespace basin::train {

/// The options of a Trainer. If they are written with the type, Trainer::Options{.batch = 256}, the
/// compiler names a field that does not exist.
template <class Objective, class Optimizer, class Schedule>
struct TrainerOptions {
  Objective objective{};
  Optimizer optimizer{};
  Schedule schedule{};
  int batch = 128;  ///< data points, and samples, per step
  DataNoise data_noise{};
  double clip_norm = std::numeric_limits<double>::infinity();  ///< maximum |dL/dtheta|_2; > 0
  double ema_decay = 0;  ///< decay of the averaged parameters per step; 0: none. They start
                         ///< from the initial ones, whose weight after n steps is ema_decay^n
  std::uint64_t seed  = 1;
  int monitor_every   = 100;  ///< steps between two reports, which are kept: at most 1 GiB
  double energy_limit = 1e8;  ///< stop when mean |E| exceeds it, units of E
  double gap_limit    = 100;  ///< stop when |gap| exceeds this many times what it has been so far,
                              ///< see GapHistory; > 1
  double distance_limit = 100;  ///< stop when chains are this many standard deviations away from
                                ///< the data, see Distance; refuse those that start there; > 1
  Slices slices{};              ///< of a run on several processes

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("objective", self.objective);
    f.nested("optimizer", self.optimizer);
    f.nested("schedule", self.schedule);
    f(Field{"batch", "1", "data, and samples, of a step"}, self.batch, range::at_least(1));
    f.nested("data_noise", self.data_noise);
    f(Field{"clip_norm", "E / theta", "largest |dL/dtheta|_2"}, self.clip_norm, range::above(0));
    f(Field{"ema_decay", "1", "decay of the averaged parameters per step; 0: none"}, self.ema_decay,
      range::right_open(0, 1));
    f(Field{"seed", "1", "of all that is random"}, self.seed);
    f(Field{"monitor_every", "steps", "between two reports"}, self.monitor_every,
      range::at_least(1));
    f(Field{"energy_limit", "E", "stop when mean |E| passes it"}, self.energy_limit,
      range::above(0));
    f(Field{"gap_limit", "1", "stop when |gap| passes this many times what it has been so far"},
      self.gap_limit, range::above(1));
    f(Field{"distance_limit", "1", "of chains from the data, in standard deviations of the data"},
      self.distance_limit, range::above(1));
    f.nested("slices", self.slices);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    check_fields("basin::train::Trainer", *this);
    slices.check(batch);
    objective.check(batch);
  }
};

/// How long to train, and what to report.
struct FitOptions {
  long epochs         = 0;        ///< passes over the data; or
  long steps          = 0;        ///< training steps
  std::FILE* progress = nullptr;  ///< a line at each report, for example stderr; a terminal's is
                                  ///< rewritten
  std::function<void(Metrics const&)> report{};     ///< called at each report
  std::function<bool(Metrics const&)> stop_when{};  ///< called after each report: true ends the run
  /// Where it is not 0 the run ends after the step at hand, without a report; null: nothing. May be
  /// set by another thread or a signal handler, see run::StopSignals.
  std::atomic<int> const* stop = nullptr;
  double seconds = std::numeric_limits<double>::infinity();  ///< of wall-clock time, then as 'stop'
};

}  // namespace basin::train

#endif
