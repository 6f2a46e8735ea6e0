// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_HEATED_LANGEVIN_HPP
#define BASIN_SAMPLER_HEATED_LANGEVIN_HPP

#include <basin/core/field.hpp>
#include <basin/sampler/chain.hpp>

#include <array>
#include <cmath>
#include <limits>

namespace basin::sampler {

/// Langevin sampling whose temperature rises with the time t = time + k dt of step k, from a
/// gradient flow to a sampler of exp(-E / temperature):
///
///   x <- x - dt dE/dx + sqrt(2 dt epsilon(t)) xi,  xi ~ N(0, I)
///   epsilon(t) = 0 for t < heating, temperature for t >= 1, linear between
///
/// Where 'heating' is 1 it jumps there. The noise is that of the time before the step, and chains are
/// clamped once, after the last step. The chain of Energy Matching: Balcerak et al. 2025,
/// arXiv:2504.10612, algorithm 2 and its code (Euler-Maruyama; the paper samples with Heun's method).
/// steps dt is the time to which points of the source are integrated: 1 transports them, from there
/// on they equilibrate at 'temperature'.
struct HeatedLangevin {
  int steps          = 200;   ///< K, moves of each chain per call; in [0, 2^20]
  double step_size   = 0.01;  ///< dt, units of x^2 / E; > 0
  double temperature = 0.01;  ///< epsilon from t = 1 on, units of E; >= 0
  double heating     = 1;     ///< t at which the noise begins; in [0, 1]
  double time        = 0;     ///< t of the first step; >= 0
  double lower       = -std::numeric_limits<double>::infinity();  ///< least x after the last step
  double upper       = std::numeric_limits<double>::infinity();   ///< largest x, > lower

  static constexpr std::array<Quantity, 1> columns{
      {{"displacement", "x", "mean |x_K - x_0|_2 of the chains"}}};

  /// What is copied to the device.
  template <class E>
  struct Move {
    using Scalar              = typename E::scalar_type;
    static constexpr int rows = 1;
    double step_size, temperature, heating, time;
    Scalar lower, upper;

    KOKKOS_FUNCTION double temperature_at(double t) const {
      if (t < heating) return 0;
      return t < 1 ? temperature * (t - heating) / (1 - heating) : temperature;
    }

    template <class Context, class Tile>
    KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int k, Stream const& stream) const {
      Scalar* const x        = t.x;
      Scalar const* const dx = t.gradient;
      Scalar const dt        = static_cast<Scalar>(step_size);
      Scalar const noise     = static_cast<Scalar>(
          Kokkos::sqrt(2 * step_size * temperature_at(time + static_cast<double>(k) * step_size)));
      t.energy.gradient(c, t.workspace);
      if (noise > 0)
        c.normal(+E::dimension, stream, static_cast<std::uint32_t>(t.first), [=](auto at, auto z) {
          using V = decltype(z);
          at.store(x, fma(V(noise), z, fma(V(-dt), at.load(dx), at.load(x))));
        });
      else
        c.map(+E::dimension, [=](auto at) {
          using V = typename Context::value_type;
          at.store(x, fma(V(-dt), at.load(dx), at.load(x)));
        });
    }

    template <class Context, class Tile>
    KOKKOS_FUNCTION void end(Context const& c, Tile const& t) const {
      Scalar* const x    = t.x;
      Scalar const least = lower, largest = upper;
      c.map(+E::dimension, [=](auto at) { at.store(x, clamp(at.load(x), least, largest)); });
    }
  };
  template <class E>
  Move<E> move() const {
    using Scalar = typename E::scalar_type;
    return {step_size,
            temperature,
            heating,
            time,
            static_cast<Scalar>(lower),
            static_cast<Scalar>(upper)};
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "moves of each chain per call"}, self.steps,
      range::closed(0, 1 << steps_bits));
    f(Field{"step_size", "x^2 / E", "dt, size of a step"}, self.step_size,
      range::above(0).finite());
    f(Field{"temperature", "E", "from t = 1 on"}, self.temperature, range::at_least(0).finite());
    f(Field{"heating", "1", "t at which the noise begins"}, self.heating, range::closed(0, 1));
    f(Field{"time", "1", "t of the first step"}, self.time, range::at_least(0).finite());
    f(Field{"lower", "x", "least coordinate after the last step"}, self.lower);
    f(Field{"upper", "x", "largest coordinate after the last step, > lower"}, self.upper);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::sampler::HeatedLangevin";
    check_fields(who, *this);
    if (!(lower < upper)) refuse(who, "lower must be < upper, got ", lower, " and ", upper);
  }
};

}  // namespace basin::sampler

#endif
