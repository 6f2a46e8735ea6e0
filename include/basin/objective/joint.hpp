// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_JOINT_HPP
#define BASIN_OBJECTIVE_JOINT_HPP

#include <basin/buffer/replay.hpp>
#include <basin/core/part.hpp>
#include <basin/objective/balance.hpp>
#include <basin/objective/chains.hpp>
#include <basin/objective/contrast.hpp>
#include <basin/objective/cross_entropy.hpp>
#include <basin/objective/detail/labeled_rows.hpp>
#include <basin/objective/turn.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace basin::objective {

namespace quantity {

inline constexpr Quantity cross_entropy{"cross_entropy", "nat",
                                        "mean -log p(y | x) of the labeled rows"};

}  // namespace quantity

namespace detail {

// Weights of the cross-entropies of labeled rows, and of chains behind them: p_y_given_x and p_x_y
// share the labeled rows equally, p_x_y the chains with the sign of samples.
template <class Scalar, class Turns>
struct WeighLabels {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  static constexpr int parts          = 64;  // of the count, on every backend
  int const* labels;                         // (rows)
  Scalar const* values;                      // (rows) cross-entropies
  int rows, chains;
  Weight p_y_given_x, p_x_y;
  Turns turns;
  Step step;
  int* counts;      // (parts) working memory
  Scalar* weights;  // (rows + chains)
  Scalar* losses;   // (rows) with the mean over labeled rows as their mean

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    WeighLabels const s = *this;
    c.each(+parts, [=](int p) {
      int count = 0;
      for (int n = p; n < s.rows; n += parts) count += s.labels[n] >= 0 ? 1 : 0;
      s.counts[p] = count;
    });
    c.each(1, [=](int) {
      for (int p = 1; p < parts; ++p) s.counts[0] += s.counts[p];
    });
    std::uint64_t const now = step.now();
    double const joint      = turns.generative(now) * p_x_y.at(now);
    double const all        = turns.discriminative(now) * p_y_given_x.at(now) + joint;
    c.each(rows + chains, [=](int n) {
      if (n >= s.rows) {
        s.weights[n] = static_cast<Scalar>(-joint / s.chains);
        return;
      }
      int const labeled  = s.counts[0] > 0 ? s.counts[0] : 1;
      bool const counts  = s.labels[n] >= 0;
      s.weights[n]       = counts ? static_cast<Scalar>(all / labeled) : Scalar(0);
      Scalar const scale = static_cast<Scalar>(s.rows) / static_cast<Scalar>(labeled);
      s.losses[n]        = counts ? scale * s.values[n] : Scalar(0);
    });
  }
};

// The factor of the contrast of data and samples.
template <class Turns>
struct GenerativeFactor {
  Weight p_x, p_x_y;
  Turns turns;
  Step step;
  KOKKOS_FUNCTION double operator()() const {
    std::uint64_t const now = step.now();
    return turns.generative(now) * (p_x.at(now) + p_x_y.at(now));
  }
};

}  // namespace detail

