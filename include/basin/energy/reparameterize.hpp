// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_REPARAMETERIZE_HPP
#define BASIN_ENERGY_REPARAMETERIZE_HPP

#include <basin/tile/launch.hpp>

namespace basin::energy {

/// Whether an energy reads effective parameters, not theta itself.
template <class E>
concept Reparameterized = requires { requires E::state > 0; };

namespace detail {

template <class E>
struct Reparameterize {
  using scalar_type                   = typename E::scalar_type;
  static constexpr int workspace_rows = 0;
  int iterations;
  scalar_type const* theta;
  scalar_type* state;
  scalar_type* effective;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int block) const {
    E::reparameterize(c, block, iterations, theta, state, effective);
  }
};

template <class E>
struct PullBackParameters {
  using scalar_type                   = typename E::scalar_type;
  static constexpr int workspace_rows = 0;
  scalar_type const* effective;
  scalar_type* state;
  scalar_type* gradient;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int block) const {
    E::pull_back_parameters(c, block, effective, state, gradient);
  }
};

}  // namespace detail

/// effective (E::parameters) = the parameters that E reads, from theta and the state of its layers,
/// which the power iterations update. Asynchronous on exec.
///
/// \param iterations  power iterations; -1: as many as each layer specifies
/// \param state       (E::state), initially E::initial_state(seed)
template <class E, tile::Tuning tuning, class Exec, class Scalar>
void reparameterize(Exec const& exec, int iterations, Scalar const* theta, Scalar* state,
                    Scalar* effective) {
  tile::for_each_tile<tuning>(exec, "basin::reparam", +E::reparameterize_blocks,
                              detail::Reparameterize<E>{iterations, theta, state, effective});
}

/// gradient (E::parameters) = dL/dtheta in place of dL/d(effective). Asynchronous on exec.
template <class E, tile::Tuning tuning, class Exec, class Scalar>
void pull_back_parameters(Exec const& exec, Scalar const* effective, Scalar* state,
                          Scalar* gradient) {
  tile::for_each_tile<tuning>(exec, "basin::pullback", +E::reparameterize_blocks,
                              detail::PullBackParameters<E>{effective, state, gradient});
}

}  // namespace basin::energy

#endif
