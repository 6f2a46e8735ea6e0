// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_NOISE_CONDITIONAL_SCORE_MATCHING_HPP
#define BASIN_OBJECTIVE_NOISE_CONDITIONAL_SCORE_MATCHING_HPP

#include <basin/objective/score_matching.hpp>
#include <basin/sampler/noise_ladder.hpp>

namespace basin::objective {

namespace detail {

// x~ = x + sigma z with a level of the ladder for each sample, and the jet (x~, log sigma) + e (u,
// 0) with u = sigma (sigma grad E - z); loss = |sigma grad E - z|^2 / 2.
template <class E, class Points>
struct FillLadder {
  using Scalar                      = typename E::scalar_type;
  static constexpr int dimension    = E::dimension - 1;  // of the data
  static constexpr int further_rows = (2 * dimension + 2 + E::kept_rows + 1) / 2;
  Points points;  // (count, dimension)
  Scalar log_first, log_ratio;
  int levels;
  Stream noise, level;
  Scalar* losses;  // (count, padded to full tiles)

  template <class Context>
  KOKKOS_FUNCTION auto operator()(Context const& c, E const& energy, Scalar* workspace, int first,
                                  Stream const& stream_of_pass) const {
    using P         = typename Context::value_type::simd_type;
    constexpr int T = Context::width, size = Context::row_size;
    Scalar* const x         = workspace + E::workspace_rows * size;  // (dimension, T)
    Scalar* const u         = x + dimension * T;                     // (dimension, T)
    Scalar* const sigma     = u + dimension * T;                     // (1, T)
    Scalar* const log_sigma = sigma + T;                             // (1, T)
    Scalar* const kept      = log_sigma + T;                         // (kept_rows, T)
    Scalar* const state     = workspace + E::state_row * T;          // (dimension + 1, T)
    Scalar const* const dx  = workspace + E::gradient_row * T;       // (dimension + 1, T)
    Scalar* const jet       = workspace + E::state_row * size;       // (dimension + 1, 2, T)
    Scalar* const to        = losses + first;
    FillLadder const& self  = *this;
    Stream const which      = level.now();
    auto const v            = c.with_values();
    v.load_chains(points, first, static_cast<int>(points.extent(0)), +dimension, x);
    v.map(1, [&](auto at) {
      P const s = P::generate([&](int l) {
        std::uint32_t const chain = static_cast<std::uint32_t>(first + at.lane + l);
        std::uint64_t const word  = random_word(which, 0, chain);
        return fma(P(static_cast<Scalar>(word * static_cast<std::uint64_t>(self.levels) >> 32)),
                   P(self.log_ratio), P(self.log_first))[0];
      });
      at.store(log_sigma, s);
      at.store(sigma, tile::exp(s));
    });
    v.normal(+dimension, noise.now(), static_cast<std::uint32_t>(first), [=](auto at, auto z) {
      at.store(x, fma(at.at(0).load(sigma), z, at.load(x)));
      at.store(u, z);
    });
    v.map(dimension + 1, [=](auto at) {
      at.store(state, at.row < dimension ? at.load(x) : at.at(0).load(log_sigma));
    });
    energy.gradient(tile::KeepsProducts(v, kept), workspace,
                    layer::Training{stream_of_pass, static_cast<std::uint32_t>(first)});
    v.map(+dimension,
          [=](auto at) { at.store(u, fma(at.at(0).load(sigma), at.load(dx), -at.load(u))); });
    v.reduce(
        1, +dimension,
        [=](auto at) {
          P const r = at.load(u);
          return r * r;
        },
        [=](auto at, P sum) { tile::store(to + at.lane, P(Scalar(0.5)) * sum); });
    v.map(dimension + 1, [=](auto at) {
      bool const is_state = at.row < dimension;
      Scalar* const here  = jet + at.row * size + at.lane;
      tile::store(here, is_state ? at.load(x) : at.at(0).load(log_sigma));
      tile::store(here + T, is_state ? at.at(0).load(sigma) * at.load(u) : P(Scalar(0)));
    });
    return tile::HasProducts(c, kept);
  }
};

}  // namespace detail

/// Denoising score matching at all levels of a ladder of noise at once, with an energy E(x, s) that
/// is told the level by its last coordinate, s = log sigma:
///
///   J = mean |sigma grad E(x + sigma z, log sigma) - z|^2 / 2,  z ~ N(0, I)
///
/// over the batch, with a level drawn uniformly for each sample, summed over dimensions. The factor
/// sigma^2 makes all levels weigh alike. Source: Song and Ermon 2019, NeurIPS, eqs. 5 and 6, with
/// s = -grad E. sampler::AnnealedLangevin samples such an energy.
///
/// The data have one column less than the energy has coordinates.
struct NoiseConditionalScoreMatching {
  sampler::NoiseLadder ladder{};

  static constexpr int conditions = 1;  ///< coordinates of the energy that are not of the data

  /// \throws std::invalid_argument naming the field and its value
  void check(int) const { ladder.check(); }

  template <class E, class Exec, tile::Tuning tuning>
  class bind {
    static_assert(E::dimension > 1,
                  "basin::objective::NoiseConditionalScoreMatching: the energy needs a state and "
                  "the condition log sigma, two coordinates or more.");
    using Scalar                   = typename E::scalar_type;
    static constexpr int dimension = E::dimension - conditions;  // of the data

   public:
    using Chains = detail::Batch<E, Exec>;
    using Pool   = Kokkos::View<Scalar const**, Kokkos::LayoutRight, typename Exec::memory_space>;
    static constexpr int parameters = 0;

    bind(Exec const&, NoiseConditionalScoreMatching const&, int batch, Pool const&,
         std::uint64_t seed)
        : batch_(batch),
          seed_(seed),
          residual_(batch),
          positives_("basin::objective::points", batch, +dimension),
          losses_("basin::objective::losses", residual_.samples()) {
      residual_.set_weights(batch, Scalar(1) / static_cast<Scalar>(batch));
    }

    Chains positives() const { return positives_; }

    /// gradient (E::parameters) = dJ/dtheta at positives(). Asynchronous on exec.
    void gradient(Exec const& exec, NoiseConditionalScoreMatching const& options, E const& energy,
                  Step const& step, Scalar const*, Scalar* gradient) {
      residual_.record(exec, energy, batch_,
                       detail::FillLadder<E, tile::Borrowed<Chains>>{
                           positives_, static_cast<Scalar>(std::log(options.ladder.first)),
                           static_cast<Scalar>(options.ladder.log_ratio()), options.ladder.levels,
                           step.stream(seed_, Purpose::direction),
                           step.stream(seed_, Purpose::level), losses_.data()},
                       step.stream(seed_, Purpose::dropout));
      residual_.sum(exec, batch_, gradient);
    }

    Diagnostics<Scalar> diagnostics() const {
      return {.energies_data = residual_.energies(), .losses = losses_.data()};
    }

   private:
    int batch_;
    std::uint64_t seed_;
    energy::ParameterGradient<E, 1, Exec, tuning> residual_;
    Chains positives_;                                           // (batch, dimension)
    Kokkos::View<Scalar*, typename Exec::memory_space> losses_;  // (batch, padded)
  };
};

}  // namespace basin::objective

#endif
