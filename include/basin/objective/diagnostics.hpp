// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_DIAGNOSTICS_HPP
#define BASIN_OBJECTIVE_DIAGNOSTICS_HPP

#include <basin/sampler/langevin.hpp>

namespace basin::objective {

/// What a step of an objective leaves for the monitor: arrays on the device, each of batch numbers
/// or null where the objective has no such thing.
template <class Scalar>
struct Diagnostics {
  Scalar const* energies_data    = nullptr;
  Scalar const* energies_samples = nullptr;
  Scalar const* losses           = nullptr;   ///< what the objective minimizes the mean of
  sampler::ChainStatistics<Scalar> chains{};  ///< arrays to read
  int const* ages = nullptr;                  ///< sampler calls since each chain started
};

}  // namespace basin::objective

#endif
