// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_ANNEALED_LANGEVIN_HPP
#define BASIN_SAMPLER_ANNEALED_LANGEVIN_HPP

#include <basin/energy/conditional.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/sampler/noise_ladder.hpp>

namespace basin::sampler {

/// Langevin sampling of a noise-conditional energy E(x, log sigma), down a noise ladder:
///
///   x <- x - alpha_i grad E(x, log sigma_i) + sqrt(2 alpha_i) xi,  alpha_i = step_size (sigma_i /
///   sigma_L)^2
///
/// 'steps' times at every level. Source: Song and Ermon 2019, NeurIPS, algorithm 1, where epsilon
/// is 2 step_size; objective::NoiseConditionalScoreMatching trains such energies.
struct AnnealedLangevin {
  NoiseLadder ladder{};
  int steps        = 100;   ///< of each level; >= 1
  double step_size = 1e-5;  ///< alpha of the last level, units of x^2 / E; > 0

  static constexpr int conditions = 1;  ///< coordinates of the energy that it sets: log sigma

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("ladder", self.ladder);
    f(Field{"steps", "1", "moves of each chain at each level"}, self.steps, range::at_least(1));
    f(Field{"step_size", "x^2 / E", "alpha of the last level"}, self.step_size,
      range::above(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::AnnealedLangevin", *this); }
};

/// Moves every chain down the ladder, in place. Asynchronous on exec; a launch for each level.
///
/// \param energy  of (x, log sigma), dimension one more than that of the chains
/// \param chains  (chains, dimension of x), for example N(0, sigma_0^2) around the data
/// \param stream  seed and first step
/// \throws std::invalid_argument if an option is invalid, or chains does not fit
template <tile::Tuning tuning, class Exec, class E, class Chains>
void sample(Exec const& exec, AnnealedLangevin const& annealed, E const& energy,
            Chains const& chains, Stream stream,
            outputs_of<AnnealedLangevin, typename E::scalar_type> const& = {}) {
  using Scalar = typename E::scalar_type;
  annealed.check();
  for (int level = 0; level < annealed.ladder.levels; ++level) {
    double const sigma = annealed.ladder(level), ratio = sigma / annealed.ladder.last;
    sample<tuning>(
        exec, Langevin<>{.steps = annealed.steps, .step_size = annealed.step_size * ratio * ratio},
        energy::AtCondition<E>(energy, static_cast<Scalar>(std::log(sigma))), chains, stream);
    stream.step += static_cast<std::uint64_t>(annealed.steps);
  }
}

}  // namespace basin::sampler

#endif
