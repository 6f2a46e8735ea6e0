// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_DETAIL_TUNED_HPP
#define BASIN_SAMPLER_DETAIL_TUNED_HPP

#include <basin/sampler/adaptation.hpp>

// What the moves of samplers that tune themselves share: numbers that they read on the device.

namespace basin::sampler::detail {

/// Leapfrogs whose step size and scales are on the device.
template <class Scalar>
struct TunedLeapfrogs {
  static constexpr int own_rows           = 1;
  static constexpr bool couples           = false;
  static constexpr int step_column        = 3;  // h, after displacement, acceptance, divergences
  static constexpr int hamiltonian_column = 4;
  static constexpr double most            = 1000;
  Scalar const* size;     // (1)
  Scalar const* scales;   // (dimension)
  Scalar* probabilities;  // (chains)
  double length;

  KOKKOS_FORCEINLINE_FUNCTION Scalar step_size() const { return *size; }
  KOKKOS_FORCEINLINE_FUNCTION int count(Scalar h, double u) const { return count_of(length, h, u); }
  KOKKOS_FORCEINLINE_FUNCTION static int count_of(double longest, Scalar h, double u) {
    double const n = Kokkos::ceil(longest / static_cast<double>(h) * u);
    return static_cast<int>(n > 1 ? n < most ? n : double(most) : 1);
  }
  template <class V, class Place>
  KOKKOS_FORCEINLINE_FUNCTION V step_of(Scalar h, Place at) const {
    return V(h * scales[at.row]);
  }

  template <class Context>
  KOKKOS_FUNCTION void begin(Context const& c, Scalar* sum) const {
    using V = typename Context::value_type;
    c.map(1, [=](auto at) { at.store(sum, V(0)); });
  }
  // sum += min(1, exp(log_ratio)), 0 where it is NaN
  template <class Context>
  KOKKOS_FUNCTION void add(Context const& c, Scalar const* log_ratio, Scalar* sum) const {
    using V = typename Context::value_type;
    c.map(1, [=](auto at) {
      V const log_p = at.load(log_ratio);
      V const p = where_less(log_p, V(0), exp(log_p), where_less(V(Scalar(-1)), log_p, V(1), V(0)));
      at.store(sum, at.load(sum) + p);
    });
  }
  template <class Context, class Tile>
  KOKKOS_FUNCTION void end(Context const& c, Tile const& t, Scalar* sum) const {
    Scalar const share = Scalar(1) / static_cast<Scalar>(t.steps > 0 ? t.steps : 1), h = *size;
    Scalar* const out = probabilities;
    int const first = t.first, count = t.count;
    c.each(+Context::width, [=](int lane) {
      if (first + lane < count) out[first + lane] = share * sum[lane];
      sum[lane] = h;
    });
    t.store_column(c, step_column, sum);
  }
};

}  // namespace basin::sampler::detail

#endif
