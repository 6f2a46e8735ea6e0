// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_ELLIPTICAL_SLICE_HPP
#define BASIN_SAMPLER_ELLIPTICAL_SLICE_HPP

#include <basin/core/field.hpp>
#include <basin/sampler/chain.hpp>
#include <basin/sampler/detail/accept.hpp>
#include <basin/sampler/prior.hpp>
#include <basin/tile/random.hpp>
#include <basin/tile/tuning.hpp>

#include <array>
#include <cstdint>

namespace basin::sampler {

namespace detail {

template <class E, class Prior>
struct EllipticalSliceMove {
  using Scalar                     = typename E::scalar_type;
  static constexpr int D           = E::dimension;
  static constexpr int rows        = 2 * D + 14;
  static constexpr int exhausted   = 1;  // columns, see EllipticalSlice
  static constexpr int evaluations = 2;

  Prior prior;
  int proposals;

  template <class Context, class Tile>
  KOKKOS_FUNCTION void begin(Context const& c, Tile const& t) const {
    using V               = typename Context::value_type;
    constexpr int T       = Context::width;
    Scalar* const numbers = t.rows + 2 * D * T;  // (14, T), see step
    Scalar const* new_e   = t.value;
    t.energy.energy(c, t.workspace);
    c.map(1, [=](auto at) {
      at.store(numbers, at.load(new_e));
      at.at(1).store(numbers, V(0));
      at.at(2).store(numbers, V(0));
    });
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int, Stream const& stream) const {
    using V               = typename Context::value_type;
    constexpr int T       = Context::width;
    Scalar* const x       = t.x;                 // (D, T)
    Scalar* const old     = t.rows;              // (D, T) the current state
    Scalar* const nu      = t.rows + D * T;      // (D, T) the other axis of the ellipse
    Scalar* const numbers = t.rows + 2 * D * T;  // (14, T):
    // E, steps that found nothing, energies asked for, the level of -E, angle, its cosine and sine,
    // least and largest angle, 1 once a point is found, four uniform numbers
    Scalar* const angle       = numbers + 4 * T;  // (3, T)
    Scalar* const found       = numbers + 9 * T;  // (1, T)
    Scalar* const u           = numbers + 10 * T;
    Scalar const* const new_e = t.value;
    Prior const of            = prior;
    auto const first          = static_cast<std::uint32_t>(t.first);
    Stream draws              = stream;
    draws.purpose             = Purpose::sampler_accept;

    c.normal(D, stream, first, [=](auto at, auto z) {
      using Z = decltype(z);
      at.store(nu, Z(static_cast<Scalar>(of.standard_deviation(at.row))) * z);
      at.store(old, at.load(x));
    });
    c.uniform(2, draws, first, [=](auto at, auto drawn) { at.store(u, drawn); });
    c.map(1, [=](auto at) {
      V const turn  = V(static_cast<Scalar>(6.283185307179586));
      V const start = turn * at.at(1).load(u);
      at.at(3).store(numbers, log(at.load(u)) - at.load(numbers));
      put(at, angle, start);
      at.at(7).store(numbers, start - turn);
      at.at(8).store(numbers, start);
      at.store(found, V(0));
    });
    auto const propose = [&](int k) {
      c.map(D, [=](auto at) {
        V const cosine = at.at(1).load(angle), sine = at.at(2).load(angle);
        at.store(x, fma(cosine, at.load(old), sine * at.load(nu)));
      });
      t.energy.energy(c, t.workspace);
      // Words 0 and 1 of a chain are taken: the others are of block 1 on.
      c.map(1, [=](auto at) {
        V const zero(Scalar(0)), one(Scalar(1)), half(Scalar(0.5));
        if (k % 4 == 0) {
          V four[4];
          tile::uniform_block(draws, static_cast<std::uint32_t>(1 + k / 4),
                              first + static_cast<std::uint32_t>(at.lane), four);
          for (int i = 0; i < 4; ++i) at.at(i).store(u, four[i]);
        }
        V const before = at.load(found), now = at.load(angle);
        V const above = where_less(at.at(3).load(numbers), -at.load(new_e), one, zero);
        V const yes   = where_less(half, before, zero, above);
        V const still = where_less(half, before + yes, zero, one);
        at.at(2).store(numbers, at.at(2).load(numbers) + where_less(half, before, zero, one));
        at.store(numbers, where_less(half, yes, at.load(new_e), at.load(numbers)));
        at.store(found, before + yes);
        // The arc shrinks to the present state, at angle 0; a point that is found stays.
        V const low  = where_less(now, zero, now, at.at(7).load(numbers));
        V const high = where_less(now, zero, at.at(8).load(numbers), now);
        at.at(7).store(numbers, low);
        at.at(8).store(numbers, high);
        put(at, angle, where_less(half, still, fma(at.at(k % 4).load(u), high - low, low), now));
      });
    };
    if constexpr (decltype(c.team())::tuning.strategy == tile::Strategy::layerwise) {
      c.repeat(proposals, propose);
    } else {
      for (int k = 0; k < proposals && !all_found<T>(found); ++k) propose(k);
    }
    c.map(D, [=](auto at) { at.store(x, chosen(at, found, at.load(x), at.load(old))); });
    c.map(1, [=](auto at) {
      at.at(1).store(numbers, at.at(1).load(numbers) + (V(Scalar(1)) - at.load(found)));
    });
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void end(Context const& c, Tile const& t) const {
    constexpr int T       = Context::width;
    Scalar* const numbers = t.rows + 2 * D * T;
    store_share(c, t, exhausted, numbers + T);
    store_share(c, t, evaluations, numbers + 2 * T);
  }

 private:
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION static void put(Place at, Scalar* angle, V value) {
    at.store(angle, value);
    at.at(1).store(angle, cos(value));
    at.at(2).store(angle, sin(value));
  }
  // Every thread of a team reads all of the row: they agree.
  template <int T>
  KOKKOS_FORCEINLINE_FUNCTION static bool all_found(Scalar const* found) {
    bool all = true;
    for (int lane = 0; lane < T; ++lane) all = all && found[lane] > Scalar(0.5);
    return all;
  }
};

}  // namespace detail

/// Elliptical slice sampling of a Gaussian prior times exp(-E), the energy of a likelihood: no gradient,
/// no step size, and no proposal is lost.
///
///   law proportional to  prod_d N(x_d; 0, s_d^2)  exp(-E(x))
///   nu ~ N(0, s^2),  ln y = -E(x) + ln u,  x' = x cos a + nu sin a,  a uniform on a circle,
///   of which at every x' with -E(x') <= ln y the part behind it, seen from a = 0, is cut off
///
/// Source: Murray, Adams and MacKay 2010, AISTATS, figure 2. A step tries at most 'proposals' points;
/// one that finds none keeps its state, which leaves the law as it is, and is counted in the column
/// 'exhausted': a step with k points has the same density as its reverse with k. A chain whose E is
/// NaN finds none. A tile of chains goes on until each of its chains has found its point.
///
/// \tparam Prior  prior::Isotropic or prior::Diagonal<Scalar>: of s_d
template <class Prior = prior::Isotropic>
struct EllipticalSlice {
  static_assert(check_prior<Prior>::value);

  int steps     = 60;  ///< K, moves of each chain per call; in [0, 2^20]
  int proposals = 50;  ///< most points of an ellipse that a step tries; >= 1
  Prior prior{};

  static constexpr std::array<Quantity, 3> columns{
      {{"displacement", "x", "mean |x_K - x_0|_2 of the chains"},
       {"exhausted", "1", "share of steps that tried 'proposals' points and kept the state"},
       {"evaluations", "1", "points that a step tried, mean"}}};
  /// Its prior knows no walls, see Boxed.
  static constexpr bool mirrors = false;

  double effective_temperature() const { return 1; }

  /// \throws std::invalid_argument if the prior is of another dimension
  template <class E>
  detail::EllipticalSliceMove<E, Prior> move() const {
    prior.check(+E::dimension);
    return {prior, proposals};
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "moves of each chain per call"}, self.steps,
      range::closed(0, 1 << steps_bits));
    f(Field{"proposals", "1", "most points of an ellipse that a step tries"}, self.proposals,
      range::at_least(1));
    f.nested("prior", self.prior);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::EllipticalSlice", *this); }
};

}  // namespace basin::sampler

#endif
