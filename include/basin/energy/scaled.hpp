// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_SCALED_HPP
#define BASIN_ENERGY_SCALED_HPP

#include <basin/energy/wrapper.hpp>

namespace basin::energy {

namespace detail {

// The same factor for all chains.
template <class Scalar>
struct OneFactor {
  Scalar value = 1;
  OneFactor()  = default;
  KOKKOS_FUNCTION OneFactor(Scalar v) : value(v) {}
  KOKKOS_FUNCTION Scalar operator()(int) const { return value; }
};

}  // namespace detail

/// beta E(x), with a factor of each chain: a chain at temperature T = 1 / beta, a rung of a ladder of
/// temperatures, a weight in a product of experts.
///
/// \tparam Factors  gives beta of a chain as factors(chain), for example a View (chains); by default
///                  one number for all. Copied into kernels
template <class E, class Factors = detail::OneFactor<typename E::scalar_type>>
class Scaled : public Wrapper<Scaled<E, Factors>, E> {
  using base               = Wrapper<Scaled, E>;
  using Scalar             = typename E::scalar_type;
  static constexpr int own = E::workspace_rows;  // first of our rows

 public:
  static constexpr int workspace_rows     = own + 1;  // beta
  static constexpr bool conditions_differ = true;

  Scaled() = default;
  KOKKOS_FUNCTION Scaled(E const& energy, Factors const& factors)
      : base(energy), factors_(factors) {}

  template <class Context>
  KOKKOS_FUNCTION void load_conditions(Context const& c, Scalar* workspace, int first,
                                       int count) const {
    Factors const& factors = factors_;
    load_of_chains(c, workspace + own * Context::row_size, 1, first, count,
                   [&factors](int chain, int) { return factors(chain); });
    base::load_conditions(c, workspace, first, count);
  }

  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    base::energy(c, workspace);
    scale<1>(c, workspace, E::energy_row);
  }
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace) const {
    base::gradient(c, workspace);
    scale<E::dimension>(c, workspace, E::gradient_row);
  }
  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const& c, Scalar* workspace) const
    requires HasValueAndGradient<E>
  {
    base::value_and_gradient(c, workspace);
    scale<1>(c, workspace, E::energy_row);
    scale<E::dimension>(c, workspace, E::gradient_row);
  }

  template <class Other>
  KOKKOS_FUNCTION auto around(Other const& other) const {
    return Scaled<Other, Factors>(other, factors_);
  }

 private:
  template <int rows, class Context>
  KOKKOS_FUNCTION void scale(Context const& c, Scalar* workspace, int row) const {
    Scalar const* const beta = workspace + own * Context::row_size;
    Scalar* const numbers    = workspace + row * Context::row_size;
    c.map(+rows, [=](auto at) { at.store(numbers, at.at(0).load(beta) * at.load(numbers)); });
  }

  Factors factors_;  // (chains)
};

}  // namespace basin::energy

#endif