/// A joint energy-based model: one classifier trained as p(y | x), p(x) and p(x, y).
///
///   L = a mean -log p(y | x) + b (mean E(x+) - mean E(x-)) + c (mean E(x+, y+) - mean E(x-, y-))
///
/// with E(x) = -log sum_y exp f_y(x), E(x, y) = -f_y(x), and a, b, c the weights p_y_given_x, p_x
/// and p_x_y. The samples x- are chains of a replay buffer as in PersistentCd, moved on E(x), or, with
/// chains::ClassConditional, on E(x, y-) with a label y- drawn for each. Since E(x, y) = E(x) - log
/// p(y | x), the third term costs no evaluation of its own: it adds c to the weights of the others,
/// and for class-conditional chains -c mean -log p(y- | x-). For marginal chains y- ~ p(y | x-), and
/// the expectation of that gradient is 0.
///
/// Rows with the label -1 count in p(x) only. As many labeled rows as 'labeled' says are then drawn
/// for p(y | x), an epoch over the labeled rows of its own; with 0 those among the batch count.
///
/// Source: Grathwohl et al. 2020, arXiv:1912.03263, eq. 8; weights 1, 1, 0 as in its code.
///
/// \tparam Sampler   for example that of sampler::presets::jem
/// \tparam Buffer    a buffer::Replay, for class-conditional chains with buffer::draw::ByClass
/// \tparam Policies  in any order: chains::Marginal (default) or ClassConditional; turn::Combined
///                   (default) or Alternating; balance::None (default) or GradientNorms; a loss
///                   policy (default loss::Difference)
template <class Sampler, class Buffer = buffer::Replay<>, class... Policies>
struct Joint {
  static_assert(sampler::NamesSteps<Sampler>,
                "basin::objective::Joint: the first argument is no sampler; write for example "
                "sampler::Langevin<>, and the buffer behind it.");
  static_assert(!sampler::NamesSteps<Sampler> || sampler::check_sampler<Sampler>::value);
  static_assert(buffer::Buffer<Buffer>,
                "basin::objective::Joint: the second argument is no buffer; write for example "
                "buffer::Replay<>, and policies, if any, behind it.");
  static_assert((Policy<Policies> && ...) &&
                    (has_axis<Policies, chains_axis, turn_axis, balance_axis, loss_axis> && ...) &&
                    policies_of<chains_axis, Policies...> <= 1 &&
                    policies_of<turn_axis, Policies...> <= 1 &&
                    policies_of<balance_axis, Policies...> <= 1 &&
                    policies_of<loss_axis, Policies...> <= 1,
                "basin::objective::Joint: after sampler and buffer write at most one chains::, one "
                "turn::, one balance:: and one loss:: policy.");
  using sampler_type = Sampler;
  using buffer_type  = Buffer;
  using chains_type  = pick<chains_axis, objective::chains::Marginal, Policies...>;
  using turn_type    = pick<turn_axis, objective::turn::Combined, Policies...>;
  using balance_type = pick<balance_axis, objective::balance::None, Policies...>;
  using loss_type    = pick<loss_axis, objective::loss::Difference, Policies...>;
  static_assert(check_turn<turn_type>::value && check_loss<loss_type>::value);
  static_assert(chains_type::template check_buffer<Buffer>());

  /// What to try when a run diverges.
  static constexpr std::array advice{"a larger energy_l2", "more steps of the sampler",
                                     "a smaller step_size of the sampler", "a smaller p_x"};

