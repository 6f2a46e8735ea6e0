// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OPTIMIZER_CONCEPTS_HPP
#define BASIN_OPTIMIZER_CONCEPTS_HPP

#include <basin/tile/simd.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>

namespace basin::optimizer {

namespace detail {

// The state of one vector of parameters, as a rule receives it.
template <class V, int states>
struct State {
  V array[states > 0 ? states : 1];
};

/// rule(theta, g, state, is_weight), with as many of the arguments as the rule takes.
template <int states, class Rule, class V>
KOKKOS_FORCEINLINE_FUNCTION void apply(Rule const& rule, V& theta, V g, State<V, states>& state,
                                       V is_weight) {
  if constexpr (states == 0) {
    if constexpr (requires { rule(theta, g, is_weight); })
      rule(theta, g, is_weight);
    else
      rule(theta, g);
  } else if constexpr (requires { rule(theta, g, state.array, is_weight); }) {
    rule(theta, g, state.array, is_weight);
  } else if constexpr (requires { rule(theta, g, state.array); }) {
    rule(theta, g, state.array);
  } else if constexpr (requires { rule(theta, g, state.array[0], is_weight); }) {
    rule(theta, g, state.array[0], is_weight);
  } else {
    rule(theta, g, state.array[0]);
  }
}

// Whether the rule handles weight decay itself.
template <int states, class Rule, class V>
concept ReadsIsWeight =
    (states == 0 && requires(Rule const& r, V& t, V g) { r(t, g, g); }) ||
    (states > 0 &&
     (requires(Rule const& r, V& t, V g, State<V, states>& s) { r(t, g, s.array, g); } ||
      requires(Rule const& r, V& t, V g, V& s) { r(t, g, s, g); }));

template <int states, class Rule, class V>
concept UpdatesTheta =
    ReadsIsWeight<states, Rule, V> ||
    (states == 0 && requires(Rule const& r, V& t, V g) { r(t, g); }) ||
    (states > 0 && (requires(Rule const& r, V& t, V g, State<V, states>& s) { r(t, g, s.array); } ||
                    (states == 1 && requires(Rule const& r, V& t, V g, V& s) { r(t, g, s); })));

template <class O, class Scalar>
using rule_of =
    std::remove_cvref_t<decltype(std::declval<O const&>().template at<Scalar>(0L, 1.0))>;

}  // namespace detail

template <class O>
concept HasStates = requires { requires O::states >= 0; };

template <class O>
concept HasCheck = requires(O const& o) { o.check(); };

template <class O, class Scalar>
concept HasRule = requires(O const& o) { o.template at<Scalar>(0L, 1.0); };

template <class O, class Scalar>
concept HasRuleOfPacks =
    HasStates<O> && HasRule<O, Scalar> &&
    detail::UpdatesTheta<O::states, detail::rule_of<O, Scalar>, tile::Simd<Scalar, 1>>;

template <class O, class Scalar>
concept HasPlainRule =
    HasRule<O, Scalar> && std::is_trivially_copyable_v<detail::rule_of<O, Scalar>>;

/// An optimizer: an aggregate of options with
///
///   static constexpr int states            arrays of the size of theta; 0: none
///   at<Scalar>(long step, double factor)   the rule of one update: plain values made on the device
///   check()                                throws std::invalid_argument
///
/// The rule is called with vectors of parameters, V = tile::Simd<Scalar, any number>:
///
///   rule(V& theta, V g, V (&state)[states])               states > 0; states == 1: also V& state
///   rule(V& theta, V g)                                   states == 0
///   rule(V& theta, V g, [state,] V is_weight)             is_weight: 1 if it decays, else 0
///
/// g is the clipped gradient; states start at 0. Parameters of an objective are not weights.
template <class O, class Scalar>
concept Optimizer = HasStates<O> && HasCheck<O> && HasRuleOfPacks<O, Scalar> &&
                    HasPlainRule<O, Scalar> && std::default_initializable<O>;

/// The requirements of Optimizer as error messages, for types with states or a rule.
template <class O, class Scalar>
struct check_optimizer {
  // Constants, not concepts, in the assertions: compilers print long explanations of concepts.
  static constexpr bool states = HasStates<O>, rule = HasRule<O, Scalar>, meant = states || rule;
  static constexpr bool checks = HasCheck<O>, runs = HasRuleOfPacks<O, Scalar>,
                        plain = HasPlainRule<O, Scalar>;
  static_assert(!meant || states,
                "basin::optimizer::Optimizer: define 'static constexpr int states', the arrays of "
                "the size of theta that it keeps, or 0.");
  static_assert(!meant || checks,
                "basin::optimizer::Optimizer: define 'void check() const', which throws "
                "std::invalid_argument for numbers that mean nothing.");
  static_assert(!meant || rule,
                "basin::optimizer::Optimizer: define 'template <class Scalar> KOKKOS_FUNCTION auto "
                "at(long step, double factor) const', the rule of one update.");
  static_assert(!states || !rule || runs,
                "basin::optimizer::Optimizer: the rule that at(step, factor) returns needs "
                "'template <class V> KOKKOS_FUNCTION void operator()(V& theta, V g, V "
                "(&state)[states]) const', without state where states is 0.");
  static_assert(
      !rule || plain,
      "basin::optimizer::Optimizer: the rule that at(step, factor) returns is kept on the "
      "device; let it hold numbers only.");
  static constexpr bool value = Optimizer<O, Scalar>;
};

template <class S>
concept HasFactor = requires(S const& s) {
  { s(0L) } -> std::convertible_to<double>;
};

/// A schedule: the factor of the learning rate at each training step, from 0. An aggregate of
/// options with 'KOKKOS_FUNCTION double operator()(long step) const', which is called on the
/// device, and 'void check() const'.
template <class S>
concept Schedule = HasFactor<S> && HasCheck<S> && std::is_trivially_copyable_v<S>;

/// The requirements of Schedule as error messages.
template <class S>
struct check_schedule {
  static_assert(HasFactor<S>,
                "basin::optimizer::Schedule: define 'KOKKOS_FUNCTION double operator()(long step) "
                "const', the factor of the learning rate.");
  static_assert(HasCheck<S>,
                "basin::optimizer::Schedule: define 'void check() const', which throws "
                "std::invalid_argument for numbers that mean nothing.");
  static_assert(
      std::is_trivially_copyable_v<S>,
      "basin::optimizer::Schedule: it is copied to the device; let it hold numbers only.");
  static constexpr bool value = Schedule<S>;
};

}  // namespace basin::optimizer

#endif
