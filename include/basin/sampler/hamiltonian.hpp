// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_HAMILTONIAN_HPP
#define BASIN_SAMPLER_HAMILTONIAN_HPP

#include <basin/core/check.hpp>
#include <basin/core/field.hpp>
#include <basin/sampler/chain.hpp>
#include <basin/sampler/detail/accept.hpp>
#include <basin/sampler/detail/halton.hpp>

#include <cmath>
#include <cstdint>
#include <type_traits>

namespace basin::sampler {

namespace detail {

// The leapfrogs of a sampler with one step size for all coordinates.
template <class Scalar>
struct FixedLeapfrogs {
  static constexpr int own_rows           = 0;
  static constexpr bool couples           = false;  // whether a mass mixes coordinates
  static constexpr int hamiltonian_column = 3;      // after displacement, acceptance, divergences
  Scalar h;
  double longest;  // leapfrogs of the longest trajectory

  KOKKOS_FORCEINLINE_FUNCTION Scalar step_size() const { return h; }
  KOKKOS_FORCEINLINE_FUNCTION int count(Scalar, double u) const {
    return static_cast<int>(Kokkos::ceil(longest * u));
  }
  template <class V, class Place>
  KOKKOS_FORCEINLINE_FUNCTION V step_of(Scalar size, Place) const {
    return V(size);
  }
};

inline void check_leapfrogs(char const* who, double trajectory_length, double step_size) {
  if (trajectory_length / step_size > 1 << 16)
    refuse(who, "a trajectory has at most 65536 leapfrogs; trajectory_length is ",
           trajectory_length, ", step_size is ", step_size);
}

// p - factor h S^T dE/dx of a coordinate, x = S z with z of unit mass.
template <class V, class Leapfrogs, class Place, class Scalar>
KOKKOS_FORCEINLINE_FUNCTION V kicked(Leapfrogs const& of, Place at, Scalar h, Scalar factor,
                                     Scalar const* dx, Scalar const* p) {
  if constexpr (Leapfrogs::couples)
    return fma(V(-factor * h), of.template force<V>(at, dx), at.load(p));
  else
    return fma(V(-factor) * of.template step_of<V>(h, at), at.load(dx), at.load(p));
}

// p -= factor h S^T dE/dx;  x += h S p
template <class Context, class Leapfrogs, class Scalar>
KOKKOS_FORCEINLINE_FUNCTION void kick_and_drift(Context const& c, Leapfrogs const& of, int rows,
                                                Scalar h, Scalar factor, Scalar const* dx,
                                                Scalar* p, Scalar* x) {
  using V = typename Context::value_type;
  if constexpr (Leapfrogs::couples) {
    c.map(rows, [=](auto at) { at.store(p, kicked<V>(of, at, h, factor, dx, p)); });
    c.map(rows,
          [=](auto at) { at.store(x, fma(V(h), of.template velocity<V>(at, p), at.load(x))); });
  } else {
    c.map(rows, [=](auto at) {
      V const kick = kicked<V>(of, at, h, factor, dx, p);
      at.store(p, kick);
      at.store(x, fma(of.template step_of<V>(h, at), kick, at.load(x)));
    });
  }
}

// n leapfrogs of x, p but for the last half of a kick, which is kicked(of, at, h, 1/2, t.gradient, p);
// E and dE/dx of the end are in t.value and t.gradient.
template <class Context, class Tile, class Leapfrogs, class Scalar>
KOKKOS_FORCEINLINE_FUNCTION void trajectory(Context const& c, Tile const& t, Leapfrogs const& of,
                                            int n, Scalar h,
                                            Scalar const* dx,  // (dimension, T) at x
                                            Scalar* p) {       // (dimension, T)
  constexpr int D = std::remove_cvref_t<decltype(t.energy)>::dimension;
  kick_and_drift(c, of, +D, h, Scalar(0.5), dx, p, t.x);
  t.energy.value_and_gradient(c, t.workspace);
  c.repeat(n - 1, [&](int) {
    Scalar const* const slope = t.gradient;
    kick_and_drift(c, of, +D, h, Scalar(1), slope, p, t.x);
    t.energy.value_and_gradient(c, t.workspace);
  });
}

template <class E, class Leapfrogs>
struct HamiltonianMove {
  static_assert(check_value_and_gradient<E>::value);
  using Scalar                     = typename E::scalar_type;
  static constexpr int D           = E::dimension;
  static constexpr int own_row     = 3 * D + 6;
  static constexpr int rows        = own_row + Leapfrogs::own_rows;
  static constexpr int acceptance  = 1;  // columns, see Hamiltonian
  static constexpr int divergences = 2;

