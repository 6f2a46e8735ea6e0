// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_METROPOLIS_HPP
#define BASIN_SAMPLER_METROPOLIS_HPP

#include <basin/core/field.hpp>
#include <basin/sampler/chain.hpp>
#include <basin/sampler/detail/accept.hpp>

namespace basin::sampler {

namespace detail {

template <class E>
struct MetropolisMove {
  using Scalar                    = typename E::scalar_type;
  static constexpr int D          = E::dimension;
  static constexpr int rows       = D + 3;
  static constexpr int acceptance = 1;  // column, see Metropolis

  Scalar scale, inverse_temperature;

  template <class Context, class Tile>
  KOKKOS_FUNCTION void begin(Context const& c, Tile const& t) const {
    using V             = typename Context::value_type;
    constexpr int T     = Context::width;
    Scalar* const e     = t.rows + D * T;        // (1, T) E of the current state
    Scalar* const kept  = t.rows + (D + 1) * T;  // (1, T) proposals accepted so far
    Scalar const* new_e = t.value;
    t.energy.energy(c, t.workspace);
    c.map(1, [=](auto at) {
      at.store(e, at.load(new_e));
      at.store(kept, V(0));
    });
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int, Stream const& stream) const {
    using V                   = typename Context::value_type;
    constexpr int T           = Context::width;
    Scalar* const x           = t.x;                   // (D, T)
    Scalar* const old         = t.rows;                // (D, T) the current state
    Scalar* const e           = t.rows + D * T;        // (1, T)
    Scalar* const kept        = t.rows + (D + 1) * T;  // (1, T)
    Scalar* const log_ratio   = t.rows + (D + 2) * T;  // (1, T), then 1 where accepted
    Scalar const* const new_e = t.value;
    Scalar const s = scale, beta = inverse_temperature;

    c.map(D, [=](auto at) { at.store(old, at.load(x)); });
    c.normal(D, stream, static_cast<std::uint32_t>(t.first), [=](auto at, auto z) {
      using Z = decltype(z);
      at.store(x, fma(Z(s), z, at.load(old)));
    });
    t.energy.energy(c, t.workspace);
    c.map(1, [=](auto at) { at.store(log_ratio, V(beta) * (at.load(e) - at.load(new_e))); });
    accept(c, stream, t.first, log_ratio, kept, [=](auto at, auto yes) {
      using U = decltype(yes);
      at.store(e, where_less(U(Scalar(0.5)), yes, at.load(new_e), at.load(e)));
    });
    c.map(D, [=](auto at) { at.store(x, chosen(at, log_ratio, at.load(x), at.load(old))); });
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void end(Context const& c, Tile const& t) const {
    store_share(c, t, acceptance, t.rows + (D + 1) * Context::width);
  }
};

}  // namespace detail

/// Random-walk Metropolis: proposals that need E alone, no gradient.
///
///   x' = x + scale xi,  xi ~ N(0, I),  accepted with probability min(1, exp((E(x) - E(x')) / T))
///
/// Source: Metropolis et al. 1953, J. Chem. Phys. 21, 1087. An acceptance of 0.234 is best in high
/// dimension (Roberts, Gelman and Gilks 1997, Ann. Appl. Probab. 7, 110).
struct Metropolis {
  int steps          = 60;   ///< K, proposals of each chain per call; in [0, 2^20]
  double scale       = 0.1;  ///< standard deviation of a proposal, units of x; > 0
  double temperature = 1;    ///< T, units of E; > 0

  static constexpr std::array<Quantity, 2> columns{
      {{"displacement", "x", "mean |x_K - x_0|_2 of the chains"},
       {"acceptance", "1", "share of proposals that were accepted"}}};

  double effective_temperature() const { return temperature; }

  template <class E>
  detail::MetropolisMove<E> move() const {
    using Scalar = typename E::scalar_type;
    return {static_cast<Scalar>(scale), static_cast<Scalar>(1 / temperature)};
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "proposals of each chain per call"}, self.steps,
      range::closed(0, 1 << steps_bits));
    f(Field{"scale", "x", "standard deviation of a proposal"}, self.scale,
      range::above(0).finite());
    f(Field{"temperature", "E", "T of the law exp(-E / T)"}, self.temperature,
      range::above(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::Metropolis", *this); }
};

}  // namespace basin::sampler

#endif
