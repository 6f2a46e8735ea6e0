// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_CHEES_HAMILTONIAN_HPP
#define BASIN_SAMPLER_CHEES_HAMILTONIAN_HPP

#include <basin/sampler/detail/tuned.hpp>
#include <basin/sampler/hamiltonian.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace basin::sampler {

namespace detail {

// What the tuning of a trajectory's length keeps on the device, in double.
namespace chees {
inline constexpr int taken      = 0;  // steps of the warm-up
inline constexpr int log_length = 1;  // ln tau
inline constexpr int average    = 2;  // of log_length
inline constexpr int square     = 3;  // running mean of the squared gradient
inline constexpr int updates    = 4;  // since the scales changed
inline constexpr int jitter     = 5;  // u of the last trajectory
inline constexpr int size       = 6;
}  // namespace chees

// Leapfrogs whose trajectories have a length on the device, and which keep proposals while it is tuned.
template <class Scalar>
struct CheesLeapfrogs : TunedLeapfrogs<Scalar> {
  static constexpr int length_column = 5;
  Scalar const* longest;                // (1) tau
  double* jitter;                       // (1)
  Scalar *before, *after, *velocities;  // (chains, dimension) z, z', p'; or null

  KOKKOS_FORCEINLINE_FUNCTION int count(Scalar h, double u) const {
    return this->count_of(static_cast<double>(*longest), h, u);
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void watch(Context const& c, Tile const& t, Scalar h, double u,
                             Scalar const* old,        // (dimension, T)
                             Scalar const* p) const {  // (dimension, T) but for half a kick
    constexpr int D = std::remove_cvref_t<decltype(t.energy)>::dimension, T = Context::width;
    CheesLeapfrogs const of = *this;
    Scalar const *const now = t.x, *const slope = t.gradient;
    int const first = t.first, chains = t.count;
    if (before == nullptr) return;
    c.each(D * T, [=](int i) {
      int const d = i / T, lane = i % T;
      if (first + lane >= chains) return;
      std::size_t const place = static_cast<std::size_t>(first + lane) * D + d;
      Scalar const scale      = of.scales[d];
      of.before[place]        = old[i] / scale;
      of.after[place]         = now[i] / scale;
      of.velocities[place]    = p[i] - h * scale * slope[i] / 2;
      if (first + i == 0) *of.jitter = u;
    });
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void end(Context const& c, Tile const& t, Scalar* sum) const {
    TunedLeapfrogs<Scalar>::end(c, t, sum);
    Scalar const length = *longest;
    c.each(+Context::width, [=](int lane) { sum[lane] = length; });
    t.store_column(c, length_column, sum);
  }
};

// Means of z and z' over the chains.
template <class Scalar>
struct CheesMeans {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Scalar const *before, *after;  // (chains, dimension)
  int chains, dimension;
  double* partial;  // (dimension, parts)
  double* means;    // (2, dimension)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int d) const {
    CheesMeans const s  = *this;
    double* const parts = partial + static_cast<std::size_t>(d) * adaptive::parts;
    for (int which = 0; which < 2; ++which) {
      Scalar const* const of = which == 0 ? before : after;
      c.each(+adaptive::parts, [=](int p) {
        double sum = 0;
        for (int n = p; n < s.chains; n += adaptive::parts)
          sum += static_cast<double>(of[static_cast<std::size_t>(n) * s.dimension + d]);
        parts[p] = sum;
      });
      c.each(1, [=](int) {
        double sum = 0;
        for (int p = 0; p < adaptive::parts; ++p) sum += parts[p];
        s.means[which * s.dimension + d] = sum / s.chains;
      });
    }
  }
};

// The slope of the criterion of one chain, times its acceptance.
template <class Scalar>
struct CheesSlopes {
  Scalar const *before, *after, *velocities;  // (chains, dimension)
  Scalar const* probabilities;                // (chains)
  double const* means;                        // (2, dimension)
  int dimension;
  double *slopes, *weights;  // (chains)

