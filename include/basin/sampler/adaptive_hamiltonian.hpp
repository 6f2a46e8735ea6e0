// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_ADAPTIVE_HAMILTONIAN_HPP
#define BASIN_SAMPLER_ADAPTIVE_HAMILTONIAN_HPP

#include <basin/sampler/adaptation.hpp>
#include <basin/sampler/hamiltonian.hpp>

namespace basin::sampler {

namespace detail {

// Leapfrogs whose step size and scales are on the device.
template <class Scalar>
struct TunedLeapfrogs {
  static constexpr int own_rows    = 1;
  static constexpr int step_column = 3;  // see AdaptiveHamiltonian
  static constexpr double most     = 1000;
  Scalar const* size;     // (1)
  Scalar const* scales;   // (dimension)
  Scalar* probabilities;  // (chains)
  double length;

  KOKKOS_FORCEINLINE_FUNCTION Scalar step_size() const { return *size; }
  KOKKOS_FORCEINLINE_FUNCTION int count(Scalar h, double u) const {
    double const n = Kokkos::ceil(length / static_cast<double>(h) * u);
    return static_cast<int>(n > 1 ? n < most ? n : double(most) : 1);
  }
  template <class V, class Place>
  KOKKOS_FORCEINLINE_FUNCTION V step_of(Scalar h, Place at) const {
    return V(h * scales[at.row]);
  }

  template <class Context>
  KOKKOS_FUNCTION void begin(Context const& c, Scalar* sum) const {
    using V = typename Context::value_type;
    c.map(1, [=](auto at) { at.store(sum, V(0)); });
  }
  // sum += min(1, exp(log_ratio)), 0 where it is NaN
  template <class Context>
  KOKKOS_FUNCTION void add(Context const& c, Scalar const* log_ratio, Scalar* sum) const {
    using V = typename Context::value_type;
    c.map(1, [=](auto at) {
      V const log_p = at.load(log_ratio);
      V const p = where_less(log_p, V(0), exp(log_p), where_less(V(Scalar(-1)), log_p, V(1), V(0)));
      at.store(sum, at.load(sum) + p);
    });
  }
  template <class Context, class Tile>
  KOKKOS_FUNCTION void end(Context const& c, Tile const& t, Scalar* sum) const {
    Scalar const share = Scalar(1) / static_cast<Scalar>(t.steps > 0 ? t.steps : 1), h = *size;
    Scalar* const out = probabilities;
    int const first = t.first, count = t.count;
    c.each(+Context::width, [=](int lane) {
      if (first + lane < count) out[first + lane] = share * sum[lane];
      sum[lane] = h;
    });
    t.store_column(c, step_column, sum);
  }
};

}  // namespace detail

/// Hamiltonian Monte Carlo that tunes itself: as Hamiltonian, in coordinates x_d / s_d, with step size
/// and scales of a warm-up (AdaptationState) that ends and leaves them fixed:
///
///   p_d -= h s_d/2 dE/dx_d;  x_d += h s_d p_d;  p_d -= h s_d/2 dE/dx_d,   p ~ N(0, T)
///
/// that is, with a mass of 1 / s_d^2. A trajectory has at most 1000 leapfrogs. All chains share h and
/// s; states before the end of the warm-up are not those of the energy's law. In the warm-up each
/// block of steps is three launches, after it all steps are one. Use sampler::state_of to keep what
/// was learned from call to call.
///
/// As the sampler of an objective it tunes in the first steps of a training, for the energy as it is
/// then; the buffer's chains are few: write a block of 'steps' steps, so that the launches of a
/// training step do not depend on them.
struct AdaptiveHamiltonian {
  int steps                = 10;   ///< K, trajectories of each chain per call; in [0, 2^20]
  double step_size         = 0.1;  ///< h_0, units of time where E is |x|^2 / 2; > 0
  double trajectory_length = 3;    ///< time of the longest, in the same units; > 0
  double temperature       = 1;    ///< T, units of E; > 0
  Adaptation adaptation{};

  /// The columns are of the last launch.
  static constexpr std::array<Quantity, 4> columns{
      {Hamiltonian::columns[0],
       Hamiltonian::columns[1],
       Hamiltonian::columns[2],
       {"step_size", "1", "h of the last trajectory, the same for all chains"}}};

