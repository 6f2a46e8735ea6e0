// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_ADAPTATION_HPP
#define BASIN_SAMPLER_ADAPTATION_HPP

#include <basin/core/check.hpp>
#include <basin/core/field.hpp>
#include <basin/sampler/chain.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace basin::sampler {

/// How a sampler tunes itself in its first trajectories, the warm-up. After it nothing changes any
/// more, and the chain has the law of the energy.
struct Adaptation {
  int warmup               = 500;    ///< steps of each chain that tune; >= 0
  int block                = 1;      ///< steps between two adaptations; >= 1
  double target_acceptance = 0.651;  ///< in (0, 1)
  bool scales              = true;   ///< whether coordinates get scales of their own

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"warmup", "steps", "of each chain, that tune"}, self.warmup, range::at_least(0));
    f(Field{"block", "steps", "between two adaptations"}, self.block, range::at_least(1));
    f(Field{"target_acceptance", "1", "harmonic mean over the chains"}, self.target_acceptance,
      Range{.low = 0, .high = 1, .without_low = true, .without_high = true});
    f(Field{"scales", "1", "whether coordinates get scales of their own"}, self.scales);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::Adaptation", *this); }
};

/// The parts of a warm-up: 75 steps for the step size alone, windows of 25, 50, 100 ... steps, each of
/// which ends with new scales, and 50 steps for the step size alone; of fewer than 150 steps 15 %,
/// one window, and 10 %. Source: Stan Development Team, Stan Reference Manual, "Automatic parameter
/// tuning".
struct WarmupWindows {
  long warmup;

  KOKKOS_FUNCTION long first() const { return warmup < 150 ? warmup * 15 / 100 : 75; }
  KOKKOS_FUNCTION long last() const { return warmup - (warmup < 150 ? warmup / 10 : 50); }
  /// Whether the state after 'taken' steps counts for the scales.
  KOKKOS_FUNCTION bool collects(long taken) const { return taken > first() && taken <= last(); }
  /// Whether a window ends in (from, to] steps.
  KOKKOS_FUNCTION bool closes(long from, long to) const {
    long const end = last();
    long size      = warmup < 150 ? end - first() : 25;
    for (long at = first(); at < end; size *= 2) {
      // What is left after this window must hold the next one.
      at = at + 3 * size > end ? end : at + size;
      if (from < at && at <= to) return true;
    }
    return false;
  }
};

namespace detail {

// What an adaptation keeps on the device, in double.
namespace adaptive {
inline constexpr int taken    = 0;  // steps of the warm-up
inline constexpr int log_step = 1;  // the last of dual averaging
inline constexpr int average  = 2;  // of log_step
inline constexpr int error    = 3;  // mean of target - acceptance
inline constexpr int updates  = 4;  // since the last window
inline constexpr int toward   = 5;  // mu, the log step that is shrunk to
inline constexpr int draws    = 6;  // in this window, for the scales
inline constexpr int size     = 7;
inline constexpr int parts    = 64;  // of each sum over chains
}  // namespace adaptive

// Merges mean and sum of squares of one coordinate with those of the chains: Chan, Golub and LeVeque
// 1979, Stanford STAN-CS-79-773, eq. 2.1.
template <class Scalar, class Chains>
struct PoolChains {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Chains chains;          // (chains, dimension)
  double const* numbers;  // (adaptive::size)
  double* means;          // (dimension)
  double* squares;        // (dimension)
  double* partial;        // (dimension, parts + 1): sums, and the mean
  WarmupWindows windows;
  int block;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int d) const {
    PoolChains const s = *this;
    if (!windows.collects(static_cast<long>(numbers[adaptive::taken]) + block)) return;
    int const count     = static_cast<int>(chains.extent(0));
    double* const parts = partial + static_cast<std::size_t>(d) * (adaptive::parts + 1);
    double* const mean  = parts + adaptive::parts;
    c.each(+adaptive::parts, [=](int p) {
      double sum = 0;
      for (int n = p; n < count; n += adaptive::parts) sum += static_cast<double>(s.chains(n, d));
      parts[p] = sum;
    });
    c.each(1, [=](int) {
      double sum = 0;
      for (int p = 0; p < adaptive::parts; ++p) sum += parts[p];
      *mean = sum / count;
    });
    c.each(+adaptive::parts, [=](int p) {
      double sum = 0;
      for (int n = p; n < count; n += adaptive::parts) {
        double const away = static_cast<double>(s.chains(n, d)) - *mean;
        sum += away * away;
      }
      parts[p] = sum;
    });
    c.each(1, [=](int) {
      double square = 0;
      for (int p = 0; p < adaptive::parts; ++p) square += parts[p];
      double const before = s.numbers[adaptive::draws], all = before + count;
      double const away = *mean - s.means[d];
      s.means[d] += away * count / all;
      s.squares[d] += square + away * away * before * count / all;
    });
  }
};