  KOKKOS_FUNCTION void operator()(int n) const {
    std::size_t const row = static_cast<std::size_t>(n) * dimension;
    double rise = 0, along = 0;
    for (int d = 0; d < dimension; ++d) {
      double const from = static_cast<double>(before[row + d]) - means[d];
      double const to   = static_cast<double>(after[row + d]) - means[dimension + d];
      rise += to * to - from * from;
      along += to * static_cast<double>(velocities[row + d]);
    }
    double const weight = static_cast<double>(probabilities[n]), slope = weight * rise * along;
    bool const counts = weight > 0 && Kokkos::isfinite(slope);
    slopes[n]         = counts ? slope : 0;
    weights[n]        = counts ? weight : 0;
  }
};

// One step of ln tau.
template <class Scalar>
struct CheesSteps {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  double const *slopes, *weights;  // (chains)
  int chains, dimension, block;
  double* numbers;           // (chees::size)
  double* partial;           // (2, parts)
  Scalar const *step, *now;  // (1), (dimension): scales
  Scalar* scales;            // (dimension) those that tau is in units of
  Scalar* longest;           // (1)
  long warmup;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    CheesSteps const s = *this;
    long const after   = static_cast<long>(numbers[chees::taken]) + block;
    if (after - block >= warmup) return;  // a recorded graph goes on
    c.each(+adaptive::parts, [=](int p) {
      double slope = 0, weight = 0;
      for (int n = p; n < s.chains; n += adaptive::parts) {
        slope += s.slopes[n];
        weight += s.weights[n];
      }
      s.partial[p]                   = slope;
      s.partial[adaptive::parts + p] = weight;
    });
    c.each(1, [=](int) {
      double slope = 0, weight = 0;
      for (int p = 0; p < adaptive::parts; ++p) {
        slope += s.partial[p];
        weight += s.partial[adaptive::parts + p];
      }
      double* const of  = s.numbers;
      of[chees::taken]  = static_cast<double>(after);
      double const size = Kokkos::exp(of[chees::log_length]);
      if (weight > 0) s.climb(of[chees::jitter] * size * slope / weight);
      s.follow_scales();
      double const log_length = of[after >= s.warmup ? chees::average : chees::log_length];
      *s.longest              = static_cast<Scalar>(Kokkos::exp(log_length));
    });
  }

  KOKKOS_FUNCTION void climb(double gradient) const {
    double* const of   = numbers;
    double const t     = ++of[chees::updates];
    double const decay = 0.95, log_step = Kokkos::log(static_cast<double>(*step));
    of[chees::square]     = decay * of[chees::square] + (1 - decay) * gradient * gradient;
    double const mean     = of[chees::square] / (1 - Kokkos::pow(decay, t));
    double change         = mean > 0 ? 0.025 * gradient / Kokkos::sqrt(mean) : 0;
    change                = change < -0.35 ? -0.35 : change > 0.35 ? 0.35 : change;
    double length         = of[chees::log_length] + change;
    double const most     = log_step + Kokkos::log(double(TunedLeapfrogs<Scalar>::most));
    length                = length > most ? most : length;
    of[chees::log_length] = length;
    of[chees::average] += (length - of[chees::average]) / Kokkos::sqrt(t);
  }

  // tau is what it was in units of the coordinate that became widest; its average starts anew.
  KOKKOS_FUNCTION void follow_scales() const {
    double least = 0;
    bool changed = false;
    for (int d = 0; d < dimension; ++d) {
      double const ratio = static_cast<double>(scales[d]) / static_cast<double>(now[d]);
      least              = d == 0 || ratio < least ? ratio : least;
      changed            = changed || scales[d] != now[d];
      scales[d]          = now[d];
    }
    if (!changed) return;
    numbers[chees::log_length] += Kokkos::log(least);
    numbers[chees::average] = numbers[chees::log_length];
    numbers[chees::square] = numbers[chees::updates] = 0;
  }
};

}  // namespace detail

