// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_TETHERED_HPP
#define BASIN_ENERGY_TETHERED_HPP

#include <basin/energy/wrapper.hpp>

namespace basin::energy {

/// E(x) + |x - y|^2 / (2 sigma^2), with y and sigma of each chain: exp(-E) as the prior of x and y = x
/// + sigma xi observed, the conditional energy of recovery likelihood (Gao et al. 2021,
/// arXiv:2012.08125, eq. 4). With a sigma for all chains and E a network: images denoised by a
/// trained energy.
///
/// \tparam Centers  gives coordinate d of y of a chain as centers(chain, d), for example a View
///                  (chains, dimension); copied into kernels
/// \tparam Widths   gives sigma of a chain as widths(chain), > 0, for example a View (chains)
template <class E, class Centers, class Widths>
class Tethered : public Wrapper<Tethered<E, Centers, Widths>, E> {
  using base             = Wrapper<Tethered, E>;
  using Scalar           = typename E::scalar_type;
  static constexpr int D = E::dimension, own = E::workspace_rows;  // first of our rows

 public:
  static constexpr int workspace_rows     = own + D + 1;  // y, 1 / sigma^2
  static constexpr bool conditions_differ = true;

  Tethered() = default;
  KOKKOS_FUNCTION Tethered(E const& energy, Centers const& centers, Widths const& widths)
      : base(energy), centers_(centers), widths_(widths) {}

  template <class Context>
  KOKKOS_FUNCTION void load_conditions(Context const& c, Scalar* workspace, int first,
                                       int count) const {
    Scalar* const y        = workspace + own * Context::row_size;  // (D, T), then (1, T)
    Centers const& centers = centers_;
    Widths const& widths   = widths_;
    load_of_chains(c, y, D + 1, first, count, [&centers, &widths](int chain, int row) {
      if (row < D) return static_cast<Scalar>(centers(chain, row));
      Scalar const sigma = static_cast<Scalar>(widths(chain));
      return 1 / (sigma * sigma);
    });
    base::load_conditions(c, workspace, first, count);
  }

  template <class Context>
  KOKKOS_FUNCTION void energy(Context const& c, Scalar* workspace) const {
    base::energy(c, workspace);
    add_value(c, workspace);
  }
  template <class Context>
  KOKKOS_FUNCTION void gradient(Context const& c, Scalar* workspace) const {
    base::gradient(c, workspace);
    add_slope(c, workspace);
  }
  template <class Context>
  KOKKOS_FUNCTION void value_and_gradient(Context const& c, Scalar* workspace) const
    requires HasValueAndGradient<E>
  {
    base::value_and_gradient(c, workspace);
    add_value(c, workspace);
    add_slope(c, workspace);
  }

  template <class Other>
  KOKKOS_FUNCTION auto around(Other const& other) const {
    return Tethered<Other, Centers, Widths>(other, centers_, widths_);
  }

 private:
  template <class Context>
  KOKKOS_FUNCTION void add_value(Context const& c, Scalar* workspace) const {
    using V               = typename Context::value_type;
    constexpr int size    = Context::row_size;
    Scalar const* const x = workspace + E::state_row * size;
    Scalar const* const y = workspace + own * size;
    Scalar* const e       = workspace + E::energy_row * size;
    c.reduce(
        1, D,
        [=](auto at) {
          V const apart = at.load(x) - at.load(y);
          return apart * apart;
        },
        [=](auto at, V sum) { at.store(e, at.load(e) + V(Scalar(0.5)) * at.at(D).load(y) * sum); });
  }
  template <class Context>
  KOKKOS_FUNCTION void add_slope(Context const& c, Scalar* workspace) const {
    constexpr int size    = Context::row_size;
    Scalar const* const x = workspace + E::state_row * size;
    Scalar const* const y = workspace + own * size;
    Scalar* const dx      = workspace + E::gradient_row * size;
    c.map(D, [=](auto at) {
      at.store(dx, at.load(dx) + at.at(D).load(y) * (at.load(x) - at.load(y)));
    });
  }

  Centers centers_;  // (chains, D)
  Widths widths_;    // (chains)
};

}  // namespace basin::energy

#endif
