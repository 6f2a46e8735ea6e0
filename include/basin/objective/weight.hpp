// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_WEIGHT_HPP
#define BASIN_OBJECTIVE_WEIGHT_HPP

#include <basin/core/field.hpp>

#include <Kokkos_Macros.hpp>

#include <cstdint>

namespace basin::objective {

/// Weight a of a term of an objective, with an optional linear ramp over the first ramp steps.
struct Weight {
  double coefficient = 1;  ///< a; finite
  long ramp          = 0;  ///< training steps until a is reached; 0: at once

  /// a (step + 1) / ramp, from step ramp - 1 on a
  KOKKOS_FUNCTION double at(std::uint64_t step) const {
    return ramp > 0 && step < static_cast<std::uint64_t>(ramp)
               ? coefficient * static_cast<double>(step + 1) / static_cast<double>(ramp)
               : coefficient;
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"coefficient", "1", "weight of the term"}, self.coefficient, range::any.finite());
    f(Field{"ramp", "steps", "until the coefficient is whole; 0: at once"}, self.ramp,
      range::at_least(0));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::objective::Weight", *this); }
};

/// Penalty a (mean E+^2 + mean E-^2) on both phases, which keeps the energies near 0
/// (Du and Mordatch 2019, section 3.3). a ramps up like a Weight.
struct EnergyPenalty {
  double coefficient = 0;  ///< a, units of 1 / E; >= 0
  long ramp          = 0;  ///< training steps until a is reached; 0: at once

  KOKKOS_FUNCTION double at(std::uint64_t step) const { return Weight{coefficient, ramp}.at(step); }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"coefficient", "1 / E", "weight of the mean squares"}, self.coefficient,
      range::at_least(0).finite());
    f(Field{"ramp", "steps", "until the coefficient is whole; 0: at once"}, self.ramp,
      range::at_least(0));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::objective::EnergyPenalty", *this); }
};

}  // namespace basin::objective

#endif
