// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_IMPROVED_CONTRASTIVE_DIVERGENCE_HPP
#define BASIN_OBJECTIVE_IMPROVED_CONTRASTIVE_DIVERGENCE_HPP

#include <basin/buffer/replay.hpp>
#include <basin/energy/parameter_gradient.hpp>
#include <basin/objective/chains.hpp>
#include <basin/objective/detail/buffered_contrast.hpp>
#include <basin/objective/detail/last_step.hpp>
#include <basin/objective/detail/nearest_draws.hpp>

#include <array>

namespace basin::objective {

namespace quantity {

inline constexpr Quantity entropy{"entropy", "nat",
                                  "of the samples, by their nearest neighbors among draws of the "
                                  "buffer"};

}  // namespace quantity

namespace detail {

template <class Bound, class Exec, class Chains, class Ints>
concept LooksAtSlots = requires(Bound const& b, Exec const& exec, Chains const& points,
                                Ints const& slots, Step const& step) {
  b.look(exec, points, slots, step);
  b.slots();
};

}  // namespace detail

/// Improved contrastive divergence: persistent contrastive divergence, and the divergence of the
/// chains from the model through the last step of the sampler.
///
///   L = L_PCD + kappa mean E_sg(x_K(theta)) - lambda mean log |x_K(theta) - b|
///
///   dL/dtheta = dL_PCD/dtheta + mean d/dtheta u.grad E(y)
///
/// x_K(theta) is the last of the K steps from x_(K-1), which is held fixed as the theta of E_sg is;
/// b is the k-th nearest of m draws of the buffer, exactly, as the buffer is before the chains are
/// written, without the slot that the chain came from. y is where the last step asks for the gradient,
/// and u = - step_size (kappa grad E(x_K) - lambda (x_K - b) / |x_K - b|^2), 0 where the clip or the
/// clamp is active: one pass of jets of order 1, whatever K is.
///
/// The last term stands for the entropy of the chains: that of Kozachenko and Leonenko 1987, Problemy
/// Peredachi Informatsii 23(2), is
///
///   H = D mean log |x - b| + log V_D + psi(m + 1) - psi(k)
///
/// with V_D the volume of the unit ball, exactly without bias where the density is constant between
/// x and b. It is the column 'entropy'. Of chains whose law is not that of the buffer it is the cross
/// entropy of both. Where x = b there is no direction, and the term has no gradient.
///
/// Source: Du, Li, Tenenbaum and Mordatch 2021, arXiv:2012.01316, as its code has it: kappa = 1 and
/// lambda = 0.3 beside it, where D lambda would be the weight of H; m = 100, k = 1. Not as there: all
/// chains of the batch have the terms; the buffer is full from the start, so nothing waits for it;
/// chains are held fixed before the last step, where the code can go through all. energy_l2 is 1 there.
///
/// The terms add kappa KL(q | p) with theta of p held fixed. That of contrastive divergence itself,
/// which PCD leaves out, has the other sign: this is a regularizer. For N(0, v) data and one step
/// of size alpha from them the stiffness is at rest at 0.607 without and at 0.759 with kappa, for
/// alpha = 0.1, v = 1.7, where the data have 0.588. With kappa = lambda = 0 this is PersistentCd,
/// to the bit.
///
/// \tparam Sampler   one whose step has a derivative: sampler::Langevin with no clip or
///                   clip::PerElement, or a move of a user's with a 'pull_back'
/// \tparam Buffer    a buffer::Replay
/// \tparam Policies  a loss policy for L_PCD (default loss::Difference)
template <class Sampler, class Buffer = buffer::Replay<>, class... Policies>
struct ImprovedContrastiveDivergence {
  static_assert(
      sampler::NamesSteps<Sampler>,
      "basin::objective::ImprovedContrastiveDivergence: the first argument is no sampler; "
      "write for example sampler::Langevin<>, and the buffer behind it.");
  static_assert(!sampler::NamesSteps<Sampler> || sampler::check_sampler<Sampler>::value);
  static_assert(
      buffer::Buffer<Buffer>,
      "basin::objective::ImprovedContrastiveDivergence: the second argument is no buffer; "
      "write for example buffer::Replay<>, and a loss policy, if any, behind it.");
  static_assert(
      (Policy<Policies> && ...) && (has_axis<Policies, loss_axis> && ...) &&
          sizeof...(Policies) <= 1,
      "basin::objective::ImprovedContrastiveDivergence: after sampler and buffer write at "
      "most a loss policy, a struct with 'using axis = basin::objective::loss_axis'.");
  static_assert(chains::Marginal::check_buffer<Buffer>());
  static constexpr bool needs_steps = true;  ///< of the sampler, at least one
  using sampler_type                = Sampler;
  using buffer_type                 = Buffer;
  using loss_type                   = pick<loss_axis, objective::loss::Difference, Policies...>;
  static_assert(check_loss<loss_type>::value);

