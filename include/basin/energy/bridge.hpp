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
  using base             = detail::Two<Bridge, From, To>;
  using Scalar           = typename From::scalar_type;
  static constexpr int D = From::dimension;

 public:
  Bridge() = default;
  /// \param beta  in [0, 1]
  KOKKOS_FUNCTION Bridge(From const& from, To const& to, Scalar beta)
      : base(from, to), beta_(beta) {}

  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    base::energy(c, workspace);
    Scalar* const other = base::state_of_second(c, workspace);
    base::second().energy(c, other);
    blend_values(c, workspace, other);
  }
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace) const {
    base::gradient(c, workspace);
    Scalar* const other = base::state_of_second(c, workspace);
    base::second().gradient(c, other);
    blend_slopes(c, workspace, other);
  }
  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const& c, Scalar* workspace) const
    requires(HasValueAndGradient<From> && HasValueAndGradient<To>)
  {
    base::value_and_gradient(c, workspace);
    Scalar* const other = base::state_of_second(c, workspace);
    base::second().value_and_gradient(c, other);
    blend_values(c, workspace, other);
    blend_slopes(c, workspace, other);
  }

  template <class Other>
  KOKKOS_FUNCTION auto around(Other const& other) const {
    return Bridge<Other, To>(other, base::second(), beta_);
  }

 private:
  template <int rows, class Context>
  KOKKOS_FUNCTION void blend(Context const& c, Scalar* to, Scalar const* other) const {
    using V           = typename Context::value_type;
    Scalar const beta = beta_;
    c.map(+rows, [=](auto at) {
      V const zero = at.load(to), one = at.load(other);
      at.store(to, beta == 0 ? zero : beta == 1 ? one : fma(V(1 - beta), zero, V(beta) * one));
    });
  }
  template <class Context>
  KOKKOS_FUNCTION void blend_values(Context const& c, Scalar* workspace,
                                    Scalar const* other) const {
    blend<1>(c, workspace + From::energy_row * Context::row_size,
             other + To::energy_row * Context::row_size);
  }
  template <class Context>
  KOKKOS_FUNCTION void blend_slopes(Context const& c, Scalar* workspace,
                                    Scalar const* other) const {
    blend<D>(c, workspace + From::gradient_row * Context::row_size,
             other + To::gradient_row * Context::row_size);
  }

  Scalar beta_ = 0;
};

}  // namespace basin::energy

#endif
