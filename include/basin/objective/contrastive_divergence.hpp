// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_CONTRASTIVE_DIVERGENCE_HPP
#define BASIN_OBJECTIVE_CONTRASTIVE_DIVERGENCE_HPP

#include <basin/objective/loss.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/sampler/start.hpp>

namespace basin::objective {

/// Contrastive divergence, CD-K: every batch its own chains.
///
///   dL/dtheta = mean dE/dtheta (x+) - mean dE/dtheta (x-),  x- = K steps of the sampler
///
/// The samples are held fixed, so this leaves out the third term of the gradient of
/// KL(p_data | p) - KL(q_K | p) (Hinton 2002, Neural Computation 14, eq. 6). The loss is no measure
/// of progress; look at the gap.
///
/// \tparam Sampler   for example sampler::Langevin<>
/// \tparam Policies  in any order: a sampler::start policy (default start::Positives: the data
///                   itself), a loss policy (default loss::Difference)
template <class Sampler, class... Policies>
struct ContrastiveDivergence {
  static_assert(sampler::Sampler<Sampler>,
                "basin::objective::ContrastiveDivergence: the first argument is no sampler; write "
                "for example sampler::Langevin<>, and policies behind it.");
  static_assert((Policy<Policies> && ...) &&
                    (has_axis<Policies, sampler::start_axis, loss_axis> && ...),
                "basin::objective::ContrastiveDivergence: each argument after the sampler must be "
                "a sampler::start or a loss policy.");
  static_assert(policies_of<sampler::start_axis, Policies...> <= 1 &&
                    policies_of<loss_axis, Policies...> <= 1,
                "basin::objective::ContrastiveDivergence: write at most one policy of each axis.");
  using sampler_type = Sampler;
  using start_type   = pick<sampler::start_axis, sampler::start::Positives, Policies...>;
  using loss_type    = pick<loss_axis, loss::Difference, Policies...>;

  Sampler sampler{};
  start_type start{};
  EnergyPenalty energy_l2{};

  /// \throws std::invalid_argument naming the field and its value
  void check(int) const {
    sampler.check();
    start.check();
    energy_l2.check();
  }

  /// The objective on an execution space.
  template <class E, class Exec, tile::Tuning tuning>
  class bind {
    using Scalar = typename E::scalar_type;
    using memory = typename Exec::memory_space;

   public:
    using Chains = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;
    using Pool   = Kokkos::View<Scalar const**, Kokkos::LayoutRight, memory>;

    bind(Exec const&, ContrastiveDivergence const&, int, Pool const& pool, std::uint64_t seed)
        : pool_(pool), seed_(seed) {}

    /// chains = samples of the model for this step. Asynchronous on exec.
    void samples(Exec const& exec, ContrastiveDivergence const& options, E const& energy,
                 Chains const& positives, Chains const& chains, Step const& step,
                 sampler::ChainStatistics<Scalar> const& statistics) {
      Stream const stream = step.stream(seed_, Purpose::sampler_start);
      if constexpr (std::same_as<start_type, sampler::start::Positives>)
        sampler::start_chains<tuning>(exec, options.start, chains, positives, stream);
      else
        sampler::start_chains<tuning>(exec, options.start, chains, pool_, stream);
      sample<tuning>(exec, options.sampler, energy, chains,
                     step.stream(seed_, Purpose::sampler_noise, sampler::steps_bits), statistics);
    }

    /// Starting points for chains of a user's own: as training starts them. Positives are rows of
    /// the data.
    void start(Exec const& exec, ContrastiveDivergence const& options, Chains const& chains,
               Stream const& stream) {
      if constexpr (std::same_as<start_type, sampler::start::Positives>)
        sampler::start_chains<tuning>(exec, sampler::start::Data{.noise = options.start.noise},
                                      chains, pool_, stream);
      else
        sampler::start_chains<tuning>(exec, options.start, chains, pool_, stream);
    }

    /// Sampler calls since each chain started; null: every chain is new.
    int const* ages() const { return nullptr; }

   private:
    Pool pool_;
    std::uint64_t seed_;
  };
};

}  // namespace basin::objective

#endif
