// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_HEAD_DIVERGENCE_HPP
#define BASIN_ENERGY_HEAD_DIVERGENCE_HPP

#include <basin/energy/head/log_sum_exp.hpp>

namespace basin::energy::head {

/// The Kullback-Leibler divergence sum_y p(y | x) log(p(y | x) / q_y) of a classifier's p(y | x) from
/// given shares q of the classes, as the value whose gradient is recorded, with q held fixed.
template <class Number>
struct Divergence {
  static constexpr int rows          = 2;  // log sum_y exp f_y, the divergence
  static constexpr int least_outputs = 2;

  Number const* log_shares = nullptr;  ///< (outputs) log q; reachable from the kernels

  template <int outputs, class Context, class Scalar>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar const* f, Scalar* rows, Scalar* e) const {
    Number const* const log_q = log_shares;
    c.map(1, [=](auto at) {
      using V          = decltype(at.load(f));
      auto const total = detail::log_sum_exp<outputs>(at, f);
      V sum(Scalar(0));
      for (int y = 0; y < outputs; ++y) {
        V const log_p = at.at(y).load(f) - total;
        sum           = sum + exp(log_p) * (log_p - V(static_cast<Scalar>(log_q[y])));
      }
      at.store(rows, total);
      at.at(1).store(rows, sum);
      at.store(e, sum);
    });
  }
  /// p(y | x) (log(p(y | x) / q_y) - the divergence)
  template <class Place, class V, class Scalar>
  KOKKOS_FORCEINLINE_FUNCTION V slope(Place at, V f, Scalar const* rows) const {
    V const log_p = f - at.at(0).load(rows);
    return exp(log_p) * (log_p - V(static_cast<Scalar>(log_shares[at.row])) - at.at(1).load(rows));
  }
};

}  // namespace basin::energy::head

#endif
