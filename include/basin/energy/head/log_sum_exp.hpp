// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_HEAD_LOG_SUM_EXP_HPP
#define BASIN_ENERGY_HEAD_LOG_SUM_EXP_HPP

#include <basin/energy/head/single.hpp>
#include <basin/tile/jet.hpp>

namespace basin::energy::head {

namespace detail {

// log sum_y exp f_y of the outputs at a place; the maximum is subtracted first.
template <int outputs, class Place, class Scalar>
KOKKOS_FORCEINLINE_FUNCTION auto log_sum_exp(Place at, Scalar const* f) {
  using V  = typename Place::value_type;
  auto top = tile::coefficient(at.at(0).load(f), 0);
  for (int y = 1; y < outputs; ++y) {
    auto const fy = tile::coefficient(at.at(y).load(f), 0);
    top           = where_less(top, fy, fy, top);
  }
  V sum(Scalar(0));
  for (int y = 0; y < outputs; ++y) sum = sum + exp(at.at(y).load(f) - V(top));
  return V(top) + log(sum);
}

}  // namespace detail

/// E(x) = -log sum_y exp f_y(x): the marginal energy of a classifier with logits f, so that
/// p(x) = sum_y p(x, y) with p(x, y) proportional to exp f_y(x).
/// Source: Grathwohl et al. 2020, arXiv:1912.03263, eq. 6.
struct LogSumExp {
  static constexpr int rows          = 1;  // log sum_y exp f_y
  static constexpr int least_outputs = 2;

  template <int outputs, class Context, class Scalar>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar const* f, Scalar* rows, Scalar* e) const {
    c.map(1, [=](auto at) {
      auto const total = detail::log_sum_exp<outputs>(at, f);
      at.store(rows, total);
      at.store(e, -total);
    });
  }
  /// -p(y | x)
  template <class Place, class V, class Scalar>
  KOKKOS_FORCEINLINE_FUNCTION V slope(Place at, V f, Scalar const* rows) const {
    return -exp(f - at.at(0).load(rows));
  }
};

}  // namespace basin::energy::head

#endif