  double effective_temperature() const { return temperature; }

  template <class Scalar, class Exec>
  class state : public AdaptationState<Scalar, Exec> {
   public:
    state(Exec const&, AdaptiveHamiltonian const& options, int chains, int dimension, std::uint64_t)
        : AdaptationState<Scalar, Exec>(options.step_size, options.temperature, chains, dimension) {
    }
  };

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "trajectories of each chain per call"}, self.steps,
      range::closed(0, 1 << steps_bits));
    f(Field{"step_size", "1", "h_0, time of a leapfrog where E is |x|^2 / 2"}, self.step_size,
      range::above(0).finite());
    f(Field{"trajectory_length", "1", "time of the longest trajectory"}, self.trajectory_length,
      range::above(0).finite());
    f(Field{"temperature", "E", "T of the law exp(-E / T)"}, self.temperature,
      range::above(0).finite());
    f.nested("adaptation", self.adaptation);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::AdaptiveHamiltonian", *this); }
};

/// Moves every chain in place by options.steps trajectories, and tunes while the state's warm-up
/// lasts. Asynchronous on exec.
///
/// \param state   made by (exec, options, chains, dimension, seed); see sampler::sample for the rest
/// \throws std::invalid_argument as sampler::sample, and if the state is of other chains
template <tile::Tuning tuning, class Exec, class Scalar, class E, class Chains>
void sample(Exec const& exec, AdaptiveHamiltonian const& options,
            AdaptiveHamiltonian::state<Scalar, Exec>& state, E const& energy, Chains const& chains,
            Stream stream,
            std::type_identity_t<outputs_of<AdaptiveHamiltonian, Scalar>> outputs = {}) {
  options.check();
  state.check_chains("basin::sampler::AdaptiveHamiltonian", chains.extent(0));
  using Move = detail::HamiltonianMove<E, detail::TunedLeapfrogs<Scalar>>;
  Move const move{{state.step_size().data(), state.scales().data(), state.probabilities(),
                   options.trajectory_length},
                  static_cast<Scalar>(std::sqrt(options.temperature)),
                  static_cast<Scalar>(1 / options.temperature)};
  Scalar* const before_last = outputs.before_last;
  int k                     = 0;
  do {
    auto const next     = state.next(options.adaptation, options.steps - k);
    outputs.before_last = k + next.steps == options.steps ? before_last : nullptr;
    run_chains<tuning, find_column<AdaptiveHamiltonian>("displacement")>(
        exec, "basin::chains", move, energy, chains, stream, next.steps, outputs);
    if (next.tunes && next.steps > 0)
      state.template adapt<tuning>(exec, options.adaptation, chains, next.steps);
    stream.step += static_cast<std::uint64_t>(next.steps);
    k += next.steps;
  } while (k < options.steps);
}

/// As above, with the tuning of the backend.
template <class Exec, class Scalar, class E, class Chains>
void sample(Exec const& exec, AdaptiveHamiltonian const& options,
            AdaptiveHamiltonian::state<Scalar, Exec>& state, E const& energy, Chains const& chains,
            Stream stream,
            std::type_identity_t<outputs_of<AdaptiveHamiltonian, Scalar>> const& outputs = {}) {
  sample<tile::default_tuning<Exec, Scalar, E::workspace_rows>()>(exec, options, state, energy,
                                                                  chains, stream, outputs);
}

/// With a state of its own for this call, which is lost with it. Allocates.
template <tile::Tuning tuning, class Exec, class E, class Chains>
void sample(Exec const& exec, AdaptiveHamiltonian const& options, E const& energy,
            Chains const& chains, Stream stream,
            std::type_identity_t<outputs_of<AdaptiveHamiltonian, typename E::scalar_type>> const&
                outputs = {}) {
  AdaptiveHamiltonian::state<typename E::scalar_type, Exec> state(
      exec, options, static_cast<int>(chains.extent(0)), +E::dimension, 0);
  sample<tuning>(exec, options, state, energy, chains, stream, outputs);
  exec.fence("basin::sampler::AdaptiveHamiltonian");  // before the state goes
}

}  // namespace basin::sampler

#endif