  /// What to try when a run diverges.
  static constexpr std::array advice{"a larger energy_l2", "more steps of the sampler",
                                     "a smaller step_size of the sampler", "a smaller entropy"};

  Sampler sampler{};
  Buffer buffer{};
  EnergyPenalty energy_l2{};
  loss_type loss{};        ///< options of the policy, if any
  double last_step = 1;    ///< kappa, weight of E at the end of the last step; >= 0
  double entropy   = 0.3;  ///< lambda, weight of log |x - b|; >= 0
  int draws        = 100;  ///< m, of the buffer; > neighbor
  int neighbor     = 1;    ///< k: b is the k-th nearest; >= 1

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("sampler", self.sampler);
    f.nested("buffer", self.buffer);
    f.nested("energy_l2", self.energy_l2);
    f.nested("loss", self.loss);
    f(Field{"last_step", "1", "kappa, weight of E at the end of the last step"}, self.last_step,
      range::at_least(0).finite());
    f(Field{"entropy", "E", "lambda, weight of the logarithm of distances to draws of the buffer"},
      self.entropy, range::at_least(0).finite());
    f(Field{"draws", "1", "m, of the buffer, to which samples are compared"}, self.draws,
      range::at_least(2));
    f(Field{"neighbor", "1", "k, the distance is that to the k-th nearest"}, self.neighbor,
      range::at_least(1));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    char const* who = "basin::objective::ImprovedContrastiveDivergence";
    check_fields(who, *this);
    buffer::check_for(buffer, sampler, batch);
    if (sampler.steps < 1)
      refuse(who, "steps of the sampler is ", sampler.steps, "; there is no last step, write >= 1");
    if (neighbor >= draws)
      refuse(who, "neighbor is ", neighbor, " and draws is ", draws,
             ", of which one may be the chain itself; write more draws");
    if (draws > buffer.capacity)
      refuse(who, "draws is ", draws, ", the buffer has a capacity of ", buffer.capacity);
  }

  /// The objective on an execution space.
  template <class E, class Exec, tile::Tuning tuning>
  class bind : public detail::BufferedContrast<E, Exec, tuning, Sampler, loss_type, Buffer> {
    using base = detail::BufferedContrast<E, Exec, tuning, Sampler, loss_type, Buffer>;
    static_assert(
        sampler::HasPullBack<Sampler, E>,
        "basin::objective::ImprovedContrastiveDivergence: a step of this sampler has no derivative "
        "here; write sampler::Langevin with clip::None or clip::PerElement, or give the move "
        "of a sampler without state a 'pull_back' (see basin/sampler/chain.hpp).");

   public:
    using typename base::Chains;
    using typename base::memory;
    using typename base::Outputs;
    using typename base::Scalar;
    using Ints    = Kokkos::View<int*, memory>;
    using Numbers = Kokkos::View<Scalar*, memory>;
    static_assert(detail::LooksAtSlots<typename base::bound_buffer, Exec, Chains, Ints>,
                  "basin::objective::ImprovedContrastiveDivergence: the samples are compared to "
                  "draws of the buffer, and this one shows none; define 'void look(exec, points, "
                  "slots, step) const' and 'slots()' as buffer::Replay does.");

    /// \param data  the rows that start::Data draws from
    bind(Exec const& exec, ImprovedContrastiveDivergence const& options, int batch,
         Dataset<Scalar, typename base::memory> const& data, std::uint64_t seed)
        : base(exec, options, batch, data, seed),
          batch_(batch),
          seed_(seed),
          last_step_(batch, energy::Adds::yes),
          before_("basin::objective::before_last", batch, +E::dimension),
          draws_("basin::objective::draws", options.draws, +E::dimension),
          slots_("basin::objective::slots", options.draws),
          stride_(tile::tiles(batch, tuning.width) * tuning.width),
          squares_("basin::objective::squares",
                   static_cast<std::size_t>(options.draws) * static_cast<std::size_t>(stride_)),
          nearest_("basin::objective::nearest", batch),
          scales_("basin::objective::scales", batch),
          entropies_("basin::objective::entropies", batch) {
      if constexpr (requires { base::buffer().reserve(1); }) base::buffer().reserve(options.draws);
      last_step_.set_weights(batch, Scalar(1) / static_cast<Scalar>(batch));
      Kokkos::deep_copy(entropies_, Kokkos::Experimental::quiet_NaN_v<Scalar>);
    }

