// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_UNDERDAMPED_LANGEVIN_HPP
#define BASIN_SAMPLER_UNDERDAMPED_LANGEVIN_HPP

#include <basin/core/field.hpp>
#include <basin/sampler/chain.hpp>

#include <cmath>

namespace basin::sampler {

namespace detail {

template <class E>
struct UnderdampedMove {
  using Scalar              = typename E::scalar_type;
  static constexpr int D    = E::dimension;
  static constexpr int rows = D + 1;

  Scalar half_step, kept, noise, spread;  // h / 2, c, sqrt((1 - c^2) T), sqrt(T)

  template <class Context, class Tile>
  KOKKOS_FUNCTION void begin(Context const& c, Tile const& t) const {
    t.energy.gradient(c, t.workspace);
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int k, Stream const& stream) const {
    using V                = typename Context::value_type;
    Scalar* const x        = t.x;     // (D, T)
    Scalar* const p        = t.rows;  // (D, T) momenta
    Scalar const* const dx = t.gradient;
    Scalar const h = half_step, factor = kept, size = noise, deviation = spread;
    auto const first = static_cast<std::uint32_t>(t.first);
    if (k == 0) {
      Stream momenta  = stream;
      momenta.purpose = Purpose::sampler_momentum;
      c.normal(D, momenta, first,
               [=](auto at, auto z) { at.store(p, decltype(z)(deviation) * z); });
    }
    c.normal(D, stream, first, [=](auto at, auto z) {
      using Z       = decltype(z);
      Z const kick  = fma(Z(-h), at.load(dx), at.load(p));  // B
      Z const drift = fma(Z(h), kick, at.load(x));          // A
      Z const now   = fma(Z(size), z, Z(factor) * kick);    // O
      at.store(x, fma(Z(h), now, drift));                   // A
      at.store(p, now);
    });
    t.energy.gradient(c, t.workspace);
    c.map(D, [=](auto at) { at.store(p, fma(V(-h), at.load(dx), at.load(p))); });  // B
  }
};

}  // namespace detail

/// Underdamped Langevin dynamics of unit mass by the splitting BAOAB, h = step_size:
///
///   B: p -= h/2 dE/dx    A: x += h/2 p    O: p = c p + sqrt((1 - c^2) T) xi,  c = exp(-friction h)
///
/// in the order B A O A B; x has the law exp(-E/T) up to an error of order h^4 where friction is
/// large, and for E = k x^2 / 2 exactly, at any h^2 k < 4. Source: Leimkuhler and Matthews 2013,
/// Appl. Math. Res. Express 2013(1), 34, section 3. One gradient a step. Every call draws new
/// momenta from N(0, T), so two calls of K steps are another run than one of 2 K.
struct UnderdampedLangevin {
  int steps          = 60;   ///< K, steps of each chain per call; in [0, 2^20]
  double step_size   = 0.1;  ///< h, units of x / sqrt(E); > 0
  double friction    = 1;    ///< units of sqrt(E) / x; >= 0
  double temperature = 1;    ///< T, units of E; > 0

  static constexpr std::array<Quantity, 1> columns{
      {{"displacement", "x", "mean |x_K - x_0|_2 of the chains"}}};

  double effective_temperature() const { return temperature; }

  template <class E>
  detail::UnderdampedMove<E> move() const {
    using Scalar   = typename E::scalar_type;
    double const c = std::exp(-friction * step_size);
    // 1 - c^2 without cancellation
    double const noise = std::sqrt(-std::expm1(-2 * friction * step_size) * temperature);
    return {static_cast<Scalar>(step_size / 2), static_cast<Scalar>(c), static_cast<Scalar>(noise),
            static_cast<Scalar>(std::sqrt(temperature))};
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "steps of each chain per call"}, self.steps,
      range::closed(0, 1 << steps_bits));
    f(Field{"step_size", "x / sqrt(E)", "h, time of a step"}, self.step_size,
      range::above(0).finite());
    f(Field{"friction", "sqrt(E) / x", "rate at which momenta are forgotten"}, self.friction,
      range::at_least(0).finite());
    f(Field{"temperature", "E", "T of the law exp(-E / T)"}, self.temperature,
      range::above(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::UnderdampedLangevin", *this); }
};

}  // namespace basin::sampler

#endif
