// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_CURRICULUM_HPP
#define BASIN_TRAIN_CURRICULUM_HPP

#include <basin/core/field.hpp>
#include <basin/train/metrics.hpp>
#include <basin/train/options.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>

namespace basin::train {

/// Laws of K, the sampling steps of a training step. A user-defined law is a struct with
///
///   int operator()(std::uint64_t step) const;
///   void check() const;  // throws std::invalid_argument
namespace curriculum {

/// The same K in every step.
struct Constant {
  int steps = 20;  ///< >= 0

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "K"}, self.steps, range::at_least(0));
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::train::curriculum::Constant", *this); }
  int operator()(std::uint64_t) const { return steps; }
};

/// K grows, or falls, linearly from 'first' to 'last', rounded towards the first, and stays there.
struct Linear {
  int first = 10;    ///< K at step 0; >= 0
  int last  = 40;    ///< K from step 'over' on; >= 0
  long over = 1000;  ///< training steps; >= 1

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"first", "1", "K at step 0"}, self.first, range::at_least(0));
    f(Field{"last", "1", "K at the end"}, self.last, range::at_least(0));
    f(Field{"over", "steps", "from the first to the last"}, self.over, range::at_least(1));
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::train::curriculum::Linear", *this); }
  int operator()(std::uint64_t step) const {
    if (step >= static_cast<std::uint64_t>(over)) return last;
    return first + static_cast<int>((last - first) * static_cast<long>(step) / over);
  }
};

/// K = first + add floor(step / every), at most 'last'.
struct Staircase {
  int first  = 10;    ///< K at step 0; >= 0
  int add    = 10;    ///< >= 1
  long every = 1000;  ///< training steps; >= 1
  int last   = 40;    ///< >= first

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"first", "1", "K at step 0"}, self.first, range::at_least(0));
    f(Field{"add", "1", "height of a stair"}, self.add, range::at_least(1));
    f(Field{"every", "steps", "length of a stair"}, self.every, range::at_least(1));
    f(Field{"last", "1", "largest K"}, self.last);
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::train::curriculum::Staircase";
    check_fields(who, *this);
    if (last < first) refuse(who, "last must be >= first, got ", last, " and ", first);
  }
  int operator()(std::uint64_t step) const {
    std::uint64_t const stair = step / static_cast<std::uint64_t>(every);
    std::uint64_t const stairs =
        static_cast<std::uint64_t>(last - first) / static_cast<std::uint64_t>(add) + 1;
    return stair >= stairs ? last : std::min(last, first + add * static_cast<int>(stair));
  }
};

}  // namespace curriculum

/// Trainer::fit with a law of the sampler's steps, which is asked at every training step. Sets
/// trainer.objective().sampler.steps where K changes, and leaves the last one. There is a report at
/// each change. Source of the idea: none that we know of; longer chains later are cheap where short
/// ones suffice at first.
///
/// \param fit  with steps
/// \return the last report's metrics
/// \throws std::invalid_argument if an option does not fit
/// \throws Divergence if the run diverges
template <class Trainer, class Law>
  requires requires(Law const& law) {
    { law(std::uint64_t(0)) } -> std::same_as<int>;
  }
Metrics fit(Trainer& trainer, Law const& law, FitOptions const& fit) {
  if (fit.steps < 1 || fit.epochs != 0)
    refuse("basin::train::fit", "write steps and no epochs, got ", fit.steps, " and ", fit.epochs);
  law.check();
  std::uint64_t const end = trainer.steps_taken() + static_cast<std::uint64_t>(fit.steps);
  bool stop               = false;
  FitOptions part         = fit;
  part.stop_when = [&](Metrics const& m) { return stop = fit.stop_when && fit.stop_when(m); };
  Metrics last;
  while (!stop && trainer.steps_taken() < end) {
    std::uint64_t const first = trainer.steps_taken();
    int const steps           = law(first);
    std::uint64_t next        = first + 1;
    while (next < end && law(next) == steps) ++next;
    trainer.objective().sampler.steps = steps;
    part.steps                        = static_cast<long>(next - first);
    last                              = trainer.fit(part);
  }
  return last;
}

}  // namespace basin::train

#endif