    /// gradient (E::parameters) = dL/dtheta at batch() and new samples. Asynchronous on exec.
    void gradient(Exec const& exec, ImprovedContrastiveDivergence const& options, E const& energy,
                  Step const& step, Scalar const*, Scalar* gradient) {
      bool const compares = options.entropy > 0, follows = compares || options.last_step > 0;
      Chains const chains = base::samples();
      Outputs outputs     = base::outputs();
      if (follows) outputs.before_last = before_.data();
      base::buffer().draw(exec, chains, step);
      if (compares) base::buffer().look(exec, draws_, slots_, step);
      base::move(exec, options.sampler, energy, chains, step, outputs);
      if (compares) compare(exec, options, chains);
      base::buffer().write(exec, chains, step);
      base::contrast(exec, options.loss, options.energy_l2, energy, step, gradient);
      if (!follows) return;
      auto const move = options.sampler.template move<E>();
      using Points    = tile::Borrowed<Chains>;
      using Fill      = detail::FillLastStep<E, Points, std::remove_const_t<decltype(move)>>;
      last_step_.record(
          exec, energy, batch_,
          Fill{chains, before_, draws_, compares ? nearest_.data() : nullptr, scales_.data(),
               static_cast<Scalar>(options.last_step), move, options.sampler.steps,
               step.stream(seed_, Purpose::sampler_noise, basin::sampler::steps_bits)},
          layer::Inference{});
      last_step_.add(exec, batch_, gradient, Scalar(1));
    }

    /// chains = samples of the model for this step. Asynchronous on exec.
    void samples(Exec const& exec, ImprovedContrastiveDivergence const& options, E const& energy,
                 Chains const&, Chains const& chains, Step const& step, Outputs const& outputs) {
      base::buffer().draw(exec, chains, step);
      base::move(exec, options.sampler, energy, chains, step, outputs);
      base::buffer().write(exec, chains, step);
    }

    /// Sets other options for the steps that follow.
    /// \throws std::invalid_argument if they need different arrays
    void change(ImprovedContrastiveDivergence const& options) {
      refuse_change("basin::objective::ImprovedContrastiveDivergence", "draws",
                    static_cast<int>(draws_.extent(0)), options.draws);
      base::change(options);
    }

    /// The columns of Contrast, buffer_age, and entropy, which is NaN while its weight is 0.
    auto columns() const {
      return join(base::columns(), std::array<Column<Scalar>, 2>{
                                       {base::age_column(),
                                        {quantity::entropy, entropies_.data(), nullptr, batch_}}});
    }

    /// (batch, dimension) the chains before the last step of the sampler
    Chains before_last() const { return before_; }
    /// (draws, dimension) b, and (draws) their slots
    Chains draws() const { return draws_; }
    Ints draw_slots() const { return slots_; }
    /// (batch) which draw is the k-th nearest of each chain
    Ints nearest() const { return nearest_; }

   private:
    void compare(Exec const& exec, ImprovedContrastiveDivergence const& options,
                 Chains const& chains) const {
      constexpr int D = E::dimension;
      int const m     = options.draws;
      using Work      = detail::NearestDraws<Scalar, D, tile::Borrowed<Chains>>;
      tile::for_each_tile<tuning>(
          exec, "basin::nearest", tile::tiles(batch_, tuning.width),
          Work{chains, draws_, base::buffer().slots().data(), slots_.data(), options.neighbor,
               static_cast<Scalar>(options.entropy),
               static_cast<Scalar>(detail::entropy_offset(D, options.neighbor, m)),
               static_cast<Scalar>(detail::entropy_offset(D, options.neighbor, m - 1)),
               squares_.data(), stride_, nearest_.data(), scales_.data(), entropies_.data()});
    }

    int batch_;
    std::uint64_t seed_;
    energy::ParameterGradient<E, 1, Exec, tuning> last_step_;
    Chains before_;      // (batch, dimension)
    Chains draws_;       // (draws, dimension)
    Ints slots_;         // (draws)
    int stride_;         // batch, padded to full tiles
    Numbers squares_;    // (draws, stride)
    Ints nearest_;       // (batch)
    Numbers scales_;     // (batch)
    Numbers entropies_;  // (batch)
  };
};

}  // namespace basin::objective

#endif
