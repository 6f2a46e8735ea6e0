// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_BRIDGE_HPP
#define BASIN_ENERGY_BRIDGE_HPP

#include <basin/energy/detail/two.hpp>

namespace basin::energy {

/// (1 - beta) E_0(x) + beta E_1(x): the geometric path from one law to another, for annealed importance
/// sampling (Neal 2001, Statistics and Computing 11, eq. 3). At beta = 0 and 1 one energy alone
/// counts, also where the other is infinite.
template <class From, class To>
class Bridge : public detail::Two<Bridge<From, To>, From, To> {
  using base   = detail::Two<Bridge, From, To>;
  using Scalar = typename From::scalar_type;

 public:
  Bridge() = default;
  /// \param beta  in [0, 1]
  KOKKOS_FUNCTION Bridge(From const& from, To const& to, Scalar beta)
      : base(from, to), beta_(beta) {}

  template <int rows, class Context>
  KOKKOS_FUNCTION void combine(Context const& c, Scalar* from, Scalar const* to) const {
    using V           = typename Context::value_type;
    Scalar const beta = beta_;
    c.map(+rows, [=](auto at) {
      V const zero = at.load(from), one = at.load(to);
      at.store(from, beta == 0 ? zero : beta == 1 ? one : fma(V(1 - beta), zero, V(beta) * one));
    });
  }

  template <class Other>
  KOKKOS_FUNCTION auto around(Other const& other) const {
    return Bridge<Other, To>(other, base::second(), beta_);
  }

 private:
  Scalar beta_ = 0;
};

}  // namespace basin::energy

#endif