// One step of dual averaging, and at the end of a window new scales.
template <class Scalar>
struct AdaptSteps {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Scalar const* probabilities;  // (chains) of acceptance
  int chains, dimension, block;
  double* numbers;  // (adaptive::size)
  double* means;    // (dimension)
  double* squares;  // (dimension)
  double* partial;  // (parts)
  Scalar* step;     // (1)
  Scalar* scales;   // (dimension)
  WarmupWindows windows;
  double target, temperature;
  bool with_scales;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    AdaptSteps const s = *this;
    long const before = static_cast<long>(numbers[adaptive::taken]), now = before + block;
    if (before >= windows.warmup) return;  // a recorded graph goes on
    bool const last   = now >= windows.warmup;
    bool const closes = with_scales && windows.closes(before, now);
    c.each(+adaptive::parts, [=](int p) {
      double sum = 0;
      for (int n = p; n < s.chains; n += adaptive::parts)
        sum += 1 / static_cast<double>(s.probabilities[n]);
      s.partial[p] = sum;
    });
    c.each(1, [=](int) {
      double sum = 0;
      for (int p = 0; p < adaptive::parts; ++p) sum += s.partial[p];
      double const acceptance = s.chains / sum;  // 0 if one is
      double* const of        = s.numbers;
      double const t          = ++of[adaptive::updates];
      double const weight     = Kokkos::pow(t, -0.75);
      of[adaptive::error] += (s.target - acceptance - of[adaptive::error]) / (t + 10);
      of[adaptive::log_step] = of[adaptive::toward] - of[adaptive::error] * Kokkos::sqrt(t) / 0.05;
      of[adaptive::average] += weight * (of[adaptive::log_step] - of[adaptive::average]);
      of[adaptive::taken] = static_cast<double>(now);
      if (s.windows.collects(now)) of[adaptive::draws] += s.chains;
      if (closes) s.rescale();
      *s.step = static_cast<Scalar>(Kokkos::exp(of[last ? adaptive::average : adaptive::log_step]));
    });
  }

  // New scales, and dual averaging from a step that is as stable as the old one.
  KOKKOS_FUNCTION void rescale() const {
    double const n = numbers[adaptive::draws];
    double shrunk  = 0;
    for (int d = 0; d < dimension; ++d) {
      double const variance = (n * squares[d] / (n > 1 ? n - 1 : 1) + 5e-3) / (n + 5);
      double const scale    = Kokkos::sqrt(variance / temperature);
      double const ratio    = static_cast<double>(scales[d]) / scale;
      shrunk                = ratio > shrunk ? ratio : shrunk;
      scales[d]             = static_cast<Scalar>(scale);
      means[d] = squares[d] = 0;
    }
    double const log_step       = numbers[adaptive::average] + Kokkos::log(shrunk);
    numbers[adaptive::log_step] = numbers[adaptive::average] = log_step;
    numbers[adaptive::toward]                                = log_step + Kokkos::log(10.0);
    numbers[adaptive::error] = numbers[adaptive::updates] = numbers[adaptive::draws] = 0;
  }
};

}  // namespace detail

