// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_CLIP_HPP
#define BASIN_SAMPLER_CLIP_HPP

#include <basin/core/policy.hpp>
#include <basin/tile/simd.hpp>

#include <concepts>

namespace basin::sampler {

struct clip_axis {};

/// How a sampler limits dE/dx. A policy of a user's own names 'using axis = sampler::clip_axis' and
/// has one of two functions, over V, a vector of values of as many chains; clip is the sampler's
/// field:
///
///   template <class V, class Scalar> static KOKKOS_FUNCTION V element(V g, Scalar clip);
///   template <class V, class Scalar> static KOKKOS_FUNCTION V factor(V norm, Scalar clip);
///
/// The first gives what an element g of the gradient becomes, the second what the whole gradient of
/// a chain is multiplied by, from |dE/dx|_2; norm and clip come in the same unit, so that squares
/// stay finite: only their ratio counts.
namespace clip {

/// The gradient as it is.
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

/// dE/dx scaled down to the norm |dE/dx|_2 <= clip, for each chain alone.
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

/// The requirements of a clip policy as a sentence.
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
