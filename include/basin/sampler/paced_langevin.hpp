// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_PACED_LANGEVIN_HPP
#define BASIN_SAMPLER_PACED_LANGEVIN_HPP

#include <basin/core/check.hpp>
#include <basin/core/field.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/tile/launch.hpp>

#include <Kokkos_Core.hpp>

#include <array>
#include <cstddef>
#include <type_traits>

namespace basin::sampler {

/// How far chains shall move in a call, and how fast their step follows.
struct Pace {
  double displacement = 1;     ///< target of mean |x_K - x_0|_2, units of x; > 0
  double rate         = 0.1;   ///< share of log(target / displacement) per call; in (0, 1]
  double least        = 0.01;  ///< smallest factor of the step size; in (0, 1]
  double most         = 100;   ///< largest factor of the step size; >= 1

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"displacement", "x", "target of the mean |x_K - x_0|_2 of the chains"},
      self.displacement, range::above(0).finite());
    f(Field{"rate", "1", "share of log(target / displacement) per call"}, self.rate,
      Range{.low = 0, .high = 1, .without_low = true});
    f(Field{"least", "1", "smallest factor of the step size"}, self.least,
      Range{.low = 0, .high = 1, .without_low = true});
    f(Field{"most", "1", "largest factor of the step size"}, self.most,
      range::at_least(1).finite());
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::Pace", *this); }
};

namespace detail {

inline constexpr int step_size_column = static_cast<int>(langevin_columns.size());

// The move with the step factor alpha and the noise sqrt(factor) sigma.
template <class Policies, class E>
struct PacedMove {
  using Inner               = LangevinMove<Policies, E>;
  using Scalar              = typename E::scalar_type;
  static constexpr int rows = Inner::rows;
  StepNumbers<Scalar> numbers;  // those of factor 1
  Scalar const* factor;         // (1)

  KOKKOS_FORCEINLINE_FUNCTION Inner inner() const {
    Inner move{numbers};
    Scalar const f = *factor;
    move.numbers.step *= f;
    move.numbers.noise *= Kokkos::sqrt(f);
    return move;
  }
  template <class Context, class Tile>
  KOKKOS_FUNCTION void begin(Context const& c, Tile const& t) const {
    inner().begin(c, t);
  }
  template <class Context, class Tile>
  KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int k, Stream const& stream) const {
    inner().step(c, t, k, stream);
  }
  template <class Context, class Tile>
  KOKKOS_FUNCTION void end(Context const& c, Tile const& t) const {
    using V         = typename Context::value_type;
    auto const move = inner();
    move.end(c, t);
    if (!t.outputs.columns[step_size_column]) return;
    Scalar* const row = t.rows;
    Scalar const step = move.numbers.step;
    c.map(1, [=](auto place) { place.store(row, V(step)); });
    t.store_column(c, step_size_column, row);
  }
};

// factor *= (target / mean displacement)^rate, within its limits.
template <class Scalar>
struct FollowPace {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  static constexpr int parts          = 64;  // of the sum, on every backend
  Scalar const* displacements;               // (chains)
  int chains;
  Pace pace;
  double* sums;    // (parts)
  Scalar* factor;  // (1)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    FollowPace const s = *this;
    c.each(+parts, [=](int p) {
      double sum = 0;
      for (int n = p; n < s.chains; n += parts) sum += static_cast<double>(s.displacements[n]);
      s.sums[p] = sum;
    });
    c.each(1, [=](int) {
      double sum = 0;
      for (int p = 0; p < parts; ++p) sum += s.sums[p];
      double const mean = sum / s.chains;
      if (!(mean > 0) || !Kokkos::isfinite(mean)) return;
      double const next =
          static_cast<double>(*s.factor) * Kokkos::pow(s.pace.displacement / mean, s.pace.rate);
      *s.factor = static_cast<Scalar>(next < s.pace.least  ? s.pace.least
                                      : next > s.pace.most ? s.pace.most
                                                           : next);
    });
  }
};

// The factor of the step size, on the device.
template <class Scalar, class Exec>
class PaceState {
  using memory  = typename Exec::memory_space;
  using Numbers = Kokkos::View<Scalar*, memory>;

 public:
  template <class Options>
  PaceState(Exec const&, Options const&, int chains, int, std::uint64_t)
      : factor_("basin::sampler::factor", 1),
        displacements_("basin::sampler::displacements", chains),
        sums_("basin::sampler::sums", +FollowPace<Scalar>::parts) {
    Kokkos::deep_copy(factor_, Scalar(1));
  }

