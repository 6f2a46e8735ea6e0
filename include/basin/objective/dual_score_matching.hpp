// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_DUAL_SCORE_MATCHING_HPP
#define BASIN_OBJECTIVE_DUAL_SCORE_MATCHING_HPP

#include <basin/core/field.hpp>
#include <basin/objective/detail/residual_gradient.hpp>
#include <basin/sampler/noise_ladder.hpp>

#include <array>
#include <cmath>

namespace basin::objective {

/// The target (objective/residual.hpp) of both scores, with s = log sigma the only condition:
///
///   x~ = x + sigma z,  r = sigma grad E - z,  r_s = scale (dE/ds - dimension + |z|^2)
template <class Scalar, int dimension>
struct DualTarget : LadderTarget<Scalar> {
  static constexpr int residual_conditions = 1;
  Scalar scale;

  template <class Values>
  KOKKOS_FUNCTION void draw(Values const& v, int, int first, Scalar* x, Scalar* b,
                            Scalar* own) const {
    using V = typename Values::value_type;
    LadderTarget<Scalar>::draw(v, +dimension, first, x, b, own);
    v.reduce(
        1, +dimension,
        [=](auto at) {
          V const z = at.load(b);
          return z * z;
        },
        [=](auto at, V sum) { at.at(+dimension).store(b, V(Scalar(dimension)) - sum); });
  }
  template <class Place, class V>
  KOKKOS_FUNCTION V residual(Place at, V g, V b, Scalar const* own) const {
    return at.row < dimension ? LadderTarget<Scalar>::residual(at, g, b, own) : V(scale) * (g - b);
  }
  template <class Place, class V>
  KOKKOS_FUNCTION V direction(Place at, V r, Scalar const* own) const {
    return at.row < dimension ? LadderTarget<Scalar>::direction(at, r, own) : V(scale) * r;
  }
};

/// Dual score matching: both derivatives of an energy E(x, s) whose last coordinate is the level of
/// noise, s = log sigma, so that the energies of all levels are normalized alike:
///
///   J = mean (|sigma grad E(y, s) - z|^2 + (a / D) (dE/ds (y, s) - D + |z|^2)^2) / 2,
///   y = x + sigma z,  z ~ N(0, I)
///
/// over the batch, with a level of the ladder drawn uniformly for each sample and D the dimension of
/// the data. The first term is that of NoiseConditionalScoreMatching. The second is denoising in
/// time: with t = sigma^2 the density p_t of y has -d log p_t / dt = mean of D / (2 t) - |z|^2 / (2 t)
/// at y, and dE/ds = 2 t dE/dt. At the minimum exp(-E(., s)) has the same integral at every level,
/// which one level, wide enough to be a Gaussian, tells. Source: Guth, Kadkhodaie and Simoncelli 2025,
/// arXiv:2506.05310, of which it is the loss of both scores; the levels are a ladder, and a is ours.
///
/// The data have one column fewer than the energy has coordinates.
struct DualScoreMatching {
  sampler::NoiseLadder ladder{};
  double time_weight = 1;  ///< a; >= 0

  /// What to try when a run diverges.
  static constexpr std::array advice{"a larger last level of the ladder", "a smaller time_weight"};

  static constexpr int conditions = 1;  ///< coordinates of the energy that are not of the data

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("ladder", self.ladder);
    f(Field{"time_weight", "1", "a, of the score in time"}, self.time_weight,
      range::at_least(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int) const { check_fields("basin::objective::DualScoreMatching", *this); }

  template <class E, class Exec, tile::Tuning tuning>
  class bind : public detail::ResidualGradient<E, Exec, tuning, conditions> {
    static_assert(E::dimension > 1,
                  "basin::objective::DualScoreMatching: the energy needs a state and the condition "
                  "log sigma, two coordinates or more.");
    using base = detail::ResidualGradient<E, Exec, tuning, conditions>;

   public:
    using typename base::Scalar;

    bind(Exec const&, DualScoreMatching const&, int batch,
         Dataset<Scalar, typename base::memory> const&, std::uint64_t seed)
        : base(batch, seed) {}

    /// gradient (E::parameters) = dJ/dtheta at batch(). Asynchronous on exec.
    void gradient(Exec const& exec, DualScoreMatching const& options, E const& energy,
                  Step const& step, Scalar const*, Scalar* gradient) {
      constexpr int D = E::dimension - 1;
      base::gradient(
          exec, energy,
          DualTarget<Scalar, D>{LadderTarget<Scalar>::at(options.ladder, base::seed(), step),
                                static_cast<Scalar>(std::sqrt(options.time_weight / D))},
          step, gradient);
    }
  };
};

}  // namespace basin::objective

#endif
