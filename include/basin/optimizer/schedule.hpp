// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OPTIMIZER_SCHEDULE_HPP
#define BASIN_OPTIMIZER_SCHEDULE_HPP

#include <basin/core/field.hpp>
#include <basin/optimizer/concepts.hpp>

#include <Kokkos_MathematicalFunctions.hpp>

namespace basin::optimizer {

/// Factor of the learning rate at each update: 1.
struct Constant {
  KOKKOS_FUNCTION double operator()(long) const { return 1; }
  template <class Self, class F>
  static constexpr void fields(Self&, F&&) {}
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

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"every", "updates", "between two decays"}, self.every, range::at_least(1));
    f(Field{"decay", "1", "factor of each"}, self.decay, range::left_open(0, 1));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::optimizer::StepDecay", *this); }
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

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"period", "updates", "until the floor is reached"}, self.period, range::at_least(1));
    f(Field{"floor", "1", "last factor"}, self.floor, range::closed(0, 1));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::optimizer::Cosine", *this); }
};

/// Linear warm-up, (step + 1) / steps, then another schedule, which starts at its end.
template <class After = Constant>
struct WarmUp {
  long steps = 1000;  ///< updates; > 0
  After after{};

  KOKKOS_FUNCTION double operator()(long step) const {
    return step < steps ? static_cast<double>(step + 1) / static_cast<double>(steps)
                        : after(step - steps);
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "updates", "until the factor is 1"}, self.steps, range::at_least(1));
    f.nested("after", self.after);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::optimizer::WarmUp", *this); }
};

}  // namespace basin::optimizer

#endif
