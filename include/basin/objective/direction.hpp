// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_DIRECTION_HPP
#define BASIN_OBJECTIVE_DIRECTION_HPP

#include <basin/core/policy.hpp>
#include <basin/tile/math.hpp>

#include <concepts>

namespace basin::objective {

struct direction_axis {};

/// The distribution of the directions v of sliced score matching; E[v v^T] = I for each. A
/// user-defined distribution is a struct with
///
///   using axis = basin::objective::direction_axis;
///   // A coordinate of v from a draw of N(0, 1), lane by lane; V is a tile::Simd.
///   template <class V> KOKKOS_FUNCTION V operator()(V z) const;
namespace direction {

/// Every coordinate -1 or 1: the distribution with the smallest variance of v.H v.
struct Rademacher {
  using axis = direction_axis;

  template <class V>
  KOKKOS_FUNCTION V operator()(V z) const {
    using Scalar = typename V::value_type;
    return where_less(z, V(Scalar(0)), V(Scalar(-1)), V(Scalar(1)));
  }
};
/// N(0, I).
struct Gaussian {
  using axis = direction_axis;

  template <class V>
  KOKKOS_FUNCTION V operator()(V z) const {
    return z;
  }
};

}  // namespace direction

namespace detail {

template <class D, class V>
concept MakesDirections = requires(D const& d, V z) {
  { d(z) } -> std::same_as<V>;
};

}  // namespace detail

/// A distribution of directions, see namespace direction.
template <class D>
concept Direction =
    has_axis<D, direction_axis> && (detail::MakesDirections<D, tile::Simd<float, 1>> ||
                                    detail::MakesDirections<D, tile::Simd<double, 1>>);

/// The requirements of Direction as an error message.
template <class D>
struct check_direction {
  static_assert(Direction<D>,
                "basin::objective::Direction: a direction policy holds its law; define 'template "
                "<class V> KOKKOS_FUNCTION V operator()(V z) const', a coordinate of the direction "
                "from one of N(0, 1).");
  static constexpr bool value = Direction<D>;
};

}  // namespace basin::objective

#endif
