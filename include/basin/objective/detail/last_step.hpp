// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_DETAIL_LAST_STEP_HPP
#define BASIN_OBJECTIVE_DETAIL_LAST_STEP_HPP

#include <basin/energy/concepts.hpp>
#include <basin/sampler/chain.hpp>
#include <basin/tile/kept_products.hpp>

namespace basin::objective::detail {

// The fill (energy/fill.hpp) of
//
//   sum_n w_n (kappa E_sg(x_n) - lambda log |x_n - b_n|)
//
// through the last step of the sampler that led from x' to x, with x', b and the theta of E_sg held
// fixed: the jets y + e u, with y where that step asks for its gradient and u its pull-back of
// dL/dx. They reuse the products of the gradient at y.
template <class E, class Points, class Move>
struct FillLastStep {
  using Scalar                      = typename E::scalar_type;
  static constexpr int dimension    = E::dimension;
  static constexpr int own_rows     = Move::rows > 1 ? Move::rows : 1;
  static constexpr int further_rows = (2 * dimension + own_rows + E::kept_rows + 1) / 2;
  Points samples;        // (count, dimension) x
  Points before;         // (count, dimension) x'
  Points draws;          // (m, dimension) b
  int const* nearest;    // (count) of b, -1: none; null: none at all
  Scalar const* scales;  // (count) lambda / |x - b|^2
  Scalar kappa;
  Move move;
  int steps;
  Stream stream;  // of the sampler

  template <class Context, class Energy>
  KOKKOS_FUNCTION auto operator()(Context const& c, Energy const& energy, Scalar* workspace,
                                  int first, Stream const&) const {
    using P         = typename Context::value_type::simd_type;
    constexpr int T = Context::width, size = Context::row_size;
    Scalar* const v      = workspace + E::workspace_rows * size;  // (dimension, T)
    Scalar* const y      = v + dimension * T;                     // (dimension, T)
    Scalar* const own    = y + dimension * T;                     // (own_rows, T)
    Scalar* const kept   = own + own_rows * T;                    // (kept_rows, T)
    Scalar* const state  = workspace + E::state_row * T;          // (dimension, T)
    Scalar* const dx     = workspace + E::gradient_row * T;       // (dimension, T)
    Scalar* const jet    = workspace + E::state_row * size;       // (dimension, 2, T)
    int const count      = static_cast<int>(samples.extent(0));
    FillLastStep const s = *this;
    auto const values    = c.with_values();
    values.load_chains(samples, first, count, +dimension, state);
    load_conditions(values, energy, workspace, first, count);
    energy.gradient(values, workspace);
    values.map(+dimension, [=](auto at) {
      P g = P(s.kappa) * at.load(dx);
      if (s.nearest) {
        auto const chain = [=](int l) {
          int const n = first + at.lane + l;
          return n < count ? n : count - 1;
        };
        P const scale = P::generate([&](int l) { return s.scales[chain(l)]; });
        P const b     = P::generate([&](int l) {
          int const j = s.nearest[chain(l)];
          return s.draws(j < 0 ? 0 : j, at.row);
        });
        g             = fma(-scale, at.load(state) - b, g);
      }
      at.store(v, g);
    });
    values.load_chains(before, first, count, +dimension, state);
    load_conditions(values, energy, workspace, first, count);
    sampler::ChainTile<Energy, 0> const chains{
        energy, workspace, state, dx, workspace + E::energy_row * T, own, first, count, steps, {}};
    Stream last = stream.now();
    last.step += static_cast<std::uint64_t>(steps - 1);
    move.pull_back(tile::KeepsProducts(values, kept), chains, last, v);
    values.map(+dimension, [=](auto at) { at.store(y, at.load(state)); });
    values.map(+dimension, [=](auto at) {
      Scalar* const here = jet + at.row * size + at.lane;
      tile::store(here, at.load(y));
      tile::store(here + T, at.load(v));
    });
    load_conditions(c, energy, workspace, first, count);
    return tile::HasProducts(c, kept);
  }
};

}  // namespace basin::objective::detail

#endif
