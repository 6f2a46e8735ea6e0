// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_CONTRASTIVE_DIVERGENCE_HPP
#define BASIN_OBJECTIVE_CONTRASTIVE_DIVERGENCE_HPP

#include <basin/objective/contrast.hpp>
#include <basin/sampler/start.hpp>

namespace basin::objective {

/// Contrastive divergence, CD-K: new chains for every batch.
///
///   dL/dtheta = mean dE/dtheta (x+) - mean dE/dtheta (x-),  x- = K steps of the sampler
///
/// The samples are held fixed, which omits the third term of the gradient of KL(p_data | p) -
/// KL(q_K | p) (Hinton 2002, Neural Computation 14, eq. 6). The loss does not measure progress;
/// look at the gap.
///
/// \tparam Sampler   for example sampler::Langevin<>
/// \tparam Policies  in any order: a sampler::start policy (default start::Positives: the data
///                   itself), a loss policy (default loss::Difference)
template <class Sampler, class... Policies>
struct ContrastiveDivergence {
  static_assert(
      sampler::NamesSteps<Sampler>,
      "basin::objective::ContrastiveDivergence: the first argument is no sampler; write for "
      "example sampler::Langevin<>, and policies behind it.");
  static_assert(!sampler::NamesSteps<Sampler> || sampler::check_sampler<Sampler>::value);
  static_assert((Policy<Policies> && ...) &&
                    (has_axis<Policies, sampler::start_axis, loss_axis> && ...),
                "basin::objective::ContrastiveDivergence: each argument after the sampler must be "
                "a sampler::start or a loss policy.");
  static_assert(policies_of<sampler::start_axis, Policies...> <= 1 &&
                    policies_of<loss_axis, Policies...> <= 1,
                "basin::objective::ContrastiveDivergence: write at most one policy of each axis.");
  using sampler_type = Sampler;
  using start_type   = pick<sampler::start_axis, sampler::start::Positives, Policies...>;
  using loss_type    = pick<loss_axis, objective::loss::Difference, Policies...>;
  static_assert(basin::sampler::check_start<start_type>::value && check_loss<loss_type>::value);

  /// What to try when a run diverges.
  static constexpr std::array advice{"a larger energy_l2", "more steps of the sampler",
                                     "a smaller step_size of the sampler"};

  Sampler sampler{};
  start_type start{};
  EnergyPenalty energy_l2{};
  loss_type loss{};  ///< options of the policy, if any

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("sampler", self.sampler);
    f.nested("start", self.start);
    f.nested("energy_l2", self.energy_l2);
    f.nested("loss", self.loss);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int) const { check_fields("basin::objective::ContrastiveDivergence", *this); }

  /// The objective on an execution space.
  template <class E, class Exec, tile::Tuning tuning>
  class bind : public Contrast<E, Exec, tuning, Sampler, loss_type> {
    using base = Contrast<E, Exec, tuning, Sampler, loss_type>;

   public:
    using typename base::Chains;
    using typename base::Outputs;
    using typename base::Pool;
    using typename base::Scalar;

    /// \param data  the rows that start::Data draws from
    bind(Exec const& exec, ContrastiveDivergence const& options, int batch,
         Dataset<Scalar, typename base::memory> const& data, std::uint64_t seed)
        : base(exec, options.sampler, batch, seed), pool_(data.points), seed_(seed) {}

    /// gradient (E::parameters) = dL/dtheta at batch() and new samples. Asynchronous on exec.
    void gradient(Exec const& exec, ContrastiveDivergence const& options, E const& energy,
                  Step const& step, Scalar const*, Scalar* gradient) {
      samples(exec, options, energy, base::batch().points, base::samples(), step, base::outputs());
      base::contrast(exec, options.loss, options.energy_l2, energy, step, gradient);
    }

    /// chains = samples of the model for this step. Asynchronous on exec.
    void samples(Exec const& exec, ContrastiveDivergence const& options, E const& energy,
                 Chains const& data, Chains const& chains, Step const& step,
                 Outputs const& outputs) {
      Stream const stream = step.stream(seed_, Purpose::sampler_start);
      if constexpr (of_batch)
        basin::sampler::start_chains<tuning>(exec, options.start, chains, data, stream);
      else
        basin::sampler::start_chains<tuning>(exec, options.start, chains, pool_, stream);
      base::move(exec, options.sampler, energy, chains, step, outputs);
    }

    /// Starting points for a user's chains: as in training, except that starts at the batch use
    /// rows of the data.
    void start(Exec const& exec, ContrastiveDivergence const& options, Chains const& chains,
               Stream const& stream) {
      if constexpr (of_batch)
        basin::sampler::start_chains<tuning>(
            exec, basin::sampler::OnDataRows<start_type>{options.start}, chains, pool_, stream);
      else
        basin::sampler::start_chains<tuning>(exec, options.start, chains, pool_, stream);
    }

   private:
    static constexpr bool of_batch =
        basin::sampler::rows_of<start_type> == basin::sampler::StartRows::batch;

    Pool pool_;  // (rows, dimension)
    std::uint64_t seed_;
  };
};

}  // namespace basin::objective

#endif
