// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_MICROCANONICAL_HPP
#define BASIN_SAMPLER_MICROCANONICAL_HPP

#include <basin/sampler/detail/accept.hpp>
#include <basin/sampler/detail/halton.hpp>
#include <basin/sampler/detail/tuned.hpp>

#include <cmath>

namespace basin::sampler {

namespace detail {

template <class E>
struct MicrocanonicalMove {
  static_assert(check_value_and_gradient<E>::value);
  static_assert(E::dimension >= 2,
                "basin::sampler::Microcanonical: a direction needs two dimensions; write "
                "AdaptiveHamiltonian.");
  using Scalar                     = typename E::scalar_type;
  static constexpr int D           = E::dimension;
  static constexpr int rows        = 3 * D + 8;
  static constexpr int acceptance  = 1;  // columns, see Microcanonical
  static constexpr int divergences = 2;

  TunedLeapfrogs<Scalar> leapfrogs;
  Scalar inverse_temperature;

  template <class Context, class Tile>
  KOKKOS_FUNCTION void begin(Context const& c, Tile const& t) const {
    using V                = typename Context::value_type;
    constexpr int T        = Context::width;
    Scalar* const diverged = t.rows + (3 * D + 2) * T;  // (1, T)
    begin_proposals(c, t, t.rows + D * T, t.rows + 3 * D * T, t.rows + (3 * D + 1) * T);
    c.map(1, [=](auto at) { at.store(diverged, V(0)); });
    leapfrogs.begin(c, t.rows + (3 * D + 7) * T);
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int, Stream const& stream) const {
    using V                    = typename Context::value_type;
    constexpr int T            = Context::width;
    Scalar* const x            = t.x;                       // (D, T)
    Scalar* const old          = t.rows;                    // (D, T) the current state
    Scalar* const dx           = t.rows + D * T;            // (D, T)
    Scalar* const u            = t.rows + 2 * D * T;        // (D, T) directions
    Scalar* const e            = t.rows + 3 * D * T;        // (1, T)
    Scalar* const kept         = t.rows + (3 * D + 1) * T;  // (1, T)
    Scalar* const diverged     = t.rows + (3 * D + 2) * T;  // (1, T)
    Scalar* const kinetic      = t.rows + (3 * D + 3) * T;  // (1, T) sum of the Delta K
    Scalar* const log_ratio    = t.rows + (3 * D + 4) * T;  // (1, T), then 1 where accepted
    Scalar* const sums         = t.rows + (3 * D + 5) * T;  // (2, T) of a kick
    Scalar const *const new_dx = t.gradient, *const new_e = t.value;
    TunedLeapfrogs<Scalar> const of = leapfrogs;
    // Lengths are in units of sqrt(D).
    Scalar const h = of.step_size(), step = h * static_cast<Scalar>(std::sqrt(double(D)));
    Scalar const beta = inverse_temperature;

    int const n        = of.count(h, halton2(static_cast<std::uint32_t>(stream.step) + 1));
    Stream directions  = stream;
    directions.purpose = Purpose::sampler_momentum;
    c.normal(D, directions, static_cast<std::uint32_t>(t.first),
             [=](auto at, auto z) { at.store(u, z); });
    c.reduce(
        1, D, [=](auto at) { return at.load(u) * at.load(u); },
        [=](auto at, V sum) {
          at.store(sums, V(1) / sqrt(sum));
          at.store(kinetic, V(0));
        });
    c.map(D, [=](auto at) {
      at.store(u, at.load(u) * at.at(0).load(sums));
      at.store(old, at.load(x));
    });
    kick(c, of, dx, u, kinetic, sums, step * Scalar(0.5));
    drift(c, of, x, u, step);
    t.energy.value_and_gradient(c, t.workspace);
    c.repeat(n - 1, [&](int) {
      kick(c, of, new_dx, u, kinetic, sums, step);
      drift(c, of, x, u, step);
      t.energy.value_and_gradient(c, t.workspace);
    });
    kick(c, of, new_dx, u, kinetic, sums, step * Scalar(0.5));
    c.map(1, [=](auto at) {
      V const drop = V(-beta) * (at.load(new_e) - at.load(e)) - at.load(kinetic);
      at.store(log_ratio, drop);
      at.store(diverged, at.load(diverged) + where_less(V(Scalar(-1000)), drop, V(0), V(1)));
    });
    leapfrogs.add(c, log_ratio, t.rows + (3 * D + 7) * T);
    accept_proposals(c, t, stream, old, dx, e, log_ratio, kept);
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void end(Context const& c, Tile const& t) const {
    store_share(c, t, acceptance, t.rows + (3 * D + 1) * Context::width);
    store_share(c, t, divergences, t.rows + (3 * D + 2) * Context::width);
    leapfrogs.end(c, t, t.rows + (3 * D + 7) * Context::width);
  }

 private:
  // x += length s u
  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION static void drift(Context const& c, TunedLeapfrogs<Scalar> const& of,
                                                Scalar* x, Scalar const* u, Scalar length) {
    using V = typename Context::value_type;
    c.map(D, [=](auto at) {
      at.store(x, fma(of.template step_of<V>(length, at), at.load(u), at.load(x)));
    });
  }

  // The flow of u at a fixed gradient g = beta s dE/dx, for a time, and its Delta K. With q = u.e, e =
  // -g / |g|, zeta = exp(-time |g| / (D - 1)),
  //   u <- e (1 - zeta)(1 + zeta + q (1 - zeta)) + 2 zeta u, normalized,
  //   Delta K = (D - 1)(-log zeta - log 2 + log(1 + q + (1 - q) zeta^2))
  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION void kick(Context const& c, TunedLeapfrogs<Scalar> const& of,
                                        Scalar const* dx, Scalar* u, Scalar* kinetic, Scalar* sums,
                                        Scalar time) const {
    using V           = typename Context::value_type;
    constexpr int T   = Context::width;
    Scalar const beta = inverse_temperature;
    Scalar* const dot = sums + T;
    c.reduce(
        1, D,
        [=](auto at) {
          V const g = of.template step_of<V>(beta, at) * at.load(dx);
          return g * g;
        },
        [=](auto at, V sum) { at.store(sums, sqrt(sum)); });
    c.reduce(
        1, D, [=](auto at) { return of.template step_of<V>(beta, at) * at.load(dx) * at.load(u); },
        [=](auto at, V sum) {
          V const norm = at.load(sums);
          // Without a gradient u stays: zeta = 1.
          V const some  = where_less(V(0), norm, norm, V(1));
          V const q     = where_less(V(0), norm, -sum / some, V(0));
          V const delta = norm * V(time / static_cast<Scalar>(D - 1));
          V const zeta = exp(-delta), rest = V(1) - zeta;
          V const along = rest * (V(1) + zeta + q * rest);
          V const size  = sqrt(along * along + V(4) * along * zeta * q + V(4) * zeta * zeta);
          V const log_2 = V(static_cast<Scalar>(0.6931471805599453));
          at.store(kinetic, at.load(kinetic) +
                                V(static_cast<Scalar>(D - 1)) *
                                    (delta - log_2 + log(V(1) + q + (V(1) - q) * zeta * zeta)));
          at.store(sums, -along / (size * some));
          at.store(dot, V(2) * zeta / size);
        });
    c.map(D, [=](auto at) {
      V const g = of.template step_of<V>(beta, at) * at.load(dx);
      at.store(u, fma(at.at(0).load(sums), g, at.at(0).load(dot) * at.load(u)));
    });
  }
};

}  // namespace detail

/// Adjusted microcanonical sampling (MAMS): each proposal is a trajectory of unit speed that gradients
/// turn, from a new direction u, in coordinates x_d / s_d:
///
///   u flows for h/2 at the present gradient;  x_d += h s_d u_d;  u flows for h/2    n times,
///   accepted with probability min(1, exp(-(E' - E) / T - sum Delta K))
///
/// with the flow and Delta K of isokinetic dynamics, n = ceil(2 u trajectory_length / h), u from the
/// Halton sequence in base 2 by the number of the step, the same for all chains. Lengths are in
/// units of sqrt(D) scales. Step size and scales are tuned in a warm-up that ends (AdaptationState),
/// as those of AdaptiveHamiltonian. Steps of fixed speed do not fly off where a gradient is large: on
/// energies with narrow passages they may be longer than Hamiltonian ones. Sources: Robnik, Cohn-
/// Gordon and Seljak 2025, arXiv:2503.01707; flow: Steeg and Galstyan 2021, arXiv:2111.02434, and
/// Robnik et al. 2023, JMLR 24, 311. A trajectory has at most 1000 steps; at least two dimensions.
struct Microcanonical {
  int steps                = 10;   ///< K, trajectories of each chain per call; in [0, 2^20]
  double step_size         = 0.2;  ///< h_0, units of sqrt(D) scales; > 0
  double trajectory_length = 1;    ///< mean of the trajectories, same units; > 0
  double temperature       = 1;    ///< T, units of E; > 0
  Adaptation adaptation{.target_acceptance = 0.9};

