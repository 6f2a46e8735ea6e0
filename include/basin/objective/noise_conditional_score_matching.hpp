// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_NOISE_CONDITIONAL_SCORE_MATCHING_HPP
#define BASIN_OBJECTIVE_NOISE_CONDITIONAL_SCORE_MATCHING_HPP

#include <basin/core/field.hpp>
#include <basin/objective/detail/residual_gradient.hpp>
#include <basin/sampler/noise_ladder.hpp>

namespace basin::objective {

/// Denoising score matching at all levels of a noise ladder at once, with an energy E(x, s) whose
/// last coordinate is the level, s = log sigma:
///
///   J = mean |sigma grad E(x + sigma z, log sigma) - z|^2 / 2,  z ~ N(0, I)
///
/// over the batch, with a level drawn uniformly for each sample, summed over dimensions. The factor
/// sigma^2 gives all levels equal weight. Source: Song and Ermon 2019, NeurIPS, eqs. 5 and 6, with
/// s = -grad E. sampler::AnnealedLangevin samples such an energy.
///
/// The data have one column fewer than the energy has coordinates.
struct NoiseConditionalScoreMatching {
  sampler::NoiseLadder ladder{};

  /// What to try when a run diverges.
  static constexpr std::array advice{"a larger last level of the ladder"};

  static constexpr int conditions = 1;  ///< coordinates of the energy that are not of the data

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("ladder", self.ladder);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int) const { check_fields("basin::objective::NoiseConditionalScoreMatching", *this); }

  template <class E, class Exec, tile::Tuning tuning>
  class bind : public detail::ResidualGradient<E, Exec, tuning, conditions> {
    static_assert(E::dimension > 1,
                  "basin::objective::NoiseConditionalScoreMatching: the energy needs a state and "
                  "the condition log sigma, two coordinates or more.");
    using base = detail::ResidualGradient<E, Exec, tuning, conditions>;

   public:
    using typename base::Scalar;

    bind(Exec const&, NoiseConditionalScoreMatching const&, int batch,
         Dataset<Scalar, typename base::memory> const&, std::uint64_t seed)
        : base(batch, seed) {}

    /// gradient (E::parameters) = dJ/dtheta at batch(). Asynchronous on exec.
    void gradient(Exec const& exec, NoiseConditionalScoreMatching const& options, E const& energy,
                  Step const& step, Scalar const*, Scalar* gradient) {
      base::gradient(exec, energy, LadderTarget<Scalar>::at(options.ladder, base::seed(), step),
                     step, gradient);
    }
  };
};

}  // namespace basin::objective

#endif
