// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_PERSISTENT_CD_HPP
#define BASIN_OBJECTIVE_PERSISTENT_CD_HPP

#include <basin/buffer/replay.hpp>
#include <basin/objective/loss.hpp>
#include <basin/sampler/langevin.hpp>

namespace basin::objective {

/// Persistent contrastive divergence: chains live on in a replay buffer.
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
  static_assert(sampler::Sampler<Sampler>,
                "basin::objective::PersistentCd: the first argument is no sampler; write for "
                "example sampler::Langevin<>, and the buffer behind it.");
  static_assert(buffer::Buffer<Buffer>,
                "basin::objective::PersistentCd: the second argument is no buffer; write for "
                "example buffer::Replay<>, and a loss policy, if any, behind it.");
  static_assert((Policy<Policies> && ...) && (has_axis<Policies, loss_axis> && ...) &&
                    sizeof...(Policies) <= 1,
                "basin::objective::PersistentCd: after sampler and buffer write at most a loss "
                "policy.");
  using sampler_type = Sampler;
  using buffer_type  = Buffer;
  using loss_type    = pick<loss_axis, loss::Difference, Policies...>;

  Sampler sampler{};
  Buffer buffer{};
  EnergyPenalty energy_l2{};

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    sampler.check();
    buffer.check(batch);
    if constexpr (requires { sampler.lower, sampler.upper; })
      buffer.check_chains(sampler.lower, sampler.upper);
    energy_l2.check();
  }

  /// The objective on an execution space.
  template <class E, class Exec, tile::Tuning tuning>
  class bind {
    using Scalar = typename E::scalar_type;
    using memory = typename Exec::memory_space;

   public:
    using Chains       = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;
    using Pool         = Kokkos::View<Scalar const**, Kokkos::LayoutRight, memory>;
    using bound_buffer = typename Buffer::template bind<Exec, Scalar, tuning>;

    bind(Exec const& exec, PersistentCd const& options, int batch, Pool const& pool,
         std::uint64_t seed)
        : buffer_(exec, options.buffer, batch, E::dimension, pool, seed),
          pool_(pool),
          seed_(seed) {}

    /// chains = samples of the model for this step. Asynchronous on exec.
    void samples(Exec const& exec, PersistentCd const& options, E const& energy, Chains const&,
                 Chains const& chains, Step const& step,
                 sampler::ChainStatistics<Scalar> const& statistics) {
      buffer_.draw(exec, chains, step);
      sample<tuning>(exec, options.sampler, energy, chains,
                     step.stream(seed_, Purpose::sampler_noise, sampler::steps_bits), statistics);
      buffer_.write(exec, chains, step);
    }

    /// Takes other options for the steps that follow.
    /// \throws std::invalid_argument if they differ in what the buffer was made for
    void change(PersistentCd const& options) { buffer_.change(options.buffer); }

    /// Starting points for chains of a user's own: as fresh chains start.
    void start(Exec const& exec, PersistentCd const& options, Chains const& chains,
               Stream const& stream) {
      sampler::start_chains<tuning>(exec, options.buffer.start, chains, pool_, stream);
    }

    /// (batch) sampler calls since each chain of the batch started.
    int const* ages() const { return buffer_.drawn_ages().data(); }

    /// The buffer.
    template <class A>
    void archive(A& a) {
      a("buffer", buffer_);
    }

    bound_buffer& buffer() { return buffer_; }
    bound_buffer const& buffer() const { return buffer_; }

   private:
    bound_buffer buffer_;
    Pool pool_;
    std::uint64_t seed_;
  };
};

}  // namespace basin::objective

#endif