/// What CheesHamiltonian learns, on the device: step size and scales, see AdaptationState, and the
/// longest time tau of a trajectory, by the slope of the criterion with respect to ln tau,
///
///   G = u tau  sum_m a_m (|z'_m - mu'|^2 - |z_m - mu|^2) (z'_m - mu') p'_m / sum_m a_m
///
/// over chains m that go from z to z' with momenta p' at the end, a_m their acceptance, z = x / s, mu
/// and mu' means over the chains; a chain whose slope is not finite is left out. ln tau += 0.025 G /
/// sqrt(v), v the mean of G^2 with a rate of 0.05, never by more than 0.35, and tau is at most 1000
/// steps; the final ln tau is an average with weights t^-0.5. Where scales change, tau
/// goes with that of the coordinate that is widest. Six kernels for each block of a warm-up, with those
/// of AdaptationState and the chains.
template <class Scalar, class Exec>
class CheesState : public AdaptationState<Scalar, Exec> {
  using base    = AdaptationState<Scalar, Exec>;
  using memory  = typename Exec::memory_space;
  using Numbers = Kokkos::View<Scalar*, memory>;
  using Doubles = Kokkos::View<double*, memory>;
  using at      = std::size_t;

 public:
  /// \param step_size, trajectory_length  h_0, tau_0
  /// \param temperature                   T of the law
  CheesState(double step_size, double trajectory_length, double temperature, int chains,
             int dimension)
      : base(step_size, temperature, chains, dimension),
        numbers_("basin::sampler::chees", +detail::chees::size),
        means_("basin::sampler::means", at(2) * at(dimension)),
        partial_("basin::sampler::partial_sums",
                 at(dimension > 2 ? dimension : 2) * detail::adaptive::parts),
        slopes_("basin::sampler::slopes", at(chains)),
        weights_("basin::sampler::weights", at(chains)),
        longest_("basin::sampler::trajectory_length", 1),
        scales_("basin::sampler::scales_before", at(dimension)),
        before_("basin::sampler::before", at(chains) * at(dimension)),
        after_("basin::sampler::after", at(chains) * at(dimension)),
        velocities_("basin::sampler::velocities", at(chains) * at(dimension)) {
    auto const numbers = Kokkos::create_mirror_view(numbers_);
    Kokkos::deep_copy(numbers, 0);
    numbers(detail::chees::log_length) = numbers(detail::chees::average) =
        std::log(trajectory_length);
    Kokkos::deep_copy(numbers_, numbers);
    Kokkos::deep_copy(longest_, static_cast<Scalar>(trajectory_length));
    Kokkos::deep_copy(scales_, Scalar(1));
  }

  /// (1) the time tau of the longest trajectory, on the device
  Numbers trajectory_length() const { return longest_; }

  /// The leapfrogs of the next steps; once the warm-up is over they leave nothing to tune.
  detail::CheesLeapfrogs<Scalar> leapfrogs(long warmup) const {
    bool const tunes = this->steps_taken() < warmup;
    return {{this->step_size().data(), this->scales().data(), this->probabilities(), 0},
            longest_.data(),
            numbers_.data() + detail::chees::jitter,
            tunes ? before_.data() : nullptr,
            after_.data(),
            velocities_.data()};
  }

  /// After 'steps' steps that tune. Asynchronous on exec.
  /// \param chains  (chains, dimension) as made with
  template <tile::Tuning tuning, class Chains>
  void adapt(Exec const& exec, Adaptation const& options, Chains const& chains, int steps) {
    int const D = static_cast<int>(scales_.size()), count = static_cast<int>(chains.extent(0));
    base::template adapt<tuning>(exec, options, chains, steps);
    tile::for_each_tile<tuning>(exec, "basin::means", D,
                                detail::CheesMeans<Scalar>{before_.data(), after_.data(), count, D,
                                                           partial_.data(), means_.data()});
    Kokkos::parallel_for(
        "basin::slopes", Kokkos::RangePolicy<Exec>(exec, 0, count),
        detail::CheesSlopes<Scalar>{before_.data(), after_.data(), velocities_.data(),
                                    this->probabilities(), means_.data(), D, slopes_.data(),
                                    weights_.data()});
    tile::for_each_tile<tuning>(
        exec, "basin::length", 1,
        detail::CheesSteps<Scalar>{slopes_.data(), weights_.data(), count, D, steps,
                                   numbers_.data(), partial_.data(), this->step_size().data(),
                                   this->scales().data(), scales_.data(), longest_.data(),
                                   options.warmup});
  }

