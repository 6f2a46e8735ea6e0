// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_BOXED_HPP
#define BASIN_SAMPLER_BOXED_HPP

#include <basin/core/check.hpp>
#include <basin/sampler/adaptation.hpp>
#include <basin/sampler/box.hpp>
#include <basin/sampler/chain.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace basin::sampler {

namespace detail {

// E(point(y)) as an energy of y, in the workspace of E: while E works, y is in rows of its own.
template <class E, class Box>
struct FoldedEnergy {
  using scalar_type              = typename E::scalar_type;
  using Scalar                   = scalar_type;
  static constexpr int dimension = E::dimension;

  E const& inside;
  Box box;
  Scalar* line;  // (dimension, T) y

  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    fold(c, workspace);
    inside.energy(c, workspace);
    unfold<false>(c, workspace);
  }
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace) const {
    fold(c, workspace);
    inside.gradient(c, workspace);
    unfold<true>(c, workspace);
  }
  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const& c, Scalar* workspace) const {
    fold(c, workspace);
    inside.value_and_gradient(c, workspace);
    unfold<true>(c, workspace);
  }

 private:
  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION void fold(Context const& c, Scalar* workspace) const {
    using V         = typename Context::value_type;
    Scalar* const x = workspace + E::state_row * Context::width;
    Scalar* const y = line;
    Box const of    = box;
    c.map(+E::dimension, [=](auto at) {
      V const now = at.load(x);
      at.store(y, now);
      at.store(x, of.point(now));
    });
  }
  template <bool Gradient, class Context>
  KOKKOS_FORCEINLINE_FUNCTION void unfold(Context const& c, Scalar* workspace) const {
    using V               = typename Context::value_type;
    Scalar* const x       = workspace + E::state_row * Context::width;
    Scalar* const dx      = workspace + E::gradient_row * Context::width;
    Scalar const* const y = line;
    Box const of          = box;
    // Where rows of E are those of the state, it has kept them, and they come last.
    if constexpr (Gradient)
      c.map(+E::dimension, [=](auto at) {
        V const before = at.load(y);
        at.store(dx, of.slope(before) * at.load(dx));
      });
    c.map(+E::dimension, [=](auto at) { at.store(x, at.load(y)); });
  }
};

// The move of another sampler, on the whole line; chains are in the box before and after it.
template <class Inner, class E, class Box>
struct BoxedMove {
  using Scalar                  = typename E::scalar_type;
  static constexpr int D        = E::dimension;
  static constexpr int line_row = Inner::rows > 1 ? Inner::rows : 1;
  static constexpr int rows     = line_row + D;

  Inner inner;
  Box box;

  template <class Context, class Tile>
  KOKKOS_FUNCTION void begin(Context const& c, Tile const& t) const {
    if constexpr (NamesBegin<Inner>)
      on_line(c, t, [&](auto const& folded) { inner.begin(c, folded); });
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int k, Stream const& stream) const {
    using V      = typename Context::value_type;
    Box const of = box;
    if (k == t.steps - 1 && t.outputs.before_last) fold_before_last(c, t);
    on_line(c, t, [&](auto const& folded) { inner.step(c, folded, k, stream); });
    // A period changes neither E nor momenta, and far from the box x would lose digits.
    Scalar* const x = t.x;
    c.map(D, [=](auto at) { at.store(x, V(of.near(at.load(x)))); });
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void end(Context const& c, Tile const& t) const {
    using V         = typename Context::value_type;
    Box const of    = box;
    Scalar* const x = t.x;
    if constexpr (NamesEnd<Inner>) on_line(c, t, [&](auto const& folded) { inner.end(c, folded); });
    c.map(D, [=](auto at) { at.store(x, V(of.point(at.load(x)))); });
  }

 private:
  template <class Context, int n, class F>
  KOKKOS_FORCEINLINE_FUNCTION void on_line(Context const&, ChainTile<E, n> const& t,
                                           F const& f) const {
    FoldedEnergy<E, Box> const energy{t.energy, box, t.rows + line_row * Context::width};
    f(ChainTile<FoldedEnergy<E, Box>, n>{energy, t.workspace, t.x, t.gradient, t.value, t.rows,
                                         t.first, t.count, t.steps, t.outputs});
  }

  template <class Context, class Tile>
  KOKKOS_FORCEINLINE_FUNCTION void fold_before_last(Context const& c, Tile const& t) const {
    using One         = tile::Simd<Scalar, 1>;
    Scalar* const out = t.outputs.before_last;
    int const first = t.first, count = t.count;
    Box const of = box;
    c.each(D * Context::width, [=](int i) {
      int const d = i / Context::width, lane = i % Context::width;
      if (first + lane >= count) return;
      Scalar& x = out[static_cast<std::size_t>(first + lane) * D + d];
      x         = of.point(One(x))[0];
    });
  }
};

// The requirements of Boxed as error messages.
template <class S, class Box>
struct check_boxed {
  static constexpr bool named = NamesSteps<S>;
  static_assert(named,
                "basin::sampler::Boxed: the sampler inside is none; write for example "
                "Boxed<sampler::Mala, sampler::box::Reflecting>.");
  static constexpr bool mirrors = !requires { requires !S::mirrors; };
  static_assert(
      mirrors,
      "basin::sampler::Boxed: in a mirrored coordinate the proposals of this sampler would "
      "be others, so that walls would change its law; write for example "
      "sampler::Hamiltonian or sampler::AdaptiveHamiltonian.");
  static constexpr bool value = named && mirrors && check_box<Box>::value;
};

}  // namespace detail

/// Another sampler in a box [lower, upper]^D, whose walls reflect, or which is periodic:
///
///   Boxed<Mala, box::Reflecting>{{.steps = 5}, {.lower = -1, .upper = 1}}
///
/// has the law of exp(-E / T) within the box. The sampler runs on the whole line on E(x(y)), where
/// x(y) is the point of the box that y stands for: with mirrors E is continued as an even function at
/// each wall, which is to mirror x and to flip its momentum. All kernels of basin that are symmetric
/// stay so, volumes are kept, leapfrogs can be reversed; a clamp would do neither. Chains that start
/// outside of the box are folded into it. Columns, state and temperature are those of the sampler.
/// E is only asked for points of the box.
///
/// \tparam S    a sampler that is a move, whose proposals do not change in a mirrored coordinate
/// \tparam Box  box::Reflecting or box::Periodic
template <class S, class Box = box::Reflecting>
struct Boxed : S {
  static_assert(detail::check_boxed<S, Box>::value);

  Box box{};

  template <class E>
    requires HasMove<S, E>
  auto move() const {
    using Inner = decltype(S::template move<E>());
    return detail::BoxedMove<Inner, E, Box>{S::template move<E>(), box};
  }
  template <class E, class State>
    requires TunesItself<S, E, State>
  auto tuned_move(State const& state) const {
    using Inner = decltype(S::template tuned_move<E>(state));
    return detail::BoxedMove<Inner, E, Box>{S::template tuned_move<E>(state), box};
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    S::fields(self, f);
    f.nested("box", self.box);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    S::check();
    check_numbers(box);
    if constexpr (requires(S const& s) { s.lower, s.upper; })
      if (!std::isinf(this->lower) || !std::isinf(this->upper))
        refuse("basin::sampler::Boxed", "the sampler inside clamps to ", this->lower, " and ",
               this->upper, "; leave its lower and upper out, the box has its own");
  }
};

}  // namespace basin::sampler

#endif