/// The state of a sampler that tunes itself, on the device: its step size h by dual averaging
///
///   e_t = (1 - 1 / (t + 10)) e_{t-1} + (target - a_t) / (t + 10),
///   log h_t = mu - e_t sqrt(t) / 0.05,   mu = log(10 h_0),
///   final log h: average of the log h_t with weights t^-0.75
///
/// (Hoffman and Gelman 2014, JMLR 15, section 3.2.1), with a_t the harmonic mean over the chains of
/// their acceptance probability, so that one stuck chain shows (Hoffman, Radul and Sountsov 2021,
/// AISTATS, section 3), and a scale of each coordinate,
///
///   s_d^2 = (n v_d + 5e-3) / (n + 5) / T
///
/// from the variance v_d of all n states of all chains in a window, see WarmupWindows. Sums are in
/// double and in one order. An adaptation is two kernels; after the warm-up there are none.
template <class Scalar, class Exec>
class AdaptationState {
  using memory  = typename Exec::memory_space;
  using Numbers = Kokkos::View<Scalar*, memory>;
  using Doubles = Kokkos::View<double*, memory>;
  using at      = std::size_t;

 public:
  /// \param step_size    h_0
  /// \param temperature  T of the law
  AdaptationState(double step_size, double temperature, int chains, int dimension)
      : temperature_(temperature),
        numbers_("basin::sampler::adaptation", +detail::adaptive::size),
        means_("basin::sampler::means", at(dimension)),
        squares_("basin::sampler::squares", at(dimension)),
        partial_("basin::sampler::partial_sums", at(dimension) * (detail::adaptive::parts + 1)),
        step_("basin::sampler::step_size", 1),
        scales_("basin::sampler::scales", at(dimension)),
        probabilities_("basin::sampler::probabilities", at(chains)) {
    auto const numbers = Kokkos::create_mirror_view(numbers_);
    Kokkos::deep_copy(numbers, 0);
    numbers(detail::adaptive::toward) = std::log(10 * step_size);
    Kokkos::deep_copy(numbers_, numbers);
    Kokkos::deep_copy(step_, static_cast<Scalar>(step_size));
    Kokkos::deep_copy(scales_, Scalar(1));
  }

  /// (1) the step size of the next step, on the device
  Numbers step_size() const { return step_; }
  /// (dimension) the scales of the coordinates, on the device; units of x / sqrt(E)
  Numbers scales() const { return scales_; }
  /// (chains) where a move leaves the mean acceptance probability of each chain
  Scalar* probabilities() const { return probabilities_.data(); }
  /// Steps of each chain so far, at most those of the warm-up.
  long steps_taken() const { return taken_; }

  /// How many of the next steps can be one launch, at most 'steps'; whether they tune.
  struct Next {
    int steps;
    bool tunes;
  };
  Next next(Adaptation const& options, int steps) const {
    if (taken_ >= options.warmup) return {steps, false};
    return {std::min({steps, options.block, static_cast<int>(options.warmup - taken_)}), true};
  }

  /// After 'steps' steps that tune. Asynchronous on exec.
  /// \param chains  (chains, dimension) as made with
  /// \throws std::invalid_argument if there are others
  template <tile::Tuning tuning, class Chains>
  void adapt(Exec const& exec, Adaptation const& options, Chains const& chains, int steps) {
    using Borrowed = tile::Borrowed<Chains>;
    int const D = static_cast<int>(scales_.size()), count = static_cast<int>(chains.extent(0));
    WarmupWindows const windows{options.warmup};
    if (options.scales)
      tile::for_each_tile<tuning>(
          exec, "basin::pool", D,
          detail::PoolChains<Scalar, Borrowed>{chains, numbers_.data(), means_.data(),
                                               squares_.data(), partial_.data(), windows, steps});
    tile::for_each_tile<tuning>(
        exec, "basin::adapt", 1,
        detail::AdaptSteps<Scalar>{probabilities_.data(), count, D, steps, numbers_.data(),
                                   means_.data(), squares_.data(), partial_.data(), step_.data(),
                                   scales_.data(), windows, options.target_acceptance, temperature_,
                                   options.scales});
    taken_ += steps;
  }

