// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_CORE_POLICY_HPP
#define BASIN_CORE_POLICY_HPP

#include <concepts>
#include <type_traits>

namespace basin {

/// An optional choice that may be written in any order: it names its axis.
template <class P>
concept Policy = requires {
  typename P::axis;
};

namespace detail {

template <class Axis, class Default, class... Policies>
struct pick {
  using type = Default;
};
template <class Axis, class Default, class P, class... Policies>
struct pick<Axis, Default, P, Policies...>
    : std::conditional_t<std::same_as<typename P::axis, Axis>, std::type_identity<P>,
                         pick<Axis, Default, Policies...>> {};

}  // namespace detail

/// The policy of the axis among Policies, or Default.
template <class Axis, class Default, class... Policies>
using pick = typename detail::pick<Axis, Default, Policies...>::type;

/// Policies of the axis.
template <class Axis, class... Policies>
inline constexpr int policies_of = (0 + ... + int(std::same_as<typename Policies::axis, Axis>));

/// Whether every policy belongs to one of the axes.
template <class P, class... Axes>
inline constexpr bool has_axis = (std::same_as<typename P::axis, Axes> || ...);

}  // namespace basin

#endif
