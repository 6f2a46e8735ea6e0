// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_WRAPPER_HPP
#define BASIN_ENERGY_WRAPPER_HPP

#include <basin/energy/derivatives.hpp>

namespace basin::energy {

/// Rows (rows, T) of a workspace = f(chain, row), for load_conditions: what belongs to each chain of a
/// tile. Lanes past the last chain repeat it.
template <class Context, class Scalar, class F>
KOKKOS_FORCEINLINE_FUNCTION void load_of_chains(Context const& c, Scalar* to, int rows, int first,
                                                int count, F const& f) {
  using V = typename Context::value_type;
  using P = typename V::simd_type;
  c.map(rows, [=, &f](auto at) {
    at.store(to, V(P::generate([&](int l) {
               int const chain = first + at.lane + l;
               return static_cast<Scalar>(f(chain < count ? chain : count - 1, at.row));
             })));
  });
}

/// Base of energies that modify another one: conditions, tethers, temperatures. It forwards
/// everything that kernels use of an energy, including copies of weights; Derived overrides a
/// member by hiding it. Derived declares additional rows as workspace_rows, after those of the
/// energy, and defines how it is rebuilt around another handle of the energy:
///
///   template <class Other> KOKKOS_FUNCTION auto around(Other const& other) const;
///
/// A wrapper is for sampling and evaluation; parameters are trained through the inner energy, which
/// reads the same conditions if they are its own.
///
/// \tparam E  an Energy
template <class Derived, class E>
class Wrapper {
 public:
  using scalar_type                   = typename E::scalar_type;
  using Scalar                        = scalar_type;
  static constexpr int dimension      = E::dimension;
  static constexpr int workspace_rows = E::workspace_rows;
  static constexpr int state_row      = E::state_row;
  static constexpr int gradient_row   = E::gradient_row;
  static constexpr int energy_row     = E::energy_row;
  static constexpr int smoothness     = smoothness_of<E>;

  static constexpr bool conditions_differ = basin::conditions_differ<E>;

  Wrapper() = default;
  KOKKOS_FUNCTION explicit Wrapper(E const& energy) : inside_(energy) {}

  KOKKOS_FUNCTION E const& inside() const { return inside_; }

  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    inside_.energy(c, workspace);
  }
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace) const {
    inside_.gradient(c, workspace);
  }
  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const& c, Scalar* workspace) const
    requires HasValueAndGradient<E>
  {
    inside_.value_and_gradient(c, workspace);
  }
  template <class Context>
  KOKKOS_FUNCTION void load_conditions(Context const& c, Scalar* workspace, int first,
                                       int count) const {
    basin::load_conditions(c, inside_, workspace, first, count);
  }

  // Copies of weights, see energy::pack and tile::weight_placement.
  template <tile::Tuning tuning>
    requires requires { E::template packed_numbers<tuning>; }
  static constexpr int packed_numbers = E::template packed_numbers<tuning>;
  template <class Context>
  KOKKOS_FUNCTION void pack(Context const& c, Scalar* packed) const {
    inside_.pack(c, packed);
  }
  KOKKOS_FUNCTION Derived staged(Scalar const* packed) const {
    return static_cast<Derived const&>(*this).around(inside_.staged(packed));
  }
  template <class Copies>
  KOKKOS_FUNCTION auto with_copies(Copies const& copies) const {
    return static_cast<Derived const&>(*this).around(inside_.with_copies(copies));
  }

 private:
  E inside_;
};

}  // namespace basin::energy

#endif
