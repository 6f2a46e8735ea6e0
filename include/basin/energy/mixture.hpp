// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_MIXTURE_HPP
#define BASIN_ENERGY_MIXTURE_HPP

#include <basin/energy/detail/two.hpp>

namespace basin::energy {

/// -log(exp(-E_1(x)) + exp(-E_2(x) - b)): a mixture of two laws, with weights in the ratio Z_1 : Z_2
/// exp(-b); dE = r dE_1 + (1 - r) dE_2, r = sigmoid(E_2 + b - E_1). Of more than two: a mixture of
/// mixtures. Of each energy the value is needed for the gradient too.
template <class First, class Second>
class Mixture : public detail::Two<Mixture<First, Second>, First, Second> {
  using base             = detail::Two<Mixture, First, Second>;
  using Scalar           = typename First::scalar_type;
  static constexpr int D = First::dimension;
  static_assert(HasValueAndGradient<First> && HasValueAndGradient<Second>,
                "basin::energy::Mixture: both energies need 'value_and_gradient'.");

 public:
  // Rows of the first keep nothing for us: r has one of its own.
  static constexpr int own            = base::workspace_rows;
  static constexpr int workspace_rows = own + 1;

  Mixture() = default;
  /// \param offset  b
  KOKKOS_FUNCTION Mixture(First const& first, Second const& second, Scalar offset = 0)
      : base(first, second), offset_(offset) {}

  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    base::inside().energy(c, workspace);
    Scalar* const other = base::state_of_second(c, workspace);
    base::second().energy(c, other);
    mix(c, workspace, other);
  }
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace) const {
    value_and_gradient(c, workspace);
  }
  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const& c, Scalar* workspace) const {
    constexpr int size = Context::row_size;
    base::inside().value_and_gradient(c, workspace);
    Scalar* const other = base::state_of_second(c, workspace);
    base::second().value_and_gradient(c, other);
    mix(c, workspace, other);
    Scalar const* const r = workspace + own * size;
    Scalar* const to      = workspace + First::gradient_row * size;
    Scalar const* const g = other + Second::gradient_row * size;
    c.map(+D, [=](auto at) {
      auto const share = at.at(0).load(r), second = at.load(g);
      at.store(to, fma(share, at.load(to) - second, second));
    });
  }

  template <class Other>
  KOKKOS_FUNCTION auto around(Other const& other) const {
    return Mixture<Other, Second>(other, base::second(), offset_);
  }

 private:
  // E of the mixture, from the smaller one: E_s - log(1 + exp(-|E_1 - E_2 - b|)).
  template <class Context>
  KOKKOS_FUNCTION void mix(Context const& c, Scalar* workspace, Scalar const* other) const {
    using V                = typename Context::value_type;
    Scalar const b         = offset_;
    Scalar* const e        = workspace + First::energy_row * Context::row_size;
    Scalar const* const e2 = other + Second::energy_row * Context::row_size;
    Scalar* const r        = workspace + own * Context::row_size;
    c.map(1, [=](auto at) {
      V const one = at.load(e), two = at.load(e2) + V(b);
      at.store(r, sigmoid(two - one));
      at.store(e, where_less(one, two, one, two) - softplus(-abs(two - one)));
    });
  }

  Scalar offset_ = 0;
};

}  // namespace basin::energy

#endif
