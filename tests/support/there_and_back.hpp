// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_THERE_AND_BACK_HPP
#define BASIN_TESTS_SUPPORT_THERE_AND_BACK_HPP

#include <basin/energy/analytic.hpp>
#include <basin/sampler/hamiltonian.hpp>

#include <array>
#include <cstdint>

namespace basin::test {

/// A quartic well in three dimensions, without symmetries.
struct Quartic {
  using scalar_type              = double;
  static constexpr int dimension = 3;
  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[3], V (&dx)[3]) const {
    V sum(0);
    for (int d = 0; d < 3; ++d) {
      V const square = x[d] * x[d];
      dx[d]          = square * x[d] + x[(d + 1) % 3] * x[(d + 2) % 3];
      sum += V(0.25) * square * square;
    }
    return sum + x[0] * x[1] * x[2];
  }
};

/// n leapfrogs with p ~ N(0, 1), p -> -p, and n leapfrogs, which is where they began.
struct ThereAndBack {
  int steps = 1;
  int n     = 60;
  void check() const {}
  static constexpr std::array<basin::Quantity, 2> columns{
      {{"away", "x^2", "|x_n - x_0|^2"}, {"error", "", "|x - x_0|^2 + |p + p_0|^2 at the end"}}};

  template <class E>
  struct Move {
    static constexpr int D = E::dimension, rows = 4 * D + 2;
    int n;
    template <class Context, class Tile>
    KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int,
                              basin::Stream const& stream) const {
      using V            = typename Context::value_type;
      constexpr int T    = Context::width;
      using Leapfrogs    = basin::sampler::detail::FixedLeapfrogs<double>;
      double* const x    = t.x;
      double* const p    = t.rows;              // (D, T)
      double* const dx   = t.rows + D * T;      // (D, T)
      double* const x_0  = t.rows + 2 * D * T;  // (D, T)
      double* const p_0  = t.rows + 3 * D * T;  // (D, T)
      double* const sums = t.rows + 4 * D * T;  // (2, T)
      c.normal(D, stream, static_cast<std::uint32_t>(t.first), [=](auto at, auto z) {
        at.store(p, z);
        at.store(p_0, z);
        at.store(x_0, at.load(x));
      });
      t.energy.value_and_gradient(c, t.workspace);
      Leapfrogs const of{0.05, 0};
      for (int way = 0; way < 2; ++way) {
        double const* const slope = t.gradient;
        c.map(D, [=](auto at) { at.store(dx, at.load(slope)); });
        basin::sampler::detail::trajectory(c, t, of, n, 0.05, dx, p);
        c.map(D, [=](auto at) {
          at.store(p, -basin::sampler::detail::kicked<V>(of, at, 0.05, 0.5, slope, p));
        });
        c.reduce(
            1, D,
            [=](auto at) {
              V const off = at.load(x) - at.load(x_0), turned = at.load(p) - at.load(p_0);
              return way == 0 ? off * off : off * off + turned * turned;
            },
            [=](auto at, V sum) { at.at(way).store(sums, sum); });
      }
      t.store_column(c, 0, sums);
      t.store_column(c, 1, sums + T);
    }
  };
  template <class E>
  Move<E> move() const {
    return {n};
  }
};

}  // namespace basin::test

#endif
