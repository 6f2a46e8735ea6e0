// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_ENERGY_RECORD_HPP
#define BASIN_ENERGY_RECORD_HPP

#include <basin/core/arithmetic.hpp>

#include <Kokkos_Macros.hpp>

namespace basin::energy {

/// What the parameter gradient of a batch needs from every sample. With jets of order K every
/// sample has series = K + 1 coefficients.
template <class Scalar>
struct Record {
  Scalar* rows;      ///< (record_rows, series, samples)
  Scalar* energies;  ///< (series, samples)
  int samples;       ///< the batch padded to full tiles
  int series = 1;
};

/// The adjoint of E from which the plain parameter gradient starts: dE/dE.
struct UnitSeed {
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION V operator()(Place, V) const {
    return V(1);
  }
};

}  // namespace basin::energy

#endif
