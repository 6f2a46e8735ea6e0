// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OPTIMIZER_SCHEDULE_HPP
#define BASIN_OPTIMIZER_SCHEDULE_HPP

#include <basin/core/check.hpp>

#include <Kokkos_MathematicalFunctions.hpp>

#include <concepts>

namespace basin::optimizer {

/// Whether a type is a schedule: the factor of the learning rate at each training step, from 0.
template <class S>
concept Schedule = requires(S const& s) {
  { s(0L) } -> std::convertible_to<double>;
  s.check();
};

/// Factor of the learning rate at each update: 1.
struct Constant {
  KOKKOS_FUNCTION double operator()(long) const { return 1; }
  void check() const {}
};

/// Factor decay^floor(step / every).
struct StepDecay {
  long every   = 1000;  ///< updates between two decays; > 0
  double decay = 0.97;  ///< in (0, 1]

  KOKKOS_FUNCTION double operator()(long step) const {
    long const decays = step / every;
    return Kokkos::pow(decay, static_cast<double>(decays));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    if (every < 1) refuse("basin::optimizer::StepDecay", "every must be >= 1, got ", every);
    if (!(decay > 0 && decay <= 1))
      refuse("basin::optimizer::StepDecay", "decay must be in (0, 1], got ", decay);
  }
};

/// Half a cosine from 1 to floor over period updates, then floor:
/// floor + (1 - floor) (1 + cos(pi step / period)) / 2.
/// Source: Loshchilov and Hutter 2017, arXiv:1608.03983, eq. 5, without restarts.
struct Cosine {
  long period  = 100000;  ///< updates; > 0
  double floor = 0;       ///< in [0, 1]

  KOKKOS_FUNCTION double operator()(long step) const {
    if (step >= period) return floor;
    double const turn =
        3.14159265358979323846 * static_cast<double>(step) / static_cast<double>(period);
    return floor + (1 - floor) * 0.5 * (1 + Kokkos::cos(turn));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    if (period < 1) refuse("basin::optimizer::Cosine", "period must be >= 1, got ", period);
    if (!(floor >= 0 && floor <= 1))
      refuse("basin::optimizer::Cosine", "floor must be in [0, 1], got ", floor);
  }
};

/// Linear warm-up, (step + 1) / steps, then another schedule, which counts from the end of it.
template <class After = Constant>
struct WarmUp {
  long steps = 1000;  ///< updates; > 0
  After after{};

  KOKKOS_FUNCTION double operator()(long step) const {
    return step < steps ? static_cast<double>(step + 1) / static_cast<double>(steps)
                        : after(step - steps);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    if (steps < 1) refuse("basin::optimizer::WarmUp", "steps must be >= 1, got ", steps);
    after.check();
  }
};

}  // namespace basin::optimizer

#endif
