// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_RESIDUAL_HPP
#define BASIN_OBJECTIVE_RESIDUAL_HPP

#include <basin/energy/concepts.hpp>
#include <basin/layer/elementwise.hpp>
#include <basin/sampler/noise_ladder.hpp>
#include <basin/tile/kept_products.hpp>

#include <cmath>

namespace basin::objective {

namespace detail {

// Conditions of a target of which the derivative has a residual, too.
template <class Target>
inline constexpr int residual_conditions = 0;
template <class Target>
  requires requires { +Target::residual_conditions; }
inline constexpr int residual_conditions<Target> = Target::residual_conditions;

}  // namespace detail

/// The fill (energy/fill.hpp) of objectives of the form
///
///   J = mean |r|^2 / 2,  r = a grad E(x~) - b
///
/// with x~ and b drawn for each sample, as in denoising score matching. With u = a r held fixed
/// dJ/dtheta = mean d/dtheta u.grad E: the fill evaluates grad E, stores |r|^2 / 2 as the loss of
/// the sample and returns the jets x~ + e u, which reuse the products of grad E.
///
/// \tparam Target  what is drawn: a struct that is copied into kernels, with
///
///   static constexpr int conditions;  // energy coordinates after those of the data
///   static constexpr int rows;        // its own, kept until the jets are computed
///   static constexpr int residual_conditions;  // optional, default 0: of the first so many
///                                     // conditions dE has an element of r, from row dimension on
///   // x (dimension, T) holds the data and gets x~; b (dimension, T) is written; own (rows, T)
///   template <class Values> KOKKOS_FUNCTION void draw(
///       Values const& v, int dimension, int first, Scalar* x, Scalar* b, Scalar* own) const;
///   // an element of r = a g - b, of u = a r, and of the conditions
///   template <class Place, class V> KOKKOS_FUNCTION V residual(
///       Place at, V g, V b, Scalar const* own) const;
///   template <class Place, class V> KOKKOS_FUNCTION V direction(
///       Place at, V r, Scalar const* own) const;
///   template <class V, class Place> KOKKOS_FUNCTION V condition(
///       Place at, Scalar const* own) const;
template <class E, class Points, class Target>
struct FillResidual {
  using Scalar                      = typename E::scalar_type;
  static constexpr int dimension    = E::dimension - Target::conditions;  // of the data
  static constexpr int residuals    = dimension + detail::residual_conditions<Target>;
  static constexpr int further_rows = (dimension + residuals + Target::rows + E::kept_rows + 1) / 2;
  Points points;  // (count, dimension)
  Target target;
  Scalar* losses;  // (count, padded to full tiles)

  template <class Context, class Energy>
  KOKKOS_FUNCTION auto operator()(Context const& c, Energy const& energy, Scalar* workspace,
                                  int first, Stream const& stream_of_pass) const {
    using P         = typename Context::value_type::simd_type;
    constexpr int T = Context::width, size = Context::row_size;
    Scalar* const x        = workspace + E::workspace_rows * size;  // (dimension, T)
    Scalar* const u        = x + dimension * T;                     // (residuals, T)
    Scalar* const own      = u + residuals * T;                     // (Target::rows, T)
    Scalar* const kept     = own + Target::rows * T;                // (kept_rows, T)
    Scalar* const state    = workspace + E::state_row * T;          // (E::dimension, T)
    Scalar const* const dx = workspace + E::gradient_row * T;       // (E::dimension, T)
    Scalar* const jet      = workspace + E::state_row * size;       // (E::dimension, 2, T)
    Scalar* const to       = losses + first;
    Target const drawn     = target;
    int const count        = static_cast<int>(points.extent(0));
    auto const v           = c.with_values();
    v.load_chains(points, first, count, +dimension, x);
    drawn.draw(v, +dimension, first, x, u, own);
    v.map(+E::dimension, [=](auto at) {
      at.store(state, at.row < dimension ? at.load(x) : drawn.template condition<P>(at, own));
    });
    load_conditions(v, energy, workspace, first, count);
    energy.gradient(tile::KeepsProducts(v, kept), workspace,
                    layer::Training{stream_of_pass, static_cast<std::uint32_t>(first)});
    v.map(+residuals,
          [=](auto at) { at.store(u, drawn.residual(at, at.load(dx), at.load(u), own)); });
    v.reduce(
        1, +residuals,
        [=](auto at) {
          P const r = at.load(u);
          return r * r;
        },
        [=](auto at, P sum) { tile::store(to + at.lane, P(Scalar(0.5)) * sum); });
    v.map(+E::dimension, [=](auto at) {
      Scalar* const here = jet + at.row * size + at.lane;
      tile::store(here, at.row < dimension ? at.load(x) : drawn.template condition<P>(at, own));
      tile::store(here + T,
                  at.row < residuals ? drawn.direction(at, at.load(u), own) : P(Scalar(0)));
    });
    load_conditions(c, energy, workspace, first, count);
    return tile::HasProducts(c, kept);
  }
};

/// r = grad E(x), no noise: the squared norm in exact score matching.
struct NoTarget {
  static constexpr int conditions = 0;
  static constexpr int rows       = 0;

