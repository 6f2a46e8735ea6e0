// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_MALA_HPP
#define BASIN_SAMPLER_MALA_HPP

#include <basin/core/field.hpp>
#include <basin/sampler/chain.hpp>
#include <basin/sampler/detail/accept.hpp>

#include <cmath>

namespace basin::sampler {

namespace detail {

template <class E>
struct MalaMove {
  static_assert(check_value_and_gradient<E>::value);
  using Scalar                    = typename E::scalar_type;
  static constexpr int D          = E::dimension;
  static constexpr int rows       = 2 * D + 3;
  static constexpr int acceptance = 1;  // column, see Mala

  Scalar step_size, noise, inverse_temperature;

  template <class Context, class Tile>
  KOKKOS_FUNCTION void begin(Context const& c, Tile const& t) const {
    constexpr int T = Context::width;
    begin_proposals(c, t, t.rows + D * T, t.rows + 2 * D * T, t.rows + (2 * D + 1) * T);
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int, Stream const& stream) const {
    using V                    = typename Context::value_type;
    constexpr int T            = Context::width;
    Scalar* const x            = t.x;                       // (D, T)
    Scalar* const old          = t.rows;                    // (D, T) the current state
    Scalar* const dx           = t.rows + D * T;            // (D, T)
    Scalar* const e            = t.rows + 2 * D * T;        // (1, T)
    Scalar* const kept         = t.rows + (2 * D + 1) * T;  // (1, T)
    Scalar* const log_ratio    = t.rows + (2 * D + 2) * T;  // (1, T), then 1 where accepted
    Scalar const *const new_dx = t.gradient, *const new_e = t.value;
    Scalar const alpha = step_size, sigma = noise, beta = inverse_temperature;

    c.map(D, [=](auto at) { at.store(old, at.load(x)); });
    c.normal(D, stream, static_cast<std::uint32_t>(t.first), [=](auto at, auto z) {
      using Z = decltype(z);
      at.store(x, at.load(old) + fma(Z(sigma), z, Z(-alpha) * at.load(dx)));
    });
    t.energy.value_and_gradient(c, t.workspace);
    // log q(x | x') - log q(x' | x) = (|x' - x + alpha g|^2 - |x - x' + alpha g'|^2) / (2 sigma^2)
    Scalar const weight = Scalar(0.5) / (sigma * sigma);
    c.reduce(
        1, D,
        [=](auto at) {
          V const moved = at.load(x) - at.load(old);
          V const there = fma(V(alpha), at.load(dx), moved);
          V const back  = fma(V(alpha), at.load(new_dx), -moved);
          return there * there - back * back;
        },
        [=](auto at, V sum) {
          at.store(log_ratio, fma(V(weight), sum, V(beta) * (at.load(e) - at.load(new_e))));
        });
    accept_proposals(c, t, stream, old, dx, e, log_ratio, kept);
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void end(Context const& c, Tile const& t) const {
    store_share(c, t, acceptance, t.rows + (2 * D + 1) * Context::width);
  }
};

}  // namespace detail

/// The Metropolis-adjusted Langevin algorithm: Langevin steps as proposals, which are accepted or
/// rejected so that the chain samples exp(-E/T) for any step size.
///
///   x' = x - alpha dE/dx + sqrt(2 alpha T) xi,  xi ~ N(0, I)
///   accepted with probability min(1, exp((E(x) - E(x')) / T) q(x | x') / q(x' | x)),
///   q(a | b) = exp(-|a - b + alpha dE/dx (b)|^2 / (4 alpha T))
///
/// Source: Roberts and Tweedie 1996, Bernoulli 2(4), section 1.4. An acceptance of 0.574 is best in
/// high dimension (Roberts and Rosenthal 1998, JRSS B 60). The energy must compute E and dE/dx in
/// one pass.
struct Mala {
  int steps          = 60;    ///< K, proposals of each chain per call; in [0, 2^20]
  double step_size   = 1e-2;  ///< alpha, units of x^2 / E; > 0
  double temperature = 1;     ///< T, units of E; > 0

  static constexpr std::array<Quantity, 2> columns{
      {{"displacement", "x", "mean |x_K - x_0|_2 of the chains"},
       {"acceptance", "1", "share of proposals that were accepted"}}};

  double effective_temperature() const { return temperature; }

  template <class E>
  detail::MalaMove<E> move() const {
    using Scalar = typename E::scalar_type;
    return {static_cast<Scalar>(step_size),
            static_cast<Scalar>(std::sqrt(2 * step_size * temperature)),
            static_cast<Scalar>(1 / temperature)};
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "proposals of each chain per call"}, self.steps,
      range::closed(0, 1 << steps_bits));
    f(Field{"step_size", "x^2 / E", "alpha, size of a step"}, self.step_size,
      range::above(0).finite());
    f(Field{"temperature", "E", "T of the law exp(-E / T)"}, self.temperature,
      range::above(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::Mala", *this); }
};

}  // namespace basin::sampler

#endif
