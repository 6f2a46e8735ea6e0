// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_WEIGHTED_PERSISTENT_CD_HPP
#define BASIN_OBJECTIVE_WEIGHTED_PERSISTENT_CD_HPP

#include <basin/buffer/replay.hpp>
#include <basin/objective/detail/buffered_contrast.hpp>
#include <basin/sampler/resampling.hpp>
#include <basin/sampler/weighted_langevin.hpp>

#include <array>

namespace basin::objective {

namespace quantity {

inline constexpr Quantity log_partition{"log_partition", "1",
                                        "log Z, of the weights of the samples"};
inline constexpr Quantity effective_share{"effective_share", "1",
                                          "(sum w)^2 / (batch sum w^2), before resampling"};
inline constexpr Quantity resampled{"resampled", "1", "share of the steps that resampled"};

}  // namespace quantity

namespace detail {

// Weights of samples in the law exp(-E): log w_n = history_n + log_ratio_n - E_n.
template <class Scalar>
struct ChainWeights {
  Scalar const* histories;   // (batch) as drawn: log w + E at the start of the sampler
  Scalar const* log_ratios;  // (batch) of the sampler

  KOKKOS_FUNCTION Scalar history(int n) const { return histories[n] + log_ratios[n]; }
  KOKKOS_FUNCTION Scalar log_weight(Scalar const* energies, int n) const {
    return history(n) - energies[n];
  }
};

struct WeightSums {
  double largest, sum, squares;  // log w; of w / largest, and of its square
};

template <class Scalar>
KOKKOS_FUNCTION WeightSums sum_weights(ChainWeights<Scalar> const& weights, Scalar const* energies,
                                       int count) {
  WeightSums s{static_cast<double>(weights.log_weight(energies, 0)), 0, 0};
  for (int n = 1; n < count; ++n)
    s.largest = Kokkos::fmax(s.largest, static_cast<double>(weights.log_weight(energies, n)));
  for (int n = 0; n < count; ++n) {
    double const w = Kokkos::exp(static_cast<double>(weights.log_weight(energies, n)) - s.largest);
    s.sum += w;
    s.squares += w * w;
  }
  return s;
}

// L = mean E+ - sum w E- / sum w, w held fixed.
template <class Scalar>
struct WeightedDifference {
  using axis = loss_axis;
  ChainWeights<Scalar> weights;

  template <class S>
  KOKKOS_FUNCTION WeightSums reduce(loss::Energies<S> const& e) const {
    return sum_weights(weights, e.samples, e.batch);
  }
  template <class S>
  KOKKOS_FUNCTION loss::Weights<S> operator()(loss::Energies<S> const& e, int n,
                                              WeightSums const& s) const {
    double const w = Kokkos::exp(static_cast<double>(weights.log_weight(e.samples, n)) - s.largest);
    return {e.share, static_cast<S>(-w / s.sum)};
  }
};

// The history of a chain that was just started: the law of its start has the weight 1 / density.
template <class Scalar, class Start, class Chains>
struct BeginHistory {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Start start;
  Chains chains;      // (batch, dimension)
  int const* ages;    // (batch)
  Scalar* histories;  // (batch)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int n) const {
    if (ages[n] > 0) return;
    BeginHistory const s = *this;
    c.each(1, [=](int) {
      s.histories[n] = -s.start.log_density(&s.chains(n, 0), static_cast<int>(s.chains.extent(1)));
    });
  }
};

// The columns of the weights; histories after the step, and where each chain comes from.
template <class Scalar>
struct Resample {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  ChainWeights<Scalar> weights;
  Scalar const* energies;  // (batch)
  int batch;
  double effective_share;
  Stream stream;
  Scalar* histories;  // (batch)
  int* origins;       // (batch)
  Scalar* numbers;    // (3): the columns

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    Resample const s = *this;
    Stream const at  = stream.now();
    c.each(1, [=](int) {
      int const B            = s.batch;
      WeightSums const sums  = sum_weights(s.weights, s.energies, B);
      double const share     = sums.sum * sums.sum / (sums.squares * static_cast<double>(B));
      double const log_mean  = sums.largest + Kokkos::log(sums.sum / static_cast<double>(B));
      bool const replaced    = share < s.effective_share;
      s.numbers[0]           = static_cast<Scalar>(log_mean);
      s.numbers[1]           = static_cast<Scalar>(share);
      s.numbers[2]           = replaced ? Scalar(1) : Scalar(0);
      ChainWeights<Scalar> w = s.weights;
      Scalar const* const e  = s.energies;
      if (replaced)
        sampler::resample_systematically(
            B,
            [=](int n) {
              return Kokkos::exp(static_cast<double>(w.log_weight(e, n)) - sums.largest);
            },
            sums.sum, unit_uniform<double>(random_word(at, 0, 0)), s.origins);
      for (int n = 0; n < B; ++n) {
        if (!replaced) s.origins[n] = n;
        // All who are left count the mean.
        s.histories[n] = replaced ? static_cast<Scalar>(log_mean) + e[s.origins[n]] : w.history(n);
      }
    });
  }
};