  /// Lists what must be saved.
  template <class Archive>
  void archive(Archive& a) {
    base::archive(a);
    a("chees", numbers_);
    a("trajectory_length", longest_);
    a("scales_before", scales_);
  }

 private:
  Doubles numbers_;                      // (chees::size)
  Doubles means_;                        // (2, dimension)
  Doubles partial_;                      // (dimension, parts), (2, parts)
  Doubles slopes_, weights_;             // (chains)
  Numbers longest_;                      // (1)
  Numbers scales_;                       // (dimension)
  Numbers before_, after_, velocities_;  // (chains, dimension)
};

/// Hamiltonian Monte Carlo whose trajectories too are tuned (ChEES-HMC): as AdaptiveHamiltonian, with a
/// longest time tau that a warm-up (CheesState) finds and leaves fixed: that which changes |z - mu|^2
/// of the chains most, z = x / s. n = ceil(u tau / h), u from the Halton sequence in base 2 by the
/// number of the step, the same for all chains. Source: Hoffman, Radul and Sountsov 2021, AISTATS,
/// sections 2 and 3. Needs chains that run together, some tens at least: of one chain a mean is no
/// center. A trajectory has at most 1000 leapfrogs. Of a Gaussian of unit variances tau is 2.25, where
/// tan 2 tau = 2 tau.
struct CheesHamiltonian {
  int steps                = 10;   ///< K, trajectories of each chain per call; in [0, 2^20]
  double step_size         = 0.1;  ///< h_0, units of time where E is |x|^2 / 2; > 0
  double trajectory_length = 1;    ///< tau_0, in the same units; > 0
  double temperature       = 1;    ///< T, units of E; > 0
  Adaptation adaptation{};

  /// The columns are of the last launch.
  static constexpr std::array<Quantity, 6> columns{
      {Hamiltonian::columns[0],
       Hamiltonian::columns[1],
       Hamiltonian::columns[2],
       {"step_size", "1", "h of the last trajectory, the same for all chains"},
       Hamiltonian::columns[3],
       {"trajectory_length", "1", "tau of the last trajectory, the same for all chains"}}};

  double effective_temperature() const { return temperature; }

  template <class Scalar, class Exec>
  class state : public CheesState<Scalar, Exec> {
   public:
    state(Exec const&, CheesHamiltonian const& options, int chains, int dimension, std::uint64_t)
        : CheesState<Scalar, Exec>(options.step_size, options.trajectory_length,
                                   options.temperature, chains, dimension) {}
  };

  template <class E, class Exec>
  auto tuned_move(state<typename E::scalar_type, Exec> const& now) const {
    using Scalar = typename E::scalar_type;
    using Move   = detail::HamiltonianMove<E, detail::CheesLeapfrogs<Scalar>>;
    return Move{now.leapfrogs(adaptation.warmup), static_cast<Scalar>(std::sqrt(temperature)),
                static_cast<Scalar>(1 / temperature)};
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "trajectories of each chain per call"}, self.steps,
      range::closed(0, 1 << steps_bits));
    f(Field{"step_size", "1", "h_0, time of a leapfrog where E is |x|^2 / 2"}, self.step_size,
      range::above(0).finite());
    f(Field{"trajectory_length", "1", "tau_0, time of the longest trajectory"},
      self.trajectory_length, range::above(0).finite());
    f(Field{"temperature", "E", "T of the law exp(-E / T)"}, self.temperature,
      range::above(0).finite());
    f.nested("adaptation", self.adaptation);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::CheesHamiltonian", *this); }
};

}  // namespace basin::sampler

#endif
