// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_UPDATE_ORDER_HPP
#define BASIN_SAMPLER_UPDATE_ORDER_HPP

#include <basin/sampler/clip.hpp>

namespace basin::sampler {

struct order_axis {};

/// The operations of a step, in order.
enum class Op {
  noise,     ///< x <- x + sigma xi
  gradient,  ///< g <- dE/dx
  clip,      ///< g limited by the clip policy
  move,      ///< x <- x - alpha g
  clamp,     ///< x limited to [lower, upper]
};

/// The order of operations of one step. Published samplers differ in it, and so do their models.
///
/// Where move and noise follow one another, x is rounded once for both, x + fma(sigma, xi, -alpha
/// g): a move of less than half a unit in the last place of x, which alone would be lost, then acts
/// through the noise. Where a clamp or the gradient is between them x is rounded after each.
template <Op... ops>
struct UpdateOrder {
  using axis = order_axis;

  static constexpr int count(Op op) { return (0 + ... + int(ops == op)); }
  /// Index of the first op in the order, or -1.
  static constexpr int place(Op op) {
    int i = 0, found = -1;
    ((found = found < 0 && ops == op ? i : found, ++i), ...);
    return found;
  }
  static_assert(count(Op::gradient) == 1 && count(Op::move) == 1,
                "basin::sampler::UpdateOrder: write Op::gradient and Op::move once each.");
  static_assert(
      place(Op::gradient) < place(Op::move),
      "basin::sampler::UpdateOrder: Op::move needs the gradient; write Op::gradient before it.");
  static_assert(count(Op::noise) <= 1,
                "basin::sampler::UpdateOrder: write Op::noise at most once.");
  static_assert(
      count(Op::clip) == 0 || (count(Op::clip) == 1 && place(Op::gradient) < place(Op::clip) &&
                               place(Op::clip) < place(Op::move)),
      "basin::sampler::UpdateOrder: write Op::clip once, between Op::gradient and Op::move.");
};

/// Gradient, move and noise together, then the bounds.
using GradientFirst = UpdateOrder<Op::gradient, Op::clip, Op::move, Op::noise, Op::clamp>;

namespace detail {

// The options of a step in the energy's scalar.
template <class Scalar>
struct StepNumbers {
  Scalar step, noise, clip, lower, upper;
};

// The elementwise ops of a step on one vector: those before the gradient, or those from it on.
template <class Order, bool AfterGradient>
struct StepOps;
template <Op... ops, bool AfterGradient>
struct StepOps<UpdateOrder<ops...>, AfterGradient> {
  using order                 = UpdateOrder<ops...>;
  static constexpr int middle = order::place(Op::gradient);

  static KOKKOS_FUNCTION constexpr bool contains(Op op) {
    int i      = 0;
    bool found = false;
    ((found = found || (ops == op && (i > middle) == AfterGradient), ++i), ...);
    return found;
  }
  static constexpr bool empty = AfterGradient ? false : middle == 0;

  // Whether move and noise are one addition to x, and which of them makes it: the later.
  static constexpr bool fused = [] {
    int const noise = order::place(Op::noise), move = order::place(Op::move);
    int const from = noise < move ? noise : move, to = noise < move ? move : noise;
    if (!AfterGradient || noise < middle) return false;
    int i = 0, clamps = 0;
    ((clamps += ops == Op::clamp && i > from && i < to, ++i), ...);
    return clamps == 0;
  }();
  static constexpr Op later =
      order::place(Op::noise) < order::place(Op::move) ? Op::move : Op::noise;

  // x after the ops; g and z are read if the ops have move and noise. noisy: sigma > 0
  template <class Clip, bool noisy, class V, class Scalar>
  static KOKKOS_FORCEINLINE_FUNCTION V apply(V x, V g, V z, StepNumbers<Scalar> const& n) {
    int i = 0;
    (((i++ > middle) == AfterGradient ? (x = one<ops, Clip, noisy>(x, g, z, n)) : x), ...);
    return x;
  }

  // d/dg of what apply returns, element by element: 0 where the clip changes g, or a clamp x.
  template <class Clip, bool noisy, class V, class Scalar>
  static KOKKOS_FORCEINLINE_FUNCTION V slope(V x, V g, V z, StepNumbers<Scalar> const& n) {
    V const asked = g;
    V slope(Scalar(0));
    int i = 0;
    (((i++ > middle) == AfterGradient ? follow<ops, Clip, noisy>(x, g, z, asked, slope, n)
                                      : void()),
     ...);
    return slope;
  }

 private:
  template <Op op, class Clip, bool noisy, class V, class Scalar>
  static KOKKOS_FORCEINLINE_FUNCTION void follow(V& x, V& g, V z, V asked, V& slope,
                                                 StepNumbers<Scalar> const& n) {
    V const before         = x, zero(Scalar(0));
    x                      = one<op, Clip, noisy>(x, g, z, n);
    auto const where_equal = [&](V a, V b, V then) {
      return where_less(a, b, zero, where_less(b, a, zero, then));
    };
    if constexpr (op == Op::move) slope = where_equal(asked, g, V(-n.step));
    if constexpr (op == Op::clamp) slope = where_equal(before, x, slope);
  }

  template <Op op, class Clip, bool noisy, class V, class Scalar>
  static KOKKOS_FORCEINLINE_FUNCTION V one(V x, V& g, V z, StepNumbers<Scalar> const& n) {
    if constexpr (fused && noisy && (op == Op::noise || op == Op::move)) {
      if constexpr (op == later) return x + fma(V(n.noise), z, V(-n.step) * g);
      return x;
    }
    if constexpr (op == Op::noise) return fma(V(n.noise), z, x);
    if constexpr (op == Op::clip && sampler::ClipsElements<Clip>) g = Clip::element(g, n.clip);
    if constexpr (op == Op::move) return fma(V(-n.step), g, x);
    if constexpr (op == Op::clamp) return clamp(x, n.lower, n.upper);
    return x;
  }
};

}  // namespace detail

}  // namespace basin::sampler

#endif
