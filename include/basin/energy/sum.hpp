// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_SUM_HPP
#define BASIN_ENERGY_SUM_HPP

#include <basin/energy/detail/two.hpp>

namespace basin::energy {

/// E_1(x) + w E_2(x): a product of experts (Hinton 2002, Neural Computation 14, eq. 1) exp(-E_1)
/// exp(-w E_2); with w = -1 a difference. Of more than two: a sum of sums.
template <class First, class Second>
class Sum : public detail::Two<Sum<First, Second>, First, Second> {
  using base             = detail::Two<Sum, First, Second>;
  using Scalar           = typename First::scalar_type;
  static constexpr int D = First::dimension;

 public:
  Sum() = default;
  /// \param weight  w
  KOKKOS_FUNCTION Sum(First const& first, Second const& second, Scalar weight = 1)
      : base(first, second), weight_(weight) {}

  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    base::energy(c, workspace);
    Scalar* const other = base::state_of_second(c, workspace);
    base::second().energy(c, other);
    add_value(c, workspace, other);
  }
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace) const {
    base::gradient(c, workspace);
    Scalar* const other = base::state_of_second(c, workspace);
    base::second().gradient(c, other);
    add_slope(c, workspace, other);
  }
  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const& c, Scalar* workspace) const
    requires(HasValueAndGradient<First> && HasValueAndGradient<Second>)
  {
    base::value_and_gradient(c, workspace);
    Scalar* const other = base::state_of_second(c, workspace);
    base::second().value_and_gradient(c, other);
    add_value(c, workspace, other);
    add_slope(c, workspace, other);
  }

  template <class Other>
  KOKKOS_FUNCTION auto around(Other const& other) const {
    return Sum<Other, Second>(other, base::second(), weight_);
  }

 private:
  // rows of the first += w rows of the second
  template <int rows, class Context>
  KOKKOS_FUNCTION void add(Context const& c, Scalar* to, Scalar const* from) const {
    using V        = typename Context::value_type;
    Scalar const w = weight_;
    c.map(+rows, [=](auto at) { at.store(to, fma(V(w), at.load(from), at.load(to))); });
  }
  template <class Context>
  KOKKOS_FUNCTION void add_value(Context const& c, Scalar* workspace, Scalar const* other) const {
    add<1>(c, workspace + First::energy_row * Context::row_size,
           other + Second::energy_row * Context::row_size);
  }
  template <class Context>
  KOKKOS_FUNCTION void add_slope(Context const& c, Scalar* workspace, Scalar const* other) const {
    add<D>(c, workspace + First::gradient_row * Context::row_size,
           other + Second::gradient_row * Context::row_size);
  }

  Scalar weight_ = 1;
};

}  // namespace basin::energy

#endif