  /// \throws std::invalid_argument if the state is of another number of chains
  void check_chains(char const* who, std::size_t chains) const {
    if (chains != probabilities_.size())
      refuse(who, "the state is of ", probabilities_.size(), " chains, and there are ", chains);
  }

  /// Lists what must be saved.
  template <class Archive>
  void archive(Archive& a) {
    a("taken", taken_);
    a("numbers", numbers_);
    a("means", means_);
    a("squares", squares_);
    a("step_size", step_);
    a("scales", scales_);
  }

 private:
  double temperature_;
  long taken_ = 0;
  Doubles numbers_;        // (adaptive::size)
  Doubles means_;          // (dimension) of a window
  Doubles squares_;        // (dimension) sums of squared deviations
  Doubles partial_;        // (dimension, parts + 1)
  Numbers step_;           // (1)
  Numbers scales_;         // (dimension)
  Numbers probabilities_;  // (chains)
};

/// A sampler that tunes itself: it has 'steps', an Adaptation 'adaptation', a 'state' that is an
/// AdaptationState, and in place of a move
///
///   template <class E> auto tuned_move(state const&) const;
///
/// which reads step size and scales on the device and leaves the chains' acceptance probabilities.
template <class S, class E, class State>
concept TunesItself = requires(S const& s, State const& state) {
  { s.adaptation } -> std::same_as<Adaptation const&>;
  s.template tuned_move<E>(state);
};

/// Moves every chain in place by options.steps steps, and tunes while the state's warm-up lasts.
/// Asynchronous on exec.
///
/// \param state   made by (exec, options, chains, dimension, seed); see sampler::sample for the rest
/// \throws std::invalid_argument as sampler::sample, and if the state is of other chains
template <tile::Tuning tuning, class Exec, Sampler S, class State, class E, class Chains>
  requires TunesItself<S, E, State>
void sample(Exec const& exec, S const& options, State& state, E const& energy, Chains const& chains,
            Stream stream,
            std::type_identity_t<outputs_of<S, typename E::scalar_type>> const& outputs = {}) {
  options.check();
  state.check_chains("basin::sampler::sample", chains.extent(0));
  auto const move = options.template tuned_move<E>(state);
  auto reported   = outputs;
  int k           = 0;
  do {
    auto const next      = state.next(options.adaptation, options.steps - k);
    reported.before_last = k + next.steps == options.steps ? outputs.before_last : nullptr;
    run_chains<tuning, find_column<S>("displacement")>(exec, "basin::chains", move, energy, chains,
                                                       stream, next.steps, reported);
    if (next.tunes && next.steps > 0)
      state.template adapt<tuning>(exec, options.adaptation, chains, next.steps);
    stream.step += static_cast<std::uint64_t>(next.steps);
    k += next.steps;
  } while (k < options.steps);
}

/// With a state of its own for this call, which is lost with it. Allocates, and waits.
template <tile::Tuning tuning, class Exec, Sampler S, class E, class Chains>
  requires TunesItself<S, E, state_of<S, typename E::scalar_type, Exec>>
void sample(Exec const& exec, S const& options, E const& energy, Chains const& chains,
            Stream stream,
            std::type_identity_t<outputs_of<S, typename E::scalar_type>> const& outputs = {}) {
  state_of<S, typename E::scalar_type, Exec> state(
      exec, options, static_cast<int>(chains.extent(0)), +E::dimension, stream.seed);
  sample<tuning>(exec, options, state, energy, chains, stream, outputs);
  exec.fence("basin::sampler::sample");  // before the state goes
}

}  // namespace basin::sampler

#endif
