// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_CONCEPTS_HPP
#define BASIN_ENERGY_CONCEPTS_HPP

#include <basin/core/member.hpp>
#include <basin/layer/elementwise.hpp>
#include <basin/tile/context.hpp>

#include <type_traits>

namespace basin {

namespace detail {

// A context that exists on every backend, to test whether an energy accepts contexts.
template <class Scalar>
using probe_context = tile::Context<tile::SerialTeam<>, tile::Simd<Scalar, 1>, 1, 1, 1>;

}  // namespace detail

template <class E>
concept HasScalar = Real<typename E::scalar_type>;

template <class E>
concept HasDimension = requires { requires E::dimension > 0; };

template <class E>
concept HasWorkspace = requires {
  requires E::workspace_rows > 0;
  requires E::state_row >= 0;
  requires E::gradient_row >= 0;
  requires E::energy_row >= 0;
};

template <class E>
concept HasEnergy = requires(E const& e, detail::probe_context<typename E::scalar_type> const& c,
                             typename E::scalar_type* workspace) { e.energy(c, workspace); };

template <class E>
concept HasGradient = requires(E const& e, detail::probe_context<typename E::scalar_type> const& c,
                               typename E::scalar_type* workspace) { e.gradient(c, workspace); };

template <class E>
concept HasValueAndGradient =
    requires(E const& e, detail::probe_context<typename E::scalar_type> const& c,
             typename E::scalar_type* workspace) { e.value_and_gradient(c, workspace); };

namespace detail {

BASIN_NAMES_MEMBER(NamesConditions, load_conditions)

}  // namespace detail

template <class E>
concept HasConditions =
    requires(E const& e, detail::probe_context<typename E::scalar_type> const& c,
             typename E::scalar_type* workspace) { e.load_conditions(c, workspace, 0, 1); };

/// Whether the values that load_conditions loads may differ between chains. An energy whose hook
/// does nothing, or forwards, declares 'static constexpr bool conditions_differ'.
template <class E>
inline constexpr bool conditions_differ = HasConditions<E>;
template <class E>
  requires requires { +E::conditions_differ; }
inline constexpr bool conditions_differ<E> = E::conditions_differ;

/// A differentiable energy E(x) on a tile of chains. Its workspace is rows [row][T]: the state x in
/// rows state_row ... state_row + dimension - 1.
///
/// | member                            | leaves                                          | keeps |
/// |-----------------------------------|-------------------------------------------------|-------|
/// | energy(c, workspace)              | E in row energy_row                             | x     |
/// | gradient(c, workspace)            | dE/dx in the rows from gradient_row on          | x     |
/// | value_and_gradient(c, workspace)  | both, from one pass                             | x     |
/// | load_conditions(c, workspace, first, count) | values of chains first, ... of count | x |
///
/// Every other row may change in a call, including an earlier result: energy() may overwrite the
/// rows of the gradient, gradient() the row of E. Only what load_conditions wrote, into rows that
/// the energy reserves for it, persists: labels, noise levels, tethers, per-chain temperatures. A
/// partial last tile repeats its last chain: lane t belongs to chain min(first + t, count - 1).
///
/// The last two members are optional. Samplers with an accept-reject step need value_and_gradient;
/// every kernel calls load_conditions, if defined, once the states of its tile are loaded.
template <class E>
concept Energy =
    HasScalar<E> && HasDimension<E> && HasWorkspace<E> && HasEnergy<E> && HasGradient<E>;

/// The requirements of Energy as error messages. Public templates name it in their bodies, so that
/// every compiler reports a mistake in one line.
template <class E>
struct check_energy {
  static_assert(HasScalar<E>, "basin::Energy: define 'using scalar_type = float;' (or double).");
  static_assert(HasDimension<E>, "basin::Energy: define 'static constexpr int dimension', > 0.");
  static_assert(HasWorkspace<E>,
                "basin::Energy: define 'static constexpr int workspace_rows, state_row, "
                "gradient_row, energy_row'; an energy that is a formula gets them from "
                "basin::energy::Analytic.");
  static_assert(!(HasScalar<E> && HasDimension<E> && HasWorkspace<E>) || HasEnergy<E>,
                "basin::Energy: define 'template <class Context> KOKKOS_FUNCTION void "
                "energy(Context const& c, scalar_type* workspace) const' that writes E(x) into row "
                "energy_row.");
  static_assert(!(HasScalar<E> && HasDimension<E> && HasWorkspace<E>) || HasGradient<E>,
                "basin::Energy: define 'template <class Context> KOKKOS_FUNCTION void "
                "gradient(Context const& c, scalar_type* workspace) const' that writes dE/dx into "
                "the rows from gradient_row on; samplers and objectives call it.");
  static_assert(!(HasScalar<E> && HasDimension<E> && HasWorkspace<E>) ||
                    !detail::NamesConditions<E> || HasConditions<E>,
                "basin::Energy: load_conditions is 'template <class Context> KOKKOS_FUNCTION void "
                "load_conditions(Context const& c, scalar_type* workspace, int first, int count) "
                "const'.");
  static constexpr bool value = Energy<E>;
};

/// Error message where a sampler needs E and dE/dx from one pass.
template <class E>
struct check_value_and_gradient {
  static_assert(HasValueAndGradient<E>,
                "basin::Energy: this sampler accepts or rejects, for which it needs E(x) and dE/dx "
                "at once; define 'template <class Context> KOKKOS_FUNCTION void "
                "value_and_gradient(Context const& c, scalar_type* workspace) const' that leaves "
                "both.");
  static constexpr bool value = HasValueAndGradient<E>;
};

/// The hook for per-chain values, see Energy; a no-op if the energy has none. Kernels call it once
/// the states of chains first, first + 1, ... are in the workspace.
template <class Context, class E>
KOKKOS_FORCEINLINE_FUNCTION void load_conditions(Context const& c, E const& energy,
                                                 typename E::scalar_type* workspace, int first,
                                                 int count) {
  if constexpr (requires { energy.load_conditions(c, workspace, first, count); })
    energy.load_conditions(c, workspace, first, count);
}

/// An energy with parameters that can be trained: see energy::Network for what it offers.
template <class E>
concept TrainableEnergy = Energy<E> && requires {
  requires E::parameters > 0;
  requires E::record_rows > 0;
  requires E::gradient_blocks > 0;
};

}  // namespace basin

#endif