// to(n, :) = from(origins(n), :)
template <class Scalar, class Chains>
struct TakeChains {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Chains from, to;     // (batch, dimension)
  int const* origins;  // (batch)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int n) const {
    Chains const source = from, target = to;
    int const origin = origins[n];
    c.each(static_cast<int>(source.extent(1)), [=](int d) { target(n, d) = source(origin, d); });
  }
};

template <class Start>
concept HasLogDensity = requires(Start const& s, double const* x) {
  { s.log_density(x, 1) } -> std::same_as<double>;
};

template <class Buffer>
inline constexpr int columns_of_buffer = 0;
template <class Buffer>
  requires requires { +Buffer::columns; }
inline constexpr int columns_of_buffer<Buffer> = Buffer::columns;

template <class Buffer>
inline constexpr bool rounds = false;
template <class Buffer>
  requires requires { typename Buffer::storage_type; }
inline constexpr bool rounds<Buffer> =
    !std::is_same_v<typename Buffer::storage_type, buffer::storage::Full>;

template <class Buffer>
inline constexpr bool augments = requires { typename Buffer::augmentation_type::shape; };

}  // namespace detail

/// Persistent contrastive divergence with a weight for every chain, so that chains which are behind
/// the model, and steps which are not small, leave no bias:
///
///   dL/dtheta = mean dE/dtheta (x+) - sum w dE/dtheta (x-) / sum w
///
/// The weights are those of Jarzynski's equality. With history = log w + E a chain that starts in a
/// law of density q has history = -log q, K steps of the sampler add its log_ratio, and a change of
/// theta leaves the history as it is: log w = history - E_theta(x), at any theta, and mean w is an
/// estimate of Z = integral exp(-E_theta) without a bias. The history is a column of the buffer, one
/// number for each slot. Where the effective share of the weights of a batch falls below
/// effective_share, the chains of the batch are resampled by them and have the mean weight from then
/// on. A fresh chain has the weight of a fresh chain.
///
/// Source: Carbone, Hua, Coste and Vanden-Eijnden 2023, arXiv:2305.19414, algorithm 1, and Nilmeier et
/// al. 2011 for the steps. Not as there: the way back is by the gradient at the theta of the way
/// forward, with K steps at one theta and one gradient more; a batch of a larger buffer is weighted
/// and resampled for itself. The law of the start must reach wherever exp(-E) does.
///
/// \tparam Sampler  one that reports 'log_ratio', sampler::WeightedLangevin
/// \tparam Buffer   a buffer::Replay with buffer::Columns<1>, a start that has a density, and
///                  storage::Full
template <class Sampler = sampler::WeightedLangevin,
          class Buffer  = buffer::Replay<sampler::start::Gaussian, buffer::Columns<1>>,
          class... Others>
struct WeightedPersistentCd {
  static_assert(
      sampler::find_column<Sampler>("log_ratio") >= 0,
      "basin::objective::WeightedPersistentCd: this sampler does not report 'log_ratio', "
      "what its steps are worth on the way back; a clip, a clamp and decoupled noise have "
      "none. Write sampler::WeightedLangevin.");
  static_assert(
      buffer::Buffer<Buffer> && detail::columns_of_buffer<Buffer> == 1,
      "basin::objective::WeightedPersistentCd: the buffer has no column for the weight of "
      "a chain; write for example buffer::Replay<sampler::start::Gaussian, "
      "buffer::Columns<1>>.");
  static_assert(!detail::rounds<Buffer>,
                "basin::objective::WeightedPersistentCd: a chain whose coordinates are rounded has "
                "another weight; write buffer::storage::Full.");
  static_assert(!detail::augments<Buffer>,
                "basin::objective::WeightedPersistentCd: a chain that was augmented has another "
                "weight; leave the augmentation of the buffer out.");
  static_assert(
      detail::HasLogDensity<decltype(Buffer::start)>,
      "basin::objective::WeightedPersistentCd: a chain starts with the weight 1 / density, "
      "and this start has no 'log_density'; write sampler::start::Gaussian.");
  static_assert(sizeof...(Others) == 0,
                "basin::objective::WeightedPersistentCd: after sampler and buffer write nothing; a "
                "loss or an augmentation of the chains has no weights.");
  using sampler_type = Sampler;
  using buffer_type  = Buffer;