  Leapfrogs leapfrogs;
  Scalar spread, inverse_temperature;

  template <class Context, class Tile>
  KOKKOS_FUNCTION void begin(Context const& c, Tile const& t) const {
    using V                   = typename Context::value_type;
    constexpr int T           = Context::width;
    Scalar* const e           = t.rows + 3 * D * T;
    Scalar* const diverged    = t.rows + (3 * D + 2) * T;  // (1, T) proposals whose H left
    Scalar* const hamiltonian = t.rows + (3 * D + 5) * T;  // (1, T)
    begin_proposals(c, t, t.rows + D * T, e, t.rows + (3 * D + 1) * T);
    c.map(1, [=](auto at) {
      at.store(diverged, V(0));
      at.store(hamiltonian, at.load(e));
    });
    if constexpr (Leapfrogs::own_rows > 0) leapfrogs.begin(c, t.rows + own_row * T);
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int, Stream const& stream) const {
    using V                    = typename Context::value_type;
    constexpr int T            = Context::width;
    Scalar* const x            = t.x;                       // (D, T)
    Scalar* const old          = t.rows;                    // (D, T) the current state
    Scalar* const dx           = t.rows + D * T;            // (D, T)
    Scalar* const p            = t.rows + 2 * D * T;        // (D, T) momenta
    Scalar* const e            = t.rows + 3 * D * T;        // (1, T)
    Scalar* const kept         = t.rows + (3 * D + 1) * T;  // (1, T)
    Scalar* const diverged     = t.rows + (3 * D + 2) * T;  // (1, T)
    Scalar* const start        = t.rows + (3 * D + 3) * T;  // (1, T) |p|^2 / 2 before
    Scalar* const log_ratio    = t.rows + (3 * D + 4) * T;  // (1, T), then 1 where accepted
    Scalar* const hamiltonian  = t.rows + (3 * D + 5) * T;  // (1, T) E + |p|^2 / 2 before
    Scalar const *const new_dx = t.gradient, *const new_e = t.value;
    Leapfrogs const of = leapfrogs;
    Scalar const h = of.step_size(), deviation = spread, beta = inverse_temperature;
    Scalar const half = Scalar(0.5);

    // All chains of a step have the same number of leapfrogs, which no state decides.
    double const u  = halton2(static_cast<std::uint32_t>(stream.step) + 1);
    int const n     = of.count(h, u);
    Stream momenta  = stream;
    momenta.purpose = Purpose::sampler_momentum;
    c.normal(D, momenta, static_cast<std::uint32_t>(t.first), [=](auto at, auto z) {
      at.store(p, decltype(z)(deviation) * z);
      at.store(old, at.load(x));
    });
    c.reduce(
        1, D, [=](auto at) { return at.load(p) * at.load(p); },
        [=](auto at, V sum) {
          at.store(start, V(half) * sum);
          at.store(hamiltonian, fma(V(half), sum, at.load(e)));
        });
    trajectory(c, t, of, n, h, dx, p);
    c.reduce(
        1, D,
        [=](auto at) {
          V const kick = kicked<V>(of, at, h, half, new_dx, p);
          return kick * kick;
        },
        [=](auto at, V sum) {
          V const rise = at.load(new_e) - at.load(e) + (V(half) * sum - at.load(start));
          V const drop = V(-beta) * rise;
          at.store(log_ratio, drop);
          at.store(diverged, at.load(diverged) + where_less(V(Scalar(-1000)), drop, V(0), V(1)));
        });
    if constexpr (Leapfrogs::own_rows > 0) leapfrogs.add(c, log_ratio, t.rows + own_row * T);
    if constexpr (requires { leapfrogs.watch(c, t, h, u, old, p); })
      leapfrogs.watch(c, t, h, u, old, p);
    accept_proposals(c, t, stream, old, dx, e, log_ratio, kept);
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void end(Context const& c, Tile const& t) const {
    constexpr int T = Context::width;
    store_share(c, t, acceptance, t.rows + (3 * D + 1) * T);
    store_share(c, t, divergences, t.rows + (3 * D + 2) * T);
    t.store_column(c, +Leapfrogs::hamiltonian_column, t.rows + (3 * D + 5) * T);
    if constexpr (Leapfrogs::own_rows > 0) leapfrogs.end(c, t, t.rows + own_row * T);
  }
};

}  // namespace detail

/// Hamiltonian Monte Carlo of unit mass: each proposal is a trajectory of leapfrogs with new momenta
/// p ~ N(0, T), h = step_size:
///
///   p -= h/2 dE/dx (x);  x += h p;  p -= h/2 dE/dx (x)    n times,
///   accepted with probability min(1, exp((H(x, p) - H(x', p')) / T)),  H = E + |p|^2 / 2
///
/// n = ceil(u trajectory_length / h), with u from the Halton sequence in base 2 by the number of the
/// step, the same for all chains: a fixed n resonates with the periods of E. Sources: Neal 2011,
/// Handbook of Markov Chain Monte Carlo, ch. 5, arXiv:1206.1901, section 5.4 on varied lengths. An
/// acceptance of 0.651 is best in high dimension (Beskos et al. 2013, Bernoulli 19, 1501). The
/// energy must compute E and dE/dx in one pass.
struct Hamiltonian {
  int steps                = 10;   ///< K, trajectories of each chain per call; in [0, 2^20]
  double step_size         = 0.1;  ///< h, units of x / sqrt(E); > 0
  double trajectory_length = 1;    ///< time of the longest, units of x / sqrt(E); > 0
  double temperature       = 1;    ///< T, units of E; > 0