  Sampler sampler{};
  Buffer buffer{};
  Weight p_y_given_x{};            ///< a, of log p(y | x)
  Weight p_x{};                    ///< b, of log p(x)
  Weight p_x_y{.coefficient = 0};  ///< c, of log p(x, y)
  double smoothing     = 0;        ///< of labels, as in CrossEntropy; in [0, 1)
  int labeled          = 0;        ///< labeled rows of a step; 0: those among the batch
  double labeled_noise = 0;        ///< standard deviation of noise on them, units of x; >= 0
  EnergyPenalty energy_l2{};       ///< scaled by the weights of p_x and p_x_y
  chains_type chains{};            ///< options of the policy, if any
  turn_type turn{};                ///< options of the policy, if any
  balance_type balance{};          ///< options of the policy, if any
  loss_type loss{};                ///< options of the policy, if any

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("sampler", self.sampler);
    f.nested("buffer", self.buffer);
    f.nested("p_y_given_x", self.p_y_given_x);
    f.nested("p_x", self.p_x);
    f.nested("p_x_y", self.p_x_y);
    f(Field{"smoothing", "1", "of the labels"}, self.smoothing, range::right_open(0, 1));
    f(Field{"labeled", "1", "labeled rows of a step; 0: those among the batch"}, self.labeled,
      range::at_least(0));
    f(Field{"labeled_noise", "x", "standard deviation of noise on them"}, self.labeled_noise,
      range::at_least(0).finite());
    f.nested("energy_l2", self.energy_l2);
    f.nested("chains", self.chains);
    f.nested("turn", self.turn);
    f.nested("balance", self.balance);
    f.nested("loss", self.loss);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    check_fields(who, *this);
    buffer::check_for(buffer, sampler, batch);
    if (p_x_y.coefficient != 0 && smoothing > 0)
      refuse(who, "smoothing is ", smoothing, " and p_x_y is ", p_x_y.coefficient,
             "; E(x, y) has no smoothed labels: write one of them");
    if (p_x_y.coefficient != 0 && labeled > 0)
      refuse(who, "labeled is ", labeled, " and p_x_y is ", p_x_y.coefficient,
             "; log p(x, y) is of the rows of the batch: write one of them");
  }

  /// The part of a slice of the run, see train::Slices: its part of 'labeled'.
  /// \throws std::invalid_argument if labeled rows are fewer than slices
  Joint share(int slice, int slices) const {
    if (labeled > 0 && labeled < slices)
      refuse(who, "labeled is ", labeled, ", fewer than the ", slices,
             " slices of the run; write 0 or a number of at least as many");
    Joint mine = *this;
    mine.labeled =
        static_cast<int>(part_of(static_cast<std::uint64_t>(labeled), slices, slice).count());
    return mine;
  }

  /// The objective on an execution space.
  template <class E, class Exec, tile::Tuning tuning>
  class bind : public Contrast<E, Exec, tuning, Sampler, loss_type> {
    using base = Contrast<E, Exec, tuning, Sampler, loss_type>;
    static_assert(
        requires { requires E::outputs > 1; },
        "basin::objective::Joint: the energy is no classifier; write "
        "energy::Classifier<Scalar, Shape, Layers...>, whose last layer has a logit for each "
        "class.");
    static_assert(
        requires { typename balance_type::template bind<typename E::scalar_type, Exec, tuning>; },
        "basin::objective::Joint: the balance:: policy has no 'template <class Scalar, class Exec, "
        "tile::Tuning tuning> class bind', see basin/objective/balance.hpp.");

   public:
    using typename base::Chains;
    using typename base::Outputs;
    using typename base::Pool;
    using typename base::Scalar;
    using memory       = typename base::memory;
    using bound_buffer = typename Buffer::template bind<Exec, Scalar, tuning>;

    /// \param data  the rows that start::Data draws from, and their labels in [-1, classes)
    /// \throws std::invalid_argument naming the row of a label that does not fit, or both numbers
    ///         where labels are missing or the buffer has no equal parts
    bind(Exec const& exec, Joint const& options, int batch, Dataset<Scalar, memory> const& data,
         std::uint64_t seed)
        : base(exec, options.sampler, batch, seed),
          batch_(batch),
          seed_(seed),
          rows_(options.labeled, data, +E::outputs, +E::dimension, seed),
          labels_("basin::objective::labels", of_labels(options, batch)),
          chains_(options.chains, batch, capacity(options), rows_.counts(), labels_.data() + batch,
                  seed),
          buffer_(exec, chains_.of(options.buffer), batch, +E::dimension, data.points, seed),
          pool_(data.points),
          terms_(of_terms(options, batch)),
          losses_("basin::objective::cross_entropies", labels_of_step(options, batch)),
          counts_("basin::objective::label_counts", +Weigh::parts),
          contrast_("basin::objective::contrast", +E::parameters),
          balance_(+E::parameters) {
      rows_.check(options.p_x_y.coefficient);
      labeled_ = options.labeled;
    }

    /// Points and labels of a step.
    objective::Batch<Scalar, memory> batch() const {
      auto batch   = base::batch();
      batch.labels = Kokkos::subview(labels_, std::pair(0, batch_));
      return batch;
    }

    /// gradient (E::parameters) = dL/dtheta at batch() and new samples. Asynchronous on exec.
    void gradient(Exec const& exec, Joint const& options, E const& energy, Step const& step,
                  Scalar const*, Scalar* gradient) {
      samples(exec, options, energy, {}, base::samples(), step, base::outputs());
      classify(exec, options, energy, step, gradient);
      base::contrast(exec, options.loss, options.energy_l2, energy, step, contrast_.data());
      balance_.add(
          exec, options.balance,
          detail::GenerativeFactor<turn_type>{options.p_x, options.p_x_y, options.turn, step}, step,
          static_cast<Scalar const*>(contrast_.data()), gradient);
    }

    /// chains = samples of the model for this step. Asynchronous on exec.
    void samples(Exec const& exec, Joint const& options, E const& energy, Chains const&,
                 Chains const& chains, Step const& step, Outputs const& outputs) {
      chains_.draw(exec, step);
      buffer_.draw(exec, chains, step);
      base::move(exec, options.sampler, chains_.energy(energy), chains, step, outputs);
      buffer_.write(exec, chains, step);
    }

    /// Sets other options for the steps that follow.
    /// \throws std::invalid_argument if they need different arrays
    void change(Joint const& options) {
      refuse_change(who, "labeled", labeled_, options.labeled);
      rows_.check(options.p_x_y.coefficient);
      buffer_.change(chains_.of(options.buffer));
    }

    /// Starting points for a user's chains: started like fresh chains.
    void start(Exec const& exec, Joint const& options, Chains const& chains, Stream const& stream) {
      basin::sampler::start_chains<tuning>(exec, options.buffer.start, chains, pool_, stream);
    }

    /// The columns of Contrast and of the balance, cross_entropy, and buffer_age.
    auto columns() const {
      auto const ages = buffer_.drawn_ages();
      return join(join(base::columns(), balance_.columns()),
                  std::array<Column<Scalar>, 2>{{{quantity::cross_entropy, losses_.data(), nullptr,
                                                  static_cast<int>(losses_.extent(0))},
                                                 {quantity::buffer_age, nullptr, ages.data(),
                                                  static_cast<int>(ages.extent(0))}}});
    }

    /// Lists what must be saved.
    template <class Archive>
    void archive(Archive& a) {
      base::archive(a);
      a("buffer", buffer_);
      if constexpr (requires { balance_.archive(a); }) a("balance", balance_);
    }

    bound_buffer& buffer() { return buffer_; }
    bound_buffer const& buffer() const { return buffer_; }
    /// (labeled, dimension) the labeled rows of the last step, if 'labeled' are drawn
    Chains labeled_points() const { return rows_.points(); }
    /// (batch) labels of the samples, for class-conditional chains
    Kokkos::View<int*, memory> sample_labels() const
      requires(chains_type::labeled)
    {
      return Kokkos::subview(labels_, std::pair(batch_, 2 * batch_));
    }

   private:
    using Term   = decltype(std::declval<E const&>().with_head(energy::head::CrossEntropy{}));
    using Weigh  = detail::WeighLabels<Scalar, turn_type>;
    using Points = tile::Borrowed<Chains>;

    static int capacity(Joint const& options) {
      if constexpr (chains_type::labeled) return options.buffer.capacity;
      return 0;
    }
    // Labels of the batch, then of the chains, or, before the first step, of the slots.
    static int of_labels(Joint const& options, int batch) {
      return batch + (chains_type::labeled ? std::max(batch, capacity(options)) : 0);
    }
    static int labels_of_step(Joint const& options, int batch) {
      return options.labeled > 0 ? options.labeled : batch;
    }
    // Chains are behind the batch, in the same arrays.
    static int of_terms(Joint const& options, int batch) {
      return std::max(labels_of_step(options, batch), chains_type::labeled ? 2 * batch : batch);
    }

    // gradient = that of the terms of log p(y | x).
    void classify(Exec const& exec, Joint const& options, E const& energy, Step const& step,
                  Scalar* gradient) {
      auto const input = base::batch();
      int rows = batch_, chains = 0;
      Points points(input.points);
      int const* labels = labels_.data();
      if (labeled_ > 0) {
        rows_.template draw<tuning>(exec, options.labeled_noise, step);
        rows   = labeled_;
        points = Points(rows_.points());
        labels = rows_.labels();
      } else if (chains_type::labeled && options.p_x_y.coefficient != 0) {
        chains = batch_;
        points = Points(Chains(input.points.data(), 2 * batch_, +E::dimension));
      }
      int const count = rows + chains;
      terms_.record(exec, energy.with_head(detail::smoothed<E::outputs>(labels, options.smoothing)),
                    count, energy::FillPoints<Points>{points},
                    step.stream(seed_, Purpose::dropout));
      tile::for_each_tile<tuning>(
          exec, "basin::weigh", 1,
          Weigh{labels, terms_.energies(), rows, chains, options.p_y_given_x, options.p_x_y,
                options.turn, step, counts_.data(), terms_.weights(), losses_.data()});
      terms_.sum(exec, count, gradient);
    }

    int batch_, labeled_ = 0;
    std::uint64_t seed_;
    detail::LabeledRows<Scalar, Exec> rows_;
    Kokkos::View<int*, memory> labels_;  // (batch), then (max(batch, capacity)) of chains
    typename chains_type::template bind<E, Exec, tuning> chains_;
    bound_buffer buffer_;
    Pool pool_;  // (rows, dimension)
    energy::ParameterGradient<Term, 0, Exec, tuning> terms_;
    Kokkos::View<Scalar*, memory> losses_;  // (labeled rows of a step)
    Kokkos::View<int*, memory> counts_;
    Kokkos::View<Scalar*, memory> contrast_;  // (E::parameters)
    typename balance_type::template bind<Scalar, Exec, tuning> balance_;
  };

 private:
  static constexpr char const* who = "basin::objective::Joint";
};

}  // namespace basin::objective

#endif
