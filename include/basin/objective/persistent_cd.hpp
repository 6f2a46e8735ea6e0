// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_PERSISTENT_CD_HPP
#define BASIN_OBJECTIVE_PERSISTENT_CD_HPP

#include <basin/buffer/replay.hpp>
#include <basin/objective/chains.hpp>
#include <basin/objective/contrast.hpp>
#include <basin/objective/detail/buffered_contrast.hpp>

namespace basin::objective {

/// Persistent contrastive divergence: chains persist in a replay buffer.
///
///   dL/dtheta = mean dE/dtheta (x+) - mean dE/dtheta (x-)
///
/// x- are chains drawn from the buffer, moved by K steps of the sampler and written back.
/// Source: Tieleman 2008, ICML, "Training restricted Boltzmann machines using approximations to the
/// likelihood gradient"; with a buffer: Du and Mordatch 2019, arXiv:1903.08689, algorithm 1.
///
/// \tparam Sampler   for example sampler::Langevin<sampler::Decoupled>
/// \tparam Buffer    a buffer::Replay
/// \tparam Policies  a loss policy (default loss::Difference)
template <class Sampler, class Buffer = buffer::Replay<>, class... Policies>
struct PersistentCd {
  static_assert(sampler::NamesSteps<Sampler>,
                "basin::objective::PersistentCd: the first argument is no sampler; write for "
                "example sampler::Langevin<>, and the buffer behind it.");
  static_assert(!sampler::NamesSteps<Sampler> || sampler::check_sampler<Sampler>::value);
  static_assert(buffer::Buffer<Buffer>,
                "basin::objective::PersistentCd: the second argument is no buffer; write for "
                "example buffer::Replay<>, and a loss policy, if any, behind it.");
  static_assert((Policy<Policies> && ...) && (has_axis<Policies, loss_axis> && ...) &&
                    sizeof...(Policies) <= 1,
                "basin::objective::PersistentCd: after sampler and buffer write at most a loss "
                "policy, a struct with 'using axis = basin::objective::loss_axis'.");
  static_assert(chains::Marginal::check_buffer<Buffer>());
  using sampler_type = Sampler;
  using buffer_type  = Buffer;
  using loss_type    = pick<loss_axis, objective::loss::Difference, Policies...>;
  static_assert(check_loss<loss_type>::value);

  /// What to try when a run diverges.
  static constexpr std::array advice{"a larger energy_l2", "more steps of the sampler",
                                     "a smaller step_size of the sampler"};

  Sampler sampler{};
  Buffer buffer{};
  EnergyPenalty energy_l2{};
  loss_type loss{};  ///< options of the policy, if any

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("sampler", self.sampler);
    f.nested("buffer", self.buffer);
    f.nested("energy_l2", self.energy_l2);
    f.nested("loss", self.loss);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    check_fields("basin::objective::PersistentCd", *this);
    buffer::check_for(buffer, sampler, batch);
  }

  /// The objective on an execution space.
  template <class E, class Exec, tile::Tuning tuning>
  class bind : public detail::BufferedContrast<E, Exec, tuning, Sampler, loss_type, Buffer> {
    using base = detail::BufferedContrast<E, Exec, tuning, Sampler, loss_type, Buffer>;

   public:
    using typename base::Chains;
    using typename base::Outputs;
    using typename base::Scalar;

    /// \param data  the rows that start::Data draws from
    bind(Exec const& exec, PersistentCd const& options, int batch,
         Dataset<Scalar, typename base::memory> const& data, std::uint64_t seed)
        : base(exec, options, batch, data, seed) {}

    /// gradient (E::parameters) = dL/dtheta at batch() and new samples. Asynchronous on exec.
    void gradient(Exec const& exec, PersistentCd const& options, E const& energy, Step const& step,
                  Scalar const*, Scalar* gradient) {
      samples(exec, options, energy, {}, base::samples(), step, base::outputs());
      base::contrast(exec, options.loss, options.energy_l2, energy, step, gradient);
    }

    /// chains = samples of the model for this step. Asynchronous on exec.
    void samples(Exec const& exec, PersistentCd const& options, E const& energy, Chains const&,
                 Chains const& chains, Step const& step, Outputs const& outputs) {
      base::buffer().draw(exec, chains, step);
      base::move(exec, options.sampler, energy, chains, step, outputs);
      base::buffer().write(exec, chains, step);
    }

    /// The columns of Contrast, and buffer_age.
    auto columns() const {
      return join(base::columns(), std::array<Column<Scalar>, 1>{base::age_column()});
    }
  };
};

}  // namespace basin::objective

#endif
