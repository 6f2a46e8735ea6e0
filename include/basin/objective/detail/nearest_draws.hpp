// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_DETAIL_NEAREST_DRAWS_HPP
#define BASIN_OBJECTIVE_DETAIL_NEAREST_DRAWS_HPP

#include <basin/tile/launch.hpp>

#include <Kokkos_Core.hpp>

#include <cmath>
#include <cstddef>
#include <numbers>

// The entropy of samples by their distances to draws of a buffer, exact nearest neighbors.
namespace basin::objective::detail {

/// psi(n) of an integer n > 0, the derivative of log Gamma.
inline double digamma(int n) {
  double sum = -std::numbers::egamma;
  for (int i = 1; i < n; ++i) sum += 1.0 / i;
  return sum;
}

/// log V_D + psi(m + 1) - psi(k): what D log rho needs to be an estimate of the entropy, rho the
/// distance to the k-th nearest of m points in D dimensions.
inline double entropy_offset(int dimension, int k, int m) {
  double const half = dimension / 2.0;
  return half * std::log(std::numbers::pi) - std::lgamma(half + 1) + digamma(m + 1) - digamma(k);
}

// Of each sample the k-th nearest draw, of equally near ones the first, without the slot that the
// sample came from.
template <class Scalar, int dimension, class Points>
struct NearestDraws {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = dimension;
  Points samples;          // (count, dimension)
  Points draws;            // (m, dimension)
  int const* slots;        // (count)
  int const* draw_slots;   // (m)
  int k;                   // < m
  Scalar weight;           // lambda
  Scalar of_all, of_rest;  // entropy_offset for m and for m - 1 draws
  Scalar* squares;         // (m, stride) of distances
  int stride;
  int* nearest;       // (count), -1: none
  Scalar* scales;     // (count) lambda / rho^2, 0 where rho is 0
  Scalar* entropies;  // (count)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar* x, int tile) const {
    constexpr int T      = Context::width;
    using V              = typename Context::value_type;
    NearestDraws const s = *this;
    int const count = static_cast<int>(samples.extent(0)), first = tile * T;
    int const m = static_cast<int>(draws.extent(0));
    c.load_chains(samples, first, count, +dimension, x);
    c.map(m, [=](auto at) {
      V sum(Scalar(0));
      for (int d = 0; d < dimension; ++d) {
        V const away = at.at(d).load(x) - V(s.draws(at.row, d));
        sum          = fma(away, away, sum);
      }
      tile::store(s.squares + static_cast<std::size_t>(at.row) * s.stride + first + at.lane, sum);
    });
    c.each(+T, [=](int t) {
      if (first + t < count) s.choose(first + t);
    });
  }

 private:
  KOKKOS_FUNCTION void choose(int n) const {
    int const m = static_cast<int>(draws.extent(0));
    Scalar last = -1;
    int found = -1, others = 0;
    for (int j = 0; j < m; ++j) others += draw_slots[j] != slots[n] ? 1 : 0;
    for (int rank = 0; rank < k; ++rank) {
      int best     = -1;
      Scalar least = 0;
      for (int j = 0; j < m; ++j) {
        Scalar const r = squares[static_cast<std::size_t>(j) * stride + n];
        if (draw_slots[j] == slots[n] || !(r > last || (r == last && j > found))) continue;
        if (best < 0 || r < least) best = j, least = r;
      }
      found = best, last = least;
      if (found < 0) break;  // NaN
    }
    constexpr Scalar tiny  = Kokkos::Experimental::norm_min_v<Scalar>;
    Scalar const square    = found < 0 ? Kokkos::Experimental::quiet_NaN_v<Scalar> : last;
    bool const apart       = square > tiny;
    Scalar const from_zero = square <= tiny ? tiny : square;
    nearest[n]             = found;
    scales[n]              = apart ? weight / square : Scalar(0);
    entropies[n] =
        Scalar(dimension) / 2 * Kokkos::log(from_zero) + (others == m ? of_all : of_rest);
  }
};

}  // namespace basin::objective::detail

#endif