  /// The columns are of the last launch.
  static constexpr std::array<Quantity, 4> columns{
      {{"displacement", "x", "mean |x_K - x_0|_2 of the chains"},
       {"acceptance", "1", "share of trajectories that were accepted"},
       {"divergences", "1", "share of trajectories whose energy rose by 1000 T or more, or to NaN"},
       {"step_size", "1", "h of the last trajectory, the same for all chains"}}};

  double effective_temperature() const { return temperature; }

  template <class Scalar, class Exec>
  class state : public AdaptationState<Scalar, Exec> {
   public:
    state(Exec const&, Microcanonical const& options, int chains, int dimension, std::uint64_t)
        : AdaptationState<Scalar, Exec>(options.step_size, options.temperature, chains, dimension) {
    }
  };
  template <class E, class Exec>
  auto tuned_move(state<typename E::scalar_type, Exec> const& now) const {
    return detail::MicrocanonicalMove<E>{
        {now.step_size().data(), now.scales().data(), now.probabilities(), 2 * trajectory_length},
        static_cast<typename E::scalar_type>(1 / temperature)};
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "trajectories of each chain per call"}, self.steps,
      range::closed(0, 1 << steps_bits));
    f(Field{"step_size", "sqrt(D)", "h_0, length of a step in scales"}, self.step_size,
      range::above(0).finite());
    f(Field{"trajectory_length", "sqrt(D)", "mean length of a trajectory in scales"},
      self.trajectory_length, range::above(0).finite());
    f(Field{"temperature", "E", "T of the law exp(-E / T)"}, self.temperature,
      range::above(0).finite());
    f.nested("adaptation", self.adaptation);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::Microcanonical", *this); }
};

}  // namespace basin::sampler

#endif
