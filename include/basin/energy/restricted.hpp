// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_RESTRICTED_HPP
#define BASIN_ENERGY_RESTRICTED_HPP

#include <basin/energy/wrapper.hpp>

namespace basin::energy {

/// E as a function of its coordinates [first, first + count) alone, the others known and different
/// for each chain: chains of it sample exp(-E) given the rest. The lower half of an image given the
/// upper one, or an answer y in an energy of question and answer.
///
/// \tparam first  the first coordinate that is unknown
/// \tparam count  how many are, >= 1
/// \tparam Known  gives coordinate d of a chain as known(chain, d), for d outside of the range, for
///                example a View (chains, dimension of E); copied into kernels
template <class E, int first_unknown, int count_unknown, class Known>
class Restricted : public Wrapper<Restricted<E, first_unknown, count_unknown, Known>, E> {
  using base = Wrapper<Restricted, E>;
  static_assert(first_unknown >= 0 && count_unknown >= 1 &&
                    first_unknown + count_unknown <= E::dimension,
                "basin::energy::Restricted: the unknown coordinates [first, first + count) must be "
                "among those of the energy.");

 public:
  using Scalar                            = typename E::scalar_type;
  static constexpr int dimension          = count_unknown;
  static constexpr int state_row          = E::state_row + first_unknown;
  static constexpr int gradient_row       = E::gradient_row + first_unknown;
  static constexpr bool conditions_differ = true;

  Restricted() = default;
  KOKKOS_FUNCTION Restricted(E const& energy, Known const& known) : base(energy), known_(known) {}

  template <class Context>
  KOKKOS_FUNCTION void load_conditions(Context const& c, Scalar* workspace, int first,
                                       int count) const {
    constexpr int behind = first_unknown + count_unknown;
    Scalar* const x      = workspace + E::state_row * Context::row_size;  // (dimension of E, T)
    Known const& known   = known_;
    load_of_chains(c, x, +first_unknown, first, count, known);
    load_of_chains(c, x + behind * Context::row_size, E::dimension - behind, first, count,
                   [&known](int chain, int row) { return known(chain, behind + row); });
    base::load_conditions(c, workspace, first, count);
  }

  template <class Other>
  KOKKOS_FUNCTION auto around(Other const& other) const {
    return Restricted<Other, first_unknown, count_unknown, Known>(other, known_);
  }

 private:
  Known known_;  // (chains, dimension of E)
};

/// The restriction of an energy. \tparam first, count  the unknown coordinates
template <int first, int count, class E, class Known>
Restricted<E, first, count, Known> restrict_to(E const& energy, Known const& known) {
  return {energy, known};
}

}  // namespace basin::energy

#endif
