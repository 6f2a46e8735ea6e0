// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_CLIP_HPP
#define BASIN_SAMPLER_CLIP_HPP

#include <basin/core/policy.hpp>
#include <basin/tile/scaling.hpp>

#include <concepts>

namespace basin::sampler {

struct clip_axis {};

/// How a sampler limits dE/dx. A user-defined policy declares 'using axis = sampler::clip_axis' and
/// one of two functions over V, a vector with one value per chain; clip is the sampler's field:
///
///   template <class V, class Scalar> static KOKKOS_FUNCTION V element(V g, Scalar clip);
///   template <class V, class Scalar> static KOKKOS_FUNCTION V factor(V norm, Scalar clip);
///
/// The first returns the clipped element g of the gradient, the second the factor of a chain's
/// whole gradient, from |dE/dx|_2. Only the ratio of norm and clip matters: both may be in another
/// unit, where squares would leave the range of Scalar. Where the norm is above 2^40 clip, norm
/// times factor is taken to be what it is at 2^40 clip.
namespace clip {

/// The gradient unchanged.
struct None {
  using axis = clip_axis;
};

/// Every dE/dx_i limited to [-clip, clip].
struct PerElement {
  using axis = clip_axis;
  template <class V, class Scalar>
  static KOKKOS_FORCEINLINE_FUNCTION V element(V g, Scalar clip) {
    return clamp(g, Scalar(-clip), clip);
  }
};

/// dE/dx scaled down to the norm |dE/dx|_2 <= clip, for each chain separately.
struct PerSample {
  using axis = clip_axis;
  template <class V, class Scalar>
  static KOKKOS_FORCEINLINE_FUNCTION V factor(V norm, Scalar clip) {
    return where_less(V(clip), norm, V(clip) / norm, V(1));
  }
};

}  // namespace clip

/// A clip policy that changes elements, or the gradient of a chain as a whole.
template <class C>
concept ClipsElements = requires(tile::Simd<float, 1> g, float most) {
  { C::element(g, most) } -> std::same_as<tile::Simd<float, 1>>;
};
template <class C>
concept ClipsChains = requires(tile::Simd<float, 1> norm, float most) {
  { C::factor(norm, most) } -> std::same_as<tile::Simd<float, 1>>;
};

namespace detail {

// The clip of a whole gradient: (inverse g) factor; whether it changes g.
template <class V>
struct ChainClip {
  V inverse, factor, changes;  // changes: 1 or 0
};

template <class Clip, class V, class Scalar>
KOKKOS_FORCEINLINE_FUNCTION ChainClip<V> clip_chain(tile::ScaledNorm<V> const& of, Scalar clip) {
  V const one(Scalar(1)), zero(Scalar(0)), far(Scalar(0x1p40));
  V const plain = Clip::factor(of.norm, clip);
  // Where the norm has another unit: ratio to the clip, infinite if it overflows.
  V const ratio  = of.norm * (of.unit.size / V(clip));
  V const asked  = where_less(far, ratio, far, ratio);
  V const scaled = Clip::factor(asked, Scalar(1));
  V const by = where_less(ratio, far, of.unit.size * scaled, far * scaled * (V(clip) / of.norm));
  auto const choose = [&](V in_unit, V otherwise) {
    V const above = where_less(one, of.unit.size, otherwise, in_unit);
    return where_less(of.unit.size, one, otherwise, above);
  };
  return {of.unit.inverse, choose(plain, by), where_less(choose(plain, scaled), one, one, zero)};
}

}  // namespace detail

/// The requirements of a clip policy as an error message.
template <class C>
struct check_clip {
  static_assert(std::same_as<C, clip::None> || ClipsElements<C> || ClipsChains<C>,
                "basin::sampler: a clip policy needs 'template <class V, class Scalar> static "
                "KOKKOS_FUNCTION V element(V g, Scalar clip)' or '... V factor(V norm, Scalar "
                "clip)'.");
  static constexpr bool value = true;
};

}  // namespace basin::sampler

#endif
