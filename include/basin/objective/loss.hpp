// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_LOSS_HPP
#define BASIN_OBJECTIVE_LOSS_HPP

#include <basin/core/field.hpp>
#include <basin/tile/launch.hpp>

#include <cmath>

namespace basin::objective {

struct loss_axis {};

/// What a contrastive objective minimizes, from the energies E+ of B data and E- of B samples. The
/// gradient of each is a weighted sum of dE/dtheta over the 2 B points, with the samples held
/// fixed.
namespace loss {

/// L = mean E+ - mean E-: the gradient of the negative log-likelihood, were the samples from the
/// model (Hinton 2002, Neural Computation 14).
struct Difference {
  using axis = loss_axis;
};

/// L = mean_i softplus(E+_i - E-_i): a pair that is told apart already weighs nothing.
/// Source: code of Du and Mordatch 2019 (IGEBM), 'softplus'.
struct Softplus {
  using axis = loss_axis;
};

/// L = mean E+ - sum_i q_i E-_i with q = softmax(-E-) held fixed: samples of low energy weigh more.
/// Source: code of Du and Mordatch 2019 (IGEBM), 'logsumexp'.
struct LogSumExp {
  using axis = loss_axis;
};

}  // namespace loss

/// Penalty a (mean E+^2 + mean E-^2) on both phases, which keeps the energies near 0
/// (Du and Mordatch 2019, section 3.3). a rises linearly over the first ramp steps.
struct EnergyPenalty {
  double coefficient = 0;  ///< a, units of 1 / E; >= 0
  long ramp          = 0;  ///< training steps until a is whole; 0: at once

  KOKKOS_FUNCTION double at(std::uint64_t step) const {
    return ramp > 0 && step < static_cast<std::uint64_t>(ramp)
               ? coefficient * static_cast<double>(step + 1) / static_cast<double>(ramp)
               : coefficient;
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"coefficient", "1 / E", "weight of the mean squares"}, self.coefficient,
      range::at_least(0).finite());
    f(Field{"ramp", "steps", "until the coefficient is whole; 0: at once"}, self.ramp,
      range::at_least(0));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::objective::EnergyPenalty", *this); }
};

namespace detail {

// weights (2 B): dL/dE_n of the data, then of the samples.
template <class Scalar, class Loss>
struct LossWeights {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 2;  // two numbers, of tiles of one chain too
  Scalar const* energies;                   // (2 B)
  Scalar* weights;                          // (2 B)
  int batch;
  EnergyPenalty penalty;
  Step step;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar* workspace, int) const {
    Scalar const* const e = energies;
    Scalar* const w       = weights;
    int const B           = batch;
    Scalar const share    = Scalar(1) / static_cast<Scalar>(B),
                 twice    = 2 * static_cast<Scalar>(penalty.at(step.now())) * share;
    if constexpr (std::same_as<Loss, loss::LogSumExp>) {
      c.each(1, [=](int) {
        Scalar least = e[B];
        for (int n = 1; n < B; ++n) least = e[B + n] < least ? e[B + n] : least;
        Scalar sum = 0;
        for (int n = 0; n < B; ++n) sum += Kokkos::exp(least - e[B + n]);
        workspace[0] = least;
        workspace[1] = sum;
      });
    }
    c.each(B, [=](int n) {
      Scalar positive = share, negative = share;
      if constexpr (std::same_as<Loss, loss::Softplus>)
        positive = negative = share / (Scalar(1) + Kokkos::exp(e[B + n] - e[n]));
      if constexpr (std::same_as<Loss, loss::LogSumExp>)
        negative = Kokkos::exp(workspace[0] - e[B + n]) / workspace[1];
      w[n]     = positive + twice * e[n];
      w[B + n] = twice * e[B + n] - negative;
    });
  }
};

}  // namespace detail

/// weights = dL/dE for energies (data, then samples; 2 batch). Asynchronous on exec.
template <class Loss, tile::Tuning tuning, class Exec, class Scalar>
void loss_weights(Exec const& exec, Scalar const* energies, Scalar* weights, int batch,
                  EnergyPenalty const& penalty, Step const& step) {
  tile::for_each_tile<tuning>(
      exec, "basin::weights", 1,
      detail::LossWeights<Scalar, Loss>{energies, weights, batch, penalty, step});
}

}  // namespace basin::objective

#endif