  /// The energies of draws that metric::bfmi asks for are the last column, one call for each draw.
  static constexpr std::array<Quantity, 4> columns{
      {{"displacement", "x", "mean |x_K - x_0|_2 of the chains"},
       {"acceptance", "1", "share of trajectories that were accepted"},
       {"divergences", "1", "share of trajectories whose H rose by 1000 T or more, or to NaN"},
       {"hamiltonian", "E", "H = E + |p|^2 / 2 of the last trajectory once its p was drawn"}}};

  double effective_temperature() const { return temperature; }

  template <class E>
  auto move() const {
    using Scalar = typename E::scalar_type;
    using Move   = detail::HamiltonianMove<E, detail::FixedLeapfrogs<Scalar>>;
    return Move{{static_cast<Scalar>(step_size), trajectory_length / step_size},
                static_cast<Scalar>(std::sqrt(temperature)),
                static_cast<Scalar>(1 / temperature)};
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "trajectories of each chain per call"}, self.steps,
      range::closed(0, 1 << steps_bits));
    f(Field{"step_size", "x / sqrt(E)", "h, time of a leapfrog"}, self.step_size,
      range::above(0).finite());
    f(Field{"trajectory_length", "x / sqrt(E)", "time of the longest trajectory"},
      self.trajectory_length, range::above(0).finite());
    f(Field{"temperature", "E", "T of the law exp(-E / T)"}, self.temperature,
      range::above(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::sampler::Hamiltonian";
    check_fields(who, *this);
    detail::check_leapfrogs(who, trajectory_length, step_size);
  }
};

}  // namespace basin::sampler

#endif
