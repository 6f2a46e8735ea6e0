// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_CHAIN_HPP
#define BASIN_SAMPLER_CHAIN_HPP

#include <basin/sampler/concepts.hpp>

namespace basin::sampler {

/// What objectives and trainers call: the sample function of a sampler, which argument-dependent
/// lookup finds, with its state, if it has one.
template <tile::Tuning tuning, class Exec, class S, class State, class E, class Chains>
void run(Exec const& exec, S const& options, State& state, E const& energy, Chains const& chains,
         Stream const& stream, outputs_of<S, typename E::scalar_type> const& outputs) {
  if constexpr (detail::SamplesByItself<S, Exec, State, E, Chains, tuning>)
    sample<tuning>(exec, options, state, energy, chains, stream, outputs);
  else
    sample<tuning>(exec, options, energy, chains, stream, outputs);
}

}  // namespace basin::sampler

#endif
