// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_BOX_HPP
#define BASIN_SAMPLER_BOX_HPP

#include <basin/core/check.hpp>
#include <basin/core/field.hpp>
#include <basin/core/policy.hpp>
#include <basin/tile/simd.hpp>

#include <Kokkos_Core.hpp>

#include <cmath>
#include <concepts>

namespace basin::sampler {

struct box_axis {};

/// What the walls of a box [lower, upper] in every coordinate do to a chain, see Boxed. Coordinates of
/// the chain are y on the whole line, of which every y stands for a point x of the box. A user-defined
/// policy declares 'using axis = sampler::box_axis', has lower and upper, and, over V, a vector with
/// one value per chain:
///
///   template <class V> KOKKOS_FUNCTION V near(V y) const;    // y moved by whole periods to the box
///   template <class V> KOKKOS_FUNCTION V point(V y) const;   // x
///   template <class V> KOKKOS_FUNCTION V slope(V y) const;   // dx/dy, 1 or -1
///
/// Points of the box must stay as they are, to the bit.
namespace box {

namespace detail {

template <class V>
KOKKOS_FORCEINLINE_FUNCTION V ceil(V x) {
  return V::generate([&](int lane) { return Kokkos::ceil(x[lane]); });
}

template <class Self, class F>
constexpr void wall_fields(Self& self, F& f) {
  f(Field{"lower", "x", "least coordinate"}, self.lower);
  f(Field{"upper", "x", "largest coordinate, > lower"}, self.upper);
}
template <class Box>
void check_walls(char const* who, Box const& box) {
  if (!(box.lower < box.upper) || std::isinf(box.lower) || std::isinf(box.upper))
    refuse(who, "lower must be < upper, both finite, got ", box.lower, " and ", box.upper);
}

}  // namespace detail

/// Walls are mirrors: what goes through one by a length is at this length in front of it, and its
/// momentum has the other sign.
struct Reflecting {
  using axis   = box_axis;
  double lower = 0;  ///< units of x
  double upper = 1;  ///< units of x; > lower

  template <class V>
  KOKKOS_FORCEINLINE_FUNCTION V near(V y) const {
    using Scalar     = typename V::value_type;
    Scalar const low = Scalar(lower), period = Scalar(2) * (Scalar(upper) - low);
    return y - V(period) * detail::ceil((y - V(low)) / V(period) - V(Scalar(0.5)));
  }
  template <class V>
  KOKKOS_FORCEINLINE_FUNCTION V point(V y) const {
    using Scalar     = typename V::value_type;
    Scalar const low = Scalar(lower), high = Scalar(upper);
    V const at = near(y);
    return clamp(where_less(at, V(low), V(low) + (V(low) - at), at), low, high);
  }
  template <class V>
  KOKKOS_FORCEINLINE_FUNCTION V slope(V y) const {
    using Scalar = typename V::value_type;
    return where_less(near(y), V(Scalar(lower)), V(Scalar(-1)), V(Scalar(1)));
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    detail::wall_fields(self, f);
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { detail::check_walls("basin::sampler::box::Reflecting", *this); }
};

/// No walls: upper is lower again, as for an angle.
struct Periodic {
  using axis   = box_axis;
  double lower = 0;  ///< units of x
  double upper = 1;  ///< units of x; > lower

  template <class V>
  KOKKOS_FORCEINLINE_FUNCTION V near(V y) const {
    using Scalar     = typename V::value_type;
    Scalar const low = Scalar(lower), high = Scalar(upper), period = high - low;
    V const turns = (y - V(low)) / V(period);
    V const above = where_less(V(high), y, detail::ceil(turns) - V(Scalar(1)), V(Scalar(0)));
    return y - V(period) * where_less(y, V(low), -detail::ceil(-turns), above);
  }
  template <class V>
  KOKKOS_FORCEINLINE_FUNCTION V point(V y) const {
    using Scalar = typename V::value_type;
    return clamp(near(y), Scalar(lower), Scalar(upper));
  }
  template <class V>
  KOKKOS_FORCEINLINE_FUNCTION V slope(V) const {
    return V(typename V::value_type(1));
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    detail::wall_fields(self, f);
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { detail::check_walls("basin::sampler::box::Periodic", *this); }
};

/// No walls for a chain that accepts or rejects: Boxed refuses it, with the reason. Bounds of Langevin,
/// which does neither, are its lower and upper.
struct Clamped {
  using axis                   = box_axis;
  static constexpr bool clamps = true;
  double lower = 0, upper = 1;  ///< units of x
};

}  // namespace box

template <class B>
concept FoldsCoordinates = requires(B const& box, tile::Simd<float, 1> y) {
  { box.near(y) } -> std::same_as<tile::Simd<float, 1>>;
  { box.point(y) } -> std::same_as<tile::Simd<float, 1>>;
  { box.slope(y) } -> std::same_as<tile::Simd<float, 1>>;
};

/// The requirements of a box policy as an error message.
template <class B>
struct check_box {
  static constexpr bool clamps = requires { requires B::clamps; };
  static_assert(
      !clamps,
      "basin::sampler: a clamp with accept or reject has another law than exp(-E / T): it "
      "moves proposals onto the wall, which the acceptance does not know, and states there "
      "get a mass of their own; write box::Reflecting or box::Periodic, or the lower and "
      "upper of sampler::Langevin, which neither accepts nor rejects.");
  static_assert(clamps || (has_axis<B, box_axis> && FoldsCoordinates<B>),
                "basin::sampler: a box is 'box::Reflecting', 'box::Periodic', or a policy with "
                "'using axis = basin::sampler::box_axis' and 'template <class V> KOKKOS_FUNCTION V "
                "near(V y) const', 'point' and 'slope' alike.");
  static constexpr bool value = has_axis<B, box_axis> && FoldsCoordinates<B>;
};

}  // namespace basin::sampler

#endif
