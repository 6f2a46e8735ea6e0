// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_STOCHASTIC_GRADIENT_LANGEVIN_HPP
#define BASIN_SAMPLER_STOCHASTIC_GRADIENT_LANGEVIN_HPP

#include <basin/core/field.hpp>
#include <basin/sampler/chain.hpp>

#include <array>
#include <cmath>

namespace basin::sampler {

namespace detail {

// alpha_t in double, on the host and on the device.
struct DecreasingStep {
  double scale, offset, exponent;
  KOKKOS_FUNCTION double operator()(double t) const {
    return scale * Kokkos::pow(offset + t, -exponent);
  }
};

template <class E>
struct StochasticGradientLangevinMove {
  using Scalar              = typename E::scalar_type;
  static constexpr int D    = E::dimension;
  static constexpr int rows = 0;

  DecreasingStep step_size;
  double temperature;
  int first;

  template <class Context, class Tile>
  KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int k, Stream const& stream) const {
    double const alpha     = step_size(static_cast<double>(first) + k);
    Scalar const length    = static_cast<Scalar>(alpha),
                 deviation = static_cast<Scalar>(Kokkos::sqrt(2 * alpha * temperature));
    Scalar* const x        = t.x;         // (D, T)
    Scalar const* const dx = t.gradient;  // (D, T)
    t.energy.gradient(c, t.workspace);
    c.normal(D, stream, static_cast<std::uint32_t>(t.first), [=](auto at, auto z) {
      using Z = decltype(z);
      at.store(x, at.load(x) + fma(Z(deviation), z, Z(-length) * at.load(dx)));
    });
  }
};

}  // namespace detail

/// Langevin steps that become smaller (SGLD),
///
///   x <- x - alpha_t dE/dx + sqrt(2 alpha_t T) xi,  xi ~ N(0, I),  alpha_t = a (b + t)^-gamma
///
/// with a = scale, b = offset, gamma = exponent: the error of a step of one size, and the noise of a
/// gradient that is estimated from a part of the data, both vanish against xi as t grows. For
/// E = k x^2 / 2 the variance follows v <- (1 - alpha_t k)^2 v + 2 alpha_t T. Source: Welling and Teh
/// 2011, ICML, eq. 4, whose epsilon_t is 2 alpha_t; they ask for 1/2 < gamma <= 1, so that sum alpha_t
/// is infinite and sum alpha_t^2 is not. 0 keeps the step.
///
/// t is counted from 'first' in every call: a call that continues chains advances 'first' by 'steps',
/// as it does the step of the stream.
struct StochasticGradientLangevin {
  int steps          = 60;    ///< K, steps of each chain per call; in [0, 2^20]
  int first          = 0;     ///< t of the first of them; >= 0
  double scale       = 1e-2;  ///< a, alpha where b + t is 1, units of x^2 / E; > 0
  double offset      = 1;     ///< b, units of steps; > 0
  double exponent    = 0.55;  ///< gamma; in [0, 1]
  double temperature = 1;     ///< T, units of E; >= 0

  static constexpr std::array<Quantity, 1> columns{
      {{"displacement", "x", "mean |x_K - x_0|_2 of the chains"}}};

  /// alpha_t
  double step_size(int t) const { return detail::DecreasingStep{scale, offset, exponent}(t); }
  /// The temperature that the chain has as alpha_t -> 0.
  double effective_temperature() const { return temperature; }

  template <class E>
  detail::StochasticGradientLangevinMove<E> move() const {
    return {{scale, offset, exponent}, temperature, first};
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "steps of each chain per call"}, self.steps,
      range::closed(0, 1 << steps_bits));
    f(Field{"first", "steps", "t of the first step of a call"}, self.first, range::at_least(0));
    f(Field{"scale", "x^2 / E", "a of alpha_t = a (b + t)^-gamma"}, self.scale,
      range::above(0).finite());
    f(Field{"offset", "steps", "b"}, self.offset, range::above(0).finite());
    f(Field{"exponent", "1", "gamma"}, self.exponent, range::closed(0, 1));
    f(Field{"temperature", "E", "T of the law exp(-E / T)"}, self.temperature,
      range::at_least(0).finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::StochasticGradientLangevin", *this); }
};

}  // namespace basin::sampler

#endif
