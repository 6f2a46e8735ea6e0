// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_POLICY_HPP
#define BASIN_CORE_POLICY_HPP

#include <basin/core/arithmetic.hpp>

#include <concepts>
#include <type_traits>

namespace basin {

/// An optional template argument that may be given in any order: it names its axis.
template <class P>
concept Policy = requires { typename P::axis; };

/// Whether P is a policy of one of the axes.
template <class P, class... Axes>
inline constexpr bool has_axis = false;
template <Policy P, class... Axes>
inline constexpr bool has_axis<P, Axes...> = (std::same_as<typename P::axis, Axes> || ...);

/// Number of policies of the axis.
template <class Axis, class... Policies>
inline constexpr int policies_of = (0 + ... + int(has_axis<Policies, Axis>));

namespace detail {

template <class Axis, class Default, class... Policies>
struct pick {
  using type = Default;
};
template <class Axis, class Default, class P, class... Policies>
struct pick<Axis, Default, P, Policies...>
    : std::conditional_t<has_axis<P, Axis>, std::type_identity<P>,
                         pick<Axis, Default, Policies...>> {};

}  // namespace detail

/// The policy of the axis among Policies, or Default.
template <class Axis, class Default, class... Policies>
using pick = typename detail::pick<Axis, Default, Policies...>::type;

/// Checks the numbers of a policy that has some.
/// \throws std::invalid_argument naming the field and its value
template <class P>
void check_numbers(P const& policy) {
  if constexpr (requires { policy.check(); }) policy.check();
}

}  // namespace basin

#endif
