// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_CONDITIONAL_HPP
#define BASIN_ENERGY_CONDITIONAL_HPP

#include <basin/energy/wrapper.hpp>

namespace basin::energy {

/// E(x, s) as an energy of x alone, with k condition coordinates s of each chain: log sigma of a
/// noise level, a temperature, a parameter of a simulation.
///
/// \tparam E       an Energy of a vector (x, s) of more than k coordinates, s the last k
/// \tparam k       conditions per chain
/// \tparam Source  gives condition j of a chain as source(chain, j), for example a View
///                 (chains, k); copied into kernels
template <class E, int k, class Source>
class Conditional : public Wrapper<Conditional<E, k, Source>, E> {
  using base = Wrapper<Conditional, E>;
  static_assert(
      k > 0 && E::dimension > k,
      "basin::energy::Conditional: the energy needs a state and k conditions, more than k "
      "coordinates.");

 public:
  using Scalar                   = typename E::scalar_type;
  static constexpr int dimension = E::dimension - k;

  static constexpr bool conditions_differ = true;

  Conditional() = default;
  KOKKOS_FUNCTION Conditional(E const& energy, Source const& source)
      : base(energy), source_(source) {}

  template <class Context>
  KOKKOS_FUNCTION void load_conditions(Context const& c, Scalar* workspace, int first,
                                       int count) const {
    Scalar* const s = workspace + (E::state_row + dimension) * Context::row_size;  // (k, T)
    load_of_chains(c, s, +k, first, count, source_);
    base::load_conditions(c, workspace, first, count);
  }

  template <class Other>
  KOKKOS_FUNCTION auto around(Other const& other) const {
    return Conditional<Other, k, Source>(other, source_);
  }

 private:
  Source source_;
};

namespace detail {

// The same condition for all chains.
template <class Scalar>
struct OneCondition {
  Scalar value   = 0;
  OneCondition() = default;
  KOKKOS_FUNCTION OneCondition(Scalar v) : value(v) {}
  KOKKOS_FUNCTION Scalar operator()(int, int) const { return value; }
};

}  // namespace detail

/// E(x, s) at one value of its last coordinate s, the same for all chains.
template <class E>
using AtCondition = Conditional<E, 1, detail::OneCondition<typename E::scalar_type>>;

}  // namespace basin::energy

#endif