  /// (1) of the step size of the next call, on the device
  Numbers factor() const { return factor_; }
  /// (chains) where a call leaves |x_K - x_0|_2 if nobody asked for it
  Numbers displacements() const { return displacements_; }

  /// After a call. Asynchronous on exec.
  template <tile::Tuning tuning>
  void follow(Exec const& exec, Pace const& pace, Scalar const* displacements) const {
    tile::for_each_tile<tuning>(
        exec, "basin::pace", 1,
        FollowPace<Scalar>{displacements, static_cast<int>(displacements_.size()), pace,
                           sums_.data(), factor_.data()});
  }

  /// Lists what must be saved.
  template <class Archive>
  void archive(Archive& a) {
    a("factor", factor_);
  }

 private:
  Numbers factor_;                      // (1)
  Numbers displacements_;               // (chains)
  Kokkos::View<double*, memory> sums_;  // (parts)
};

}  // namespace detail

/// Langevin steps whose size follows a target of how far chains move in a call of K steps:
///
///   alpha <- f alpha,  sigma <- sqrt(f) sigma,
///   f <- min(most, max(least, f (target / d)^rate)) after the call,  d = mean_n |x_K - x_0|_2
///
/// with f = 1 at first, so that the temperature sigma^2 / (2 alpha) stays that of the options; log f
/// goes to that of the target by the factor 1 - rate per call where d is proportional to f, as of a
/// gradient, and by 1 - rate / 2 where it is to sqrt(f), as of noise. Calls without a displacement
/// that is finite and not 0 leave f. f is state, and saved with it; a fresh state, as of
/// Trainer::sample, has f = 1: take step_size from the metric of this name. Ours; a rule by hand of
/// those who train joint models, a step size for which samples move enough and not too far.
///
/// \tparam Policies  as of Langevin
template <class... Policies>
struct PacedLangevin : Langevin<Policies...> {
  Pace pace{};

  /// Those of Langevin, and step_size, of the call.
  static constexpr auto columns = [] {
    std::array<Quantity, detail::langevin_columns.size() + 1> all{};
    for (std::size_t i = 0; i < detail::langevin_columns.size(); ++i)
      all[i] = detail::langevin_columns[i];
    all[std::size_t(detail::step_size_column)] = {"step_size", "x^2 / E", "alpha of the call"};
    return all;
  }();
  template <class Scalar, class Exec>
  using state = detail::PaceState<Scalar, Exec>;

  template <class E>
  void move() const = delete;  // that of Langevin does not adapt
  Langevin<Policies...> const& plain() const { return *this; }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    Langevin<Policies...>::fields(self, f);
    f.nested("pace", self.pace);
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    Langevin<Policies...>::check();
    pace.check();
  }
};

namespace detail {

// Not what is derived from one, as Boxed is: its move is another.
template <class S>
inline constexpr bool is_paced = false;
template <class... Policies>
inline constexpr bool is_paced<PacedLangevin<Policies...>> = true;

}  // namespace detail

/// Moves every chain in place by options.steps steps, then the size of the next call's. Asynchronous
/// on exec; see sampler::sample for the rest.
///
/// \param state  made by (exec, options, chains, dimension, seed)
/// \throws std::invalid_argument as sampler::sample, and if the state is of other chains
template <tile::Tuning tuning, class Exec, class S, class E, class Chains>
  requires detail::is_paced<S>
void sample(Exec const& exec, S const& options,
            detail::PaceState<typename E::scalar_type, Exec>& state, E const& energy,
            Chains const& chains, Stream stream,
            std::type_identity_t<outputs_of<S, typename E::scalar_type>> const& outputs = {}) {
  using Scalar = typename E::scalar_type;
  options.check();
  if (chains.extent(0) != state.displacements().size())
    refuse("basin::sampler::sample", "the state is of ", state.displacements().size(),
           " chains, and there are ", chains.extent(0));
  constexpr int displacement = find_column<S>("displacement");
  auto reported              = outputs;
  if (!reported.columns[displacement])
    reported.columns[displacement] = state.displacements().data();
  detail::PacedMove<typename S::policies, E> const move{
      options.plain().template move<E>().numbers,
      static_cast<Scalar const*>(state.factor().data())};
  run_chains<tuning, displacement>(exec, "basin::chains", move, energy, chains, stream,
                                   options.steps, reported);
  state.template follow<tuning>(exec, options.pace, reported.columns[displacement]);
}

}  // namespace basin::sampler

#endif
