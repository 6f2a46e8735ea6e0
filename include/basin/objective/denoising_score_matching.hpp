// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_DENOISING_SCORE_MATCHING_HPP
#define BASIN_OBJECTIVE_DENOISING_SCORE_MATCHING_HPP

#include <basin/core/field.hpp>
#include <basin/objective/detail/residual_gradient.hpp>

#include <array>
#include <cmath>

namespace basin::objective {

/// Denoising score matching: the energy of the data with noise of a single deviation sigma.
///
///   J = mean |grad E(x~) - z / sigma|^2 / 2,  x~ = x + sigma z,  z ~ N(0, I)
///
/// summed over dimensions. The minimum is p proportional to exp(-E) for the distribution of x~, not
/// x: a Gaussian of variance v is learned as one of variance v + sigma^2. With u = grad E - z /
/// sigma held fixed, dJ/dtheta = mean d/dtheta u.grad E, a pass of jets of order 1. Source: Vincent
/// 2011, Neural Computation 23, eq. 11, with s = -grad E.
struct DenoisingScoreMatching {
  double standard_deviation = 0.1;  ///< sigma, units of x; > 0

  /// What to try when a run diverges.
  static constexpr std::array advice{"a larger standard_deviation"};

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"standard_deviation", "x", "sigma of the noise on the data"}, self.standard_deviation,
      range::above(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int) const { check_fields("basin::objective::DenoisingScoreMatching", *this); }

  template <class E, class Exec, tile::Tuning tuning>
  class bind : public detail::ResidualGradient<E, Exec, tuning, 0> {
    using base = detail::ResidualGradient<E, Exec, tuning, 0>;

   public:
    using typename base::Scalar;

    bind(Exec const&, DenoisingScoreMatching const&, int batch,
         Dataset<Scalar, typename base::memory> const&, std::uint64_t seed)
        : base(batch, seed) {}

    /// gradient (E::parameters) = dJ/dtheta at batch(). Asynchronous on exec.
    void gradient(Exec const& exec, DenoisingScoreMatching const& options, E const& energy,
                  Step const& step, Scalar const*, Scalar* gradient) {
      base::gradient(exec, energy,
                     NoiseTarget<Scalar>{static_cast<Scalar>(options.standard_deviation),
                                         step.stream(base::seed(), Purpose::direction)},
                     step, gradient);
    }
  };
};

}  // namespace basin::objective

#endif
