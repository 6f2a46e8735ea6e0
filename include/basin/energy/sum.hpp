// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_SUM_HPP
#define BASIN_ENERGY_SUM_HPP

#include <basin/energy/detail/two.hpp>

namespace basin::energy {

/// E_1(x) + w E_2(x): a product of experts (Hinton 2002, Neural Computation 14, eq. 1) exp(-E_1)
/// exp(-w E_2); with w = -1 a difference. Of more than two: a sum of sums.
template <class First, class Second>
class Sum : public detail::Two<Sum<First, Second>, First, Second> {
  using base   = detail::Two<Sum, First, Second>;
  using Scalar = typename First::scalar_type;

 public:
  Sum() = default;
  /// \param weight  w
  KOKKOS_FUNCTION Sum(First const& first, Second const& second, Scalar weight = 1)
      : base(first, second), weight_(weight) {}

  template <int rows, class Context>
  KOKKOS_FUNCTION void combine(Context const& c, Scalar* first, Scalar const* second) const {
    using V        = typename Context::value_type;
    Scalar const w = weight_;
    c.map(+rows, [=](auto at) { at.store(first, fma(V(w), at.load(second), at.load(first))); });
  }

  template <class Other>
  KOKKOS_FUNCTION auto around(Other const& other) const {
    return Sum<Other, Second>(other, base::second(), weight_);
  }

 private:
  Scalar weight_ = 1;
};

}  // namespace basin::energy

#endif
