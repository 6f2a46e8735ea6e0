// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_ADAPTIVE_HAMILTONIAN_HPP
#define BASIN_SAMPLER_ADAPTIVE_HAMILTONIAN_HPP

#include <basin/sampler/detail/tuned.hpp>
#include <basin/sampler/hamiltonian.hpp>

namespace basin::sampler {

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
  static constexpr std::array<Quantity, 5> columns{
      {Hamiltonian::columns[0],
       Hamiltonian::columns[1],
       Hamiltonian::columns[2],
       {"step_size", "1", "h of the last trajectory, the same for all chains"},
       Hamiltonian::columns[3]}};

  double effective_temperature() const { return temperature; }

  template <class Scalar, class Exec>
  class state : public AdaptationState<Scalar, Exec> {
   public:
    state(Exec const&, AdaptiveHamiltonian const& options, int chains, int dimension, std::uint64_t)
        : AdaptationState<Scalar, Exec>(options.step_size, options.temperature, chains, dimension) {
    }
  };

  template <class E, class Exec>
  auto tuned_move(state<typename E::scalar_type, Exec> const& now) const {
    using Scalar = typename E::scalar_type;
    using Move   = detail::HamiltonianMove<E, detail::TunedLeapfrogs<Scalar>>;
    return Move{
        {now.step_size().data(), now.scales().data(), now.probabilities(), trajectory_length},
        static_cast<Scalar>(std::sqrt(temperature)),
        static_cast<Scalar>(1 / temperature)};
  }

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

}  // namespace basin::sampler

#endif