  template <class Values, class Scalar>
  KOKKOS_FUNCTION void draw(Values const& v, int dimension, int, Scalar*, Scalar* b,
                            Scalar*) const {
    using V = typename Values::value_type;
    v.map(dimension, [=](auto at) { at.store(b, V(Scalar(0))); });
  }
  template <class Place, class V, class Scalar>
  KOKKOS_FUNCTION V residual(Place, V g, V b, Scalar const*) const {
    return g - b;
  }
  template <class Place, class V, class Scalar>
  KOKKOS_FUNCTION V direction(Place, V r, Scalar const*) const {
    return r;
  }
  template <class V, class Place, class Scalar>
  KOKKOS_FUNCTION V condition(Place, Scalar const*) const {
    return V(Scalar(0));
  }
};

/// x~ = x + sigma z, r = grad E(x~) - z / sigma, z ~ N(0, I), with one sigma for all.
template <class Scalar>
struct NoiseTarget {
  static constexpr int conditions = 0;
  static constexpr int rows       = 0;
  Scalar standard_deviation;  // sigma > 0
  Stream stream;              // of z

  template <class Values>
  KOKKOS_FUNCTION void draw(Values const& v, int dimension, int first, Scalar* x, Scalar* b,
                            Scalar*) const {
    Scalar const scale = standard_deviation;
    v.normal(dimension, stream.now(), static_cast<std::uint32_t>(first), [=](auto at, auto z) {
      decltype(z) const sigma(scale);
      at.store(x, fma(sigma, z, at.load(x)));
      at.store(b, z / sigma);
    });
  }
  template <class Place, class V>
  KOKKOS_FUNCTION V residual(Place, V g, V b, Scalar const*) const {
    return g - b;
  }
  template <class Place, class V>
  KOKKOS_FUNCTION V direction(Place, V r, Scalar const*) const {
    return r;
  }
  template <class V, class Place>
  KOKKOS_FUNCTION V condition(Place, Scalar const*) const {
    return V(Scalar(0));
  }
};

/// x~ = x + sigma z, r = sigma grad E(x~, log sigma) - z, with a level sigma of a ladder drawn
/// uniformly for each sample; the energy's last coordinate is log sigma.
template <class Scalar>
struct LadderTarget {
  static constexpr int conditions = 1;
  static constexpr int rows       = 2;  // sigma, log sigma
  Scalar log_first, log_ratio;          // of the levels
  int levels;
  Stream stream, level;  // of z, of the levels

  static LadderTarget at(sampler::NoiseLadder const& ladder, std::uint64_t seed, Step const& step) {
    return {static_cast<Scalar>(std::log(ladder.first)), static_cast<Scalar>(ladder.log_ratio()),
            ladder.levels, step.stream(seed, Purpose::direction),
            step.stream(seed, Purpose::level)};
  }

  template <class Values>
  KOKKOS_FUNCTION void draw(Values const& v, int dimension, int first, Scalar* x, Scalar* b,
                            Scalar* own) const {
    using P                 = typename Values::value_type;
    Scalar* const sigma     = own;
    Scalar* const log_sigma = own + Values::width;
    Stream const which      = level.now();
    LadderTarget const s    = *this;
    v.map(1, [=](auto at) {
      P const log_of = P::generate([&](int l) {
        std::uint32_t const chain = static_cast<std::uint32_t>(first + at.lane + l);
        std::uint64_t const word  = random_word(which, 0, chain);
        return fma(P(static_cast<Scalar>(word * static_cast<std::uint64_t>(s.levels) >> 32)),
                   P(s.log_ratio), P(s.log_first))[0];
      });
      at.store(log_sigma, log_of);
      at.store(sigma, tile::exp(log_of));
    });
    v.normal(dimension, stream.now(), static_cast<std::uint32_t>(first), [=](auto at, auto z) {
      at.store(x, fma(at.at(0).load(sigma), z, at.load(x)));
      at.store(b, z);
    });
  }
  template <class Place, class V>
  KOKKOS_FUNCTION V residual(Place at, V g, V b, Scalar const* own) const {
    return fma(at.at(0).load(own), g, -b);
  }
  template <class Place, class V>
  KOKKOS_FUNCTION V direction(Place at, V r, Scalar const* own) const {
    return at.at(0).load(own) * r;
  }
  template <class V, class Place>
  KOKKOS_FUNCTION V condition(Place at, Scalar const* own) const {
    return at.at(0).load(own + Place::width);
  }
};

}  // namespace basin::objective

#endif
