// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_DENOISING_SCORE_MATCHING_HPP
#define BASIN_OBJECTIVE_DENOISING_SCORE_MATCHING_HPP

#include <basin/objective/score_matching.hpp>

namespace basin::objective {

/// Denoising score matching: the energy of the data with noise of one deviation sigma.
///
///   J = mean |grad E(x~) - z / sigma|^2 / 2,  x~ = x + sigma z,  z ~ N(0, I)
///
/// summed over dimensions. The minimum is p proportional to exp(-E) for the law of x~, not of x: a
/// Gaussian of variance v is learned as one of variance v + sigma^2. With u = grad E - z / sigma
/// held fixed, dJ/dtheta = mean d/dtheta u.grad E, a pass of jets of order 1. Source: Vincent 2011,
/// Neural Computation 23, eq. 11, with s = -grad E.
struct DenoisingScoreMatching {
  double standard_deviation = 0.1;  ///< sigma, units of x; > 0

  /// \throws std::invalid_argument naming the field and its value
  void check(int) const {
    if (!(standard_deviation > 0) || std::isinf(standard_deviation))
      refuse("basin::objective::DenoisingScoreMatching",
             "standard_deviation must be > 0 and finite, got ", standard_deviation);
  }

  template <class E, class Exec, tile::Tuning tuning>
  class bind {
    using Scalar = typename E::scalar_type;

   public:
    using Chains = detail::Batch<E, Exec>;
    using Pool   = Kokkos::View<Scalar const**, Kokkos::LayoutRight, typename Exec::memory_space>;
    static constexpr int parameters = 0;

    bind(Exec const&, DenoisingScoreMatching const&, int batch, Pool const&, std::uint64_t seed)
        : batch_(batch),
          seed_(seed),
          residual_(batch),
          positives_("basin::objective::points", batch, +E::dimension),
          losses_("basin::objective::losses", residual_.samples()) {
      residual_.set_weights(batch, Scalar(1) / static_cast<Scalar>(batch));
    }

    Chains positives() const { return positives_; }

    /// gradient (E::parameters) = dJ/dtheta at positives(). Asynchronous on exec.
    void gradient(Exec const& exec, DenoisingScoreMatching const& options, E const& energy,
                  Step const& step, Scalar const*, Scalar* gradient) {
      residual_.record(exec, energy, batch_,
                       detail::FillResidual<E, tile::Borrowed<Chains>>{
                           positives_, static_cast<Scalar>(options.standard_deviation),
                           step.stream(seed_, Purpose::direction), losses_.data()},
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
