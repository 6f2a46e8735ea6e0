// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_TURN_HPP
#define BASIN_OBJECTIVE_TURN_HPP

#include <basin/core/field.hpp>
#include <basin/core/policy.hpp>

#include <Kokkos_Macros.hpp>

#include <concepts>
#include <cstdint>

namespace basin::objective {

struct turn_axis {};

/// Which terms of a joint model a step trains. A user-defined policy is a struct with
///
///   using axis = basin::objective::turn_axis;
///   // Factors of the weights of log p(y | x), and of log p(x) and log p(x, y), at a step.
///   KOKKOS_FUNCTION double discriminative(std::uint64_t step) const;
///   KOKKOS_FUNCTION double generative(std::uint64_t step) const;
///   void check() const;  // if it has options to validate; throws std::invalid_argument
namespace turn {

/// All terms in every step (Grathwohl et al. 2020, arXiv:1912.03263, code).
struct Combined {
  using axis = turn_axis;
  KOKKOS_FUNCTION double discriminative(std::uint64_t) const { return 1; }
  KOKKOS_FUNCTION double generative(std::uint64_t) const { return 1; }
};

/// Some steps of log p(y | x), then some of the other terms, and again. The chains move in every
/// step, so that a step of either kind launches the same kernels.
struct Alternating {
  using axis                = turn_axis;
  long discriminative_steps = 1;  ///< of log p(y | x); >= 1
  long generative_steps     = 1;  ///< of log p(x) and log p(x, y); >= 1

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"discriminative_steps", "steps", "of log p(y | x)"}, self.discriminative_steps,
      range::at_least(1));
    f(Field{"generative_steps", "steps", "of log p(x) and log p(x, y)"}, self.generative_steps,
      range::at_least(1));
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::objective::turn::Alternating", *this); }

  KOKKOS_FUNCTION double discriminative(std::uint64_t step) const {
    return step % static_cast<std::uint64_t>(discriminative_steps + generative_steps) <
                   static_cast<std::uint64_t>(discriminative_steps)
               ? 1
               : 0;
  }
  KOKKOS_FUNCTION double generative(std::uint64_t step) const { return 1 - discriminative(step); }
};

}  // namespace turn

/// Which terms a step trains, see namespace turn.
template <class T>
concept Turn = has_axis<T, turn_axis> && requires(T const& t, std::uint64_t step) {
  { t.discriminative(step) } -> std::same_as<double>;
  { t.generative(step) } -> std::same_as<double>;
};

/// The requirements of Turn as an error message.
template <class T>
struct check_turn {
  static_assert(Turn<T>,
                "basin::objective::Turn: a turn policy defines 'KOKKOS_FUNCTION double "
                "discriminative(std::uint64_t step) const' and '... generative(std::uint64_t step) "
                "const', the factors of the terms at a step.");
  static constexpr bool value = Turn<T>;
};

}  // namespace basin::objective

#endif
