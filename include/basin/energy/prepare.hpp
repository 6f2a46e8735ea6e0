// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_PREPARE_HPP
#define BASIN_ENERGY_PREPARE_HPP

#include <basin/tile/launch.hpp>

namespace basin::energy {

/// Whether an energy reads prepared parameters, not theta itself.
template <class E>
concept Prepared = requires {
  requires E::state >
  0;
};

namespace detail {

template <class E>
struct Prepare {
  using scalar_type                   = typename E::scalar_type;
  static constexpr int workspace_rows = 0;
  int iterations;
  scalar_type const* theta;
  scalar_type* state;
  scalar_type* prepared;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int block) const {
    E::prepare(c, block, iterations, theta, state, prepared);
  }
};

template <class E>
struct Unprepare {
  using scalar_type                   = typename E::scalar_type;
  static constexpr int workspace_rows = 0;
  scalar_type const* prepared;
  scalar_type* state;
  scalar_type* gradient;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int block) const {
    E::unprepare(c, block, prepared, state, gradient);
  }
};

}  // namespace detail

/// prepared (E::parameters) = what an energy E(prepared) is made of, from theta and the state of
/// its layers, which takes part: power iterations move it on. Asynchronous on exec.
///
/// \param iterations  power iterations; -1: as many as each layer asks for
/// \param state       (E::state), initially E::initial_state(seed)
template <class E, tile::Tuning tuning, class Exec, class Scalar>
void prepare(Exec const& exec, int iterations, Scalar const* theta, Scalar* state,
             Scalar* prepared) {
  tile::for_each_tile<tuning>(exec, "basin::prepare", +E::prepare_blocks,
                              detail::Prepare<E>{iterations, theta, state, prepared});
}

/// gradient (E::parameters) = dL/dtheta in place of dL/d(prepared). Asynchronous on exec.
template <class E, tile::Tuning tuning, class Exec, class Scalar>
void unprepare(Exec const& exec, Scalar const* prepared, Scalar* state, Scalar* gradient) {
  tile::for_each_tile<tuning>(exec, "basin::prepared", +E::prepare_blocks,
                              detail::Unprepare<E>{prepared, state, gradient});
}

}  // namespace basin::energy

#endif