  /// What to try when a run diverges.
  static constexpr std::array advice{"more steps of the sampler",
                                     "a smaller step_size of the sampler",
                                     "a larger effective_share"};

  Sampler sampler{};
  Buffer buffer = without_fresh();
  double effective_share =
      0.5;  ///< of the weights of a batch, below which it is resampled; in [0, 1]

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("sampler", self.sampler);
    f.nested("buffer", self.buffer);
    f(Field{"effective_share", "1", "of the weights of a batch, below which it is resampled"},
      self.effective_share, range::closed(0, 1));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    char const* who = "basin::objective::WeightedPersistentCd";
    check_fields(who, *this);
    buffer.check(batch);
    if constexpr (requires { buffer.start.standard_deviation; })
      if (!(buffer.start.standard_deviation > 0))
        refuse(who, "standard_deviation of the start must be > 0, got ",
               buffer.start.standard_deviation, "; a point has no density");
  }

  /// The objective on an execution space.
  template <class E, class Exec, tile::Tuning tuning>
  class bind
      : public detail::BufferedContrast<
            E, Exec, tuning, Sampler, detail::WeightedDifference<typename E::scalar_type>, Buffer> {
    using base =
        detail::BufferedContrast<E, Exec, tuning, Sampler,
                                 detail::WeightedDifference<typename E::scalar_type>, Buffer>;

   public:
    using typename base::Chains;
    using typename base::memory;
    using typename base::Scalar;

    /// \param data  the rows of a start that draws from them
    bind(Exec const& exec, WeightedPersistentCd const& options, int batch,
         Dataset<Scalar, memory> const& data, std::uint64_t seed)
        : base(exec, options, batch, data, seed),
          batch_(batch),
          seed_(seed),
          kept_("basin::objective::kept", batch, +E::dimension),
          origins_("basin::objective::origins", batch),
          numbers_("basin::objective::weights", 3) {
      Kokkos::deep_copy(numbers_, Kokkos::Experimental::quiet_NaN_v<Scalar>);
    }

    /// gradient (E::parameters) = dL/dtheta at batch() and new samples. Asynchronous on exec.
    void gradient(Exec const& exec, WeightedPersistentCd const& options, E const& energy,
                  Step const& step, Scalar const*, Scalar* gradient) {
      using Borrowed       = tile::Borrowed<Chains>;
      Chains const samples = base::samples();
      auto& buffer         = base::buffer();
      Scalar* const own    = buffer.drawn_columns().data();  // (batch, 1)
      auto const outputs   = base::outputs();
      buffer.draw(exec, samples, step);
      using Start = decltype(Buffer::start);
      tile::for_each_chain<tuning>(
          exec, "basin::history", batch_,
          detail::BeginHistory<Scalar, Start, Borrowed>{options.buffer.start, samples,
                                                        buffer.drawn_ages().data(), own});
      base::move(exec, options.sampler, energy, samples, step, outputs);
      constexpr int reported = sampler::find_column<Sampler>("log_ratio");
      detail::ChainWeights<Scalar> const weights{own, outputs.columns[reported]};
      base::contrast(exec, {weights}, {}, energy, step, gradient);
      tile::for_each_tile<tuning>(
          exec, "basin::resample", 1,
          detail::Resample<Scalar>{weights, base::energies_of_samples(), batch_,
                                   options.effective_share, step.stream(seed_, Purpose::resampling),
                                   own, origins_.data(), numbers_.data()});
      tile::for_each_chain<tuning>(
          exec, "basin::take", batch_,
          detail::TakeChains<Scalar, Borrowed>{samples, kept_, origins_.data()});
      buffer.write(exec, kept_, step);
    }

    /// The columns of Contrast, of which energy_samples is without weights; log_partition,
    /// effective_share, resampled and buffer_age.
    auto columns() const {
      Scalar const* const n = numbers_.data();
      return join(base::columns(),
                  std::array<Column<Scalar>, 4>{{{quantity::log_partition, n, nullptr, 1},
                                                 {quantity::effective_share, n + 1, nullptr, 1},
                                                 {quantity::resampled, n + 2, nullptr, 1},
                                                 base::age_column()}});
    }

   private:
    int batch_;
    std::uint64_t seed_;
    Chains kept_;                            // (batch, dimension) what is written
    Kokkos::View<int*, memory> origins_;     // (batch) rows of the samples
    Kokkos::View<Scalar*, memory> numbers_;  // (3), see Resample
  };

 private:
  static Buffer without_fresh() {
    Buffer b{};
    if constexpr (requires { b.fresh; }) b.fresh = 0;
    return b;
  }
};

}  // namespace basin::objective

#endif
