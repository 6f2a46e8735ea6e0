// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_AT_CONDITION_HPP
#define BASIN_ENERGY_AT_CONDITION_HPP

#include <basin/energy/derivatives.hpp>

namespace basin::energy {

/// E(x, s) as an energy of x alone, at a value of its last coordinate, the condition s.
///
/// \tparam E  an Energy of a vector (x, s) of at least two coordinates
template <class E>
class AtCondition {
  static_assert(E::dimension > 1,
                "basin::energy::AtCondition: the energy needs a state and a condition, two "
                "coordinates or more.");

 public:
  using scalar_type                   = typename E::scalar_type;
  using Scalar                        = scalar_type;
  static constexpr int dimension      = E::dimension - 1;
  static constexpr int workspace_rows = E::workspace_rows;
  static constexpr int state_row      = E::state_row;
  static constexpr int gradient_row   = E::gradient_row;
  static constexpr int energy_row     = E::energy_row;
  static constexpr int smoothness     = smoothness_of<E>;

  AtCondition() = default;
  KOKKOS_FUNCTION AtCondition(E const& energy, Scalar condition)
      : energy_(energy), condition_(condition) {}

  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    set(c, workspace);
    energy_.energy(c, workspace);
  }
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace) const {
    set(c, workspace);
    energy_.gradient(c, workspace);
  }

 private:
  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION void set(Context const& c, Scalar* workspace) const {
    using V            = typename Context::value_type;
    Scalar* const s    = workspace + (E::state_row + dimension) * Context::row_size;
    Scalar const value = condition_;
    c.map(1, [=](auto at) { at.store(s, V(value)); });
  }

  E energy_;
  Scalar condition_ = 0;
};

}  // namespace basin::energy

#endif
