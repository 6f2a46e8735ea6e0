// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_WEIGHTED_LANGEVIN_HPP
#define BASIN_SAMPLER_WEIGHTED_LANGEVIN_HPP

#include <basin/core/field.hpp>
#include <basin/sampler/chain.hpp>

#include <array>
#include <cmath>

namespace basin::sampler {

/// Langevin sampling without an accept-reject step that reports how much less likely its way was
/// forward than back, with which weights correct what the steps leave of the law exp(-E):
///
///   x_(k+1) = x_k - alpha g_k + sqrt(2 alpha) xi,  g_k = dE/dx (x_k),  xi ~ N(0, I)
///   log_ratio = sum_k log q(x_k | x_(k+1)) / q(x_(k+1) | x_k),  q(y | x) = N(y; x - alpha g(x), 2 alpha)
///             = sum_k (x_(k+1) - x_k).(g_k + g_(k+1)) / 2 + alpha (|g_0|^2 - |g_K|^2) / 4
///
/// If x_0 counts w(x_0) in the law exp(-E), x_K counts w exp(E(x_0) - E(x_K) + log_ratio), without a
/// bias of the step. Source: Nilmeier, Crooks, Minh and Chodera 2011, PNAS 108, E1009; in training
/// Carbone, Hua, Coste and Vanden-Eijnden 2023, arXiv:2305.19414. One gradient more than steps. There
/// are no clip, clamp and noise of its own: the ways back of such steps have another probability.
struct WeightedLangevin {
  int steps        = 60;    ///< K, moves of each chain per call; in [0, 2^20]
  double step_size = 1e-2;  ///< alpha, units of x^2 / E; > 0

  static constexpr std::array<Quantity, 2> columns{
      {{"displacement", "x", "mean |x_K - x_0|_2 of the chains"},
       {"log_ratio", "1", "log q(back) / q(forward) of the steps"}}};

  double effective_temperature() const { return 1; }

  /// What is copied to the device.
  template <class E>
  struct Move {
    using Scalar              = typename E::scalar_type;
    static constexpr int D    = E::dimension;
    static constexpr int rows = 2 * D + 1;  // log_ratio, the last move, the sum of the last two

    Scalar step_size, noise;

    template <class Context, class Tile>
    KOKKOS_FUNCTION void begin(Context const& c, Tile const& t) const {
      using V           = typename Context::value_type;
      Scalar* const own = t.rows;
      c.map(+rows, [=](auto at) { at.store(own, V(0)); });
    }

    template <class Context, class Tile>
    KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int k, Stream const& stream) const {
      constexpr int T        = Context::width;
      Scalar* const x        = t.x;            // (D, T)
      Scalar* const moved    = t.rows + T;     // (D, T)
      Scalar* const both     = moved + D * T;  // (D, T)
      Scalar const* const dx = t.gradient;     // (D, T)
      Scalar const alpha = step_size, sigma = noise;
      t.energy.gradient(c, t.workspace);
      c.normal(+D, stream, static_cast<std::uint32_t>(t.first), [=](auto at, auto z) {
        using Z      = decltype(z);
        Z const step = fma(Z(sigma), z, Z(-alpha) * at.load(dx));
        at.store(both, at.load(moved) + step);
        at.store(moved, step);
        at.store(x, at.load(x) + step);
      });
      add(c, t, both, k == 0 ? alpha / 4 : Scalar(0));
    }

    template <class Context, class Tile>
    KOKKOS_FUNCTION void end(Context const& c, Tile const& t) const {
      if (t.steps > 0) {
        t.energy.gradient(c, t.workspace);
        add(c, t, t.rows + Context::width, -step_size / 4);
      }
      t.store_column(c, log_ratio, t.rows);
    }

   private:
    static constexpr int log_ratio = 1;  // column

    // log_ratio += moved.g / 2 + factor |g|^2
    template <class Context, class Tile>
    KOKKOS_FUNCTION void add(Context const& c, Tile const& t, Scalar const* moved,
                             Scalar factor) const {
      using V                = typename Context::value_type;
      Scalar* const sum      = t.rows;
      Scalar const* const dx = t.gradient;
      c.reduce(
          1, +D,
          [=](auto at) {
            V const g = at.load(dx);
            return g * fma(V(factor), g, V(Scalar(0.5)) * at.load(moved));
          },
          [=](auto at, V more) { at.store(sum, at.load(sum) + more); });
    }
  };
  template <class E>
  Move<E> move() const {
    using Scalar = typename E::scalar_type;
    return {static_cast<Scalar>(step_size), static_cast<Scalar>(std::sqrt(2 * step_size))};
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "moves of each chain per call"}, self.steps,
      range::closed(0, 1 << steps_bits));
    f(Field{"step_size", "x^2 / E", "alpha, size of a step"}, self.step_size,
      range::above(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::WeightedLangevin", *this); }
};

}  // namespace basin::sampler

#endif
