// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_LANGEVIN_HPP
#define BASIN_SAMPLER_LANGEVIN_HPP

#include <basin/core/field.hpp>
#include <basin/core/policy.hpp>
#include <basin/sampler/chain.hpp>
#include <basin/sampler/clip.hpp>
#include <basin/sampler/update_order.hpp>

#include <cmath>
#include <limits>

namespace basin::sampler {

struct noise_axis {};

/// Noise tied to the step: sigma^2 = 2 alpha T, so that the chain samples exp(-E/T) as alpha -> 0.
/// Source: Roberts and Tweedie 1996, Bernoulli 2(4), eq. 2.
struct Calibrated {
  using axis = noise_axis;
};

/// Independent step alpha and noise sigma, as in image models: the chain has the temperature
/// sigma^2 / (2 alpha), whatever the energy was meant for.
struct Decoupled {
  using axis = noise_axis;
};

namespace detail {

template <class... Policies>
struct LangevinPolicies {
  static_assert((Policy<Policies> && ...),
                "basin::sampler::Langevin: each argument must be a policy, which names its axis: "
                "Calibrated or Decoupled, a clip:: policy, an UpdateOrder<...>.");
  static_assert((has_axis<Policies, noise_axis, clip_axis, order_axis> && ...),
                "basin::sampler::Langevin: a policy of another axis; write Calibrated or "
                "Decoupled, a clip:: policy, an UpdateOrder<...>.");
  static_assert(policies_of<noise_axis, Policies...> <= 1,
                "basin::sampler::Langevin: write one of Calibrated and Decoupled.");
  static_assert(policies_of<clip_axis, Policies...> <= 1,
                "basin::sampler::Langevin: write at most one clip:: policy.");
  static_assert(policies_of<order_axis, Policies...> <= 1,
                "basin::sampler::Langevin: write at most one UpdateOrder<...>.");
  using noise                     = pick<noise_axis, Calibrated, Policies...>;
  using clip                      = pick<clip_axis, sampler::clip::None, Policies...>;
  using order                     = pick<order_axis, GradientFirst, Policies...>;
  static constexpr bool has_noise = order::count(Op::noise) > 0;
  static_assert(
      std::same_as<noise, Calibrated> || std::same_as<noise, Decoupled>,
      "basin::sampler::Langevin: the noise is Calibrated or Decoupled; another relation of "
      "step and noise is a sampler of its own, see basin/sampler/chain.hpp.");
  static_assert(check_clip<clip>::value);
  static_assert(std::same_as<clip, sampler::clip::None> || order::count(Op::clip) == 1,
                "basin::sampler::Langevin: the order has no Op::clip, but a clip:: policy is "
                "given; write Op::clip between Op::gradient and Op::move.");
};

template <class Policies, class Options>
void check_langevin(Options const& options) {
  char const* who      = "basin::sampler::Langevin";
  constexpr bool clips = !std::same_as<typename Policies::clip, sampler::clip::None>;
  double const clip = options.clip, lower = options.lower, upper = options.upper;
  check_fields(who, options);
  if (!clips && !std::isinf(clip))
    refuse(who, "clip is ", clip,
           ", but the policy is clip::None; write clip::PerElement or "
           "clip::PerSample");
  if (!(lower < upper)) refuse(who, "lower must be < upper, got ", lower, " and ", upper);
  if (Policies::order::count(Op::clamp) == 0 && !(std::isinf(lower) && std::isinf(upper)))
    refuse(who, "lower is ", lower, " and upper is ", upper,
           ", but the order has no Op::clamp; write Op::clamp where x is to be limited, for "
           "example last");
}

// All steps of one tile of chains; the chains stay out of main memory between them.
template <class Policies, class E>
struct LangevinMove {
  using Scalar = typename E::scalar_type;
  using Clip   = typename Policies::clip;
  // Sums for columns, or clips of whole gradients, see ChainClip.
  static constexpr int rows  = ClipsChains<Clip> ? 3 : 1;
  static constexpr int clips = 1, clamps = 2;  // columns, see Langevin

  StepNumbers<Scalar> numbers;

  template <class Context, class Tile>
  KOKKOS_FUNCTION void begin(Context const& c, Tile const& t) const {
    if (t.steps > 0 || !t.outputs.columns[clips]) return;
    Scalar* const row = t.rows;
    using V           = typename Context::value_type;
    c.map(1, [=](auto place) { place.store(row, V(0)); });
    t.store_column(c, clips, row);
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int k, Stream const& at) const {
    phase<false>(c, t.x, t.gradient, at, t.first);
    t.energy.gradient(c, t.workspace);
    bool const last = k == t.steps - 1;
    if constexpr (ClipsChains<Clip>) {
      scale_to_norm(c, t.gradient, t.rows);
      if (last) t.store_column(c, clips, t.rows + 2 * Context::width);
    } else {
      if (last && t.outputs.columns[clips]) count_clipped(c, t);
    }
    phase<true>(c, t.x, t.gradient, at, t.first);
  }

  // Of a step without a clip of whole gradients.
  template <class Context, class Tile>
    requires(!ClipsChains<Clip>)
  KOKKOS_FUNCTION void pull_back(Context const& c, Tile const& t, Stream const& at,
                                 Scalar* v) const {
    phase<false>(c, t.x, t.gradient, at, t.first);
    t.energy.gradient(c, t.workspace);
    using ops                   = StepOps<typename Policies::order, true>;
    Scalar const* const x       = t.x;
    Scalar const* const g       = t.gradient;
    StepNumbers<Scalar> const n = numbers;
    if constexpr (ops::contains(Op::noise)) {
      if (n.noise > 0) {
        c.normal(+E::dimension, at, static_cast<std::uint32_t>(t.first), [=](auto place, auto z) {
          place.store(v, place.load(v) *
                             ops::template slope<Clip, true>(place.load(x), place.load(g), z, n));
        });
        return;
      }
    }
    using V = typename Context::value_type;
    c.map(+E::dimension, [=](auto place) {
      place.store(v, place.load(v) * ops::template slope<Clip, false>(place.load(x), place.load(g),
                                                                      V(Scalar(0)), n));
    });
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void end(Context const& c, Tile const& t) const {
    if (!t.outputs.columns[clamps]) return;
    using V            = typename Context::value_type;
    Scalar const lower = numbers.lower, upper = numbers.upper;
    Scalar const* const x = t.x;
    auto const on_a_bound = [=](auto place) {
      V const xd = place.load(x);
      // Both comparisons are false for NaN, which counts as 0.
      return where_less(xd, V(upper), where_less(V(lower), xd, V(0), V(1)),
                        where_less(V(lower), xd, V(1), V(0)));
    };
    t.store_sum(c, clamps, on_a_bound, Scalar(1) / E::dimension, t.rows);
  }

 private:
  template <bool AfterGradient, class Context>
  KOKKOS_FORCEINLINE_FUNCTION void phase(Context const& c, Scalar* x, Scalar const* dx,
                                         Stream const& at, int first) const {
    using V   = typename Context::value_type;
    using ops = StepOps<typename Policies::order, AfterGradient>;
    if constexpr (!ops::empty) {
      StepNumbers<Scalar> const n = numbers;
      if constexpr (ops::contains(Op::noise)) {
        if (n.noise > 0) {
          c.normal(+E::dimension, at, static_cast<std::uint32_t>(first), [=](auto place, auto z) {
            using Z = decltype(z);
            Z g(0);
            if constexpr (ops::contains(Op::move)) g = place.load(dx);
            place.store(x, ops::template apply<Clip, true>(place.load(x), g, z, n));
          });
          return;
        }
      }
      c.map(+E::dimension, [=](auto place) {
        V g(0);
        if constexpr (ops::contains(Op::move)) g = place.load(dx);
        place.store(x, ops::template apply<Clip, false>(place.load(x), g, V(0), n));
      });
    }
  }

  // dx <- dx min(1, clip / |dx|_2), for each chain
  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION void scale_to_norm(Context const& c, Scalar* dx, Scalar* rows) const {
    using V           = typename Context::value_type;
    Scalar const clip = numbers.clip;
    c.reduce(
        1, +E::dimension,
        [=](auto place) {
          V const g = place.load(dx);
          return g * g;
        },
        [=](auto place, V squares) {
          auto const norm            = tile::scaled_norm(squares, +E::dimension,
                                                         [&](int d) { return place.at(d).load(dx); });
          ChainClip<V> const clipped = clip_chain<Clip>(norm, clip);
          place.store(rows, clipped.inverse);
          place.at(1).store(rows, clipped.factor);
          place.at(2).store(rows, clipped.changes);
        });
    c.map(+E::dimension, [=](auto place) {
      V const inverse = place.at(0).load(rows), factor = place.at(1).load(rows);
      place.store(dx, place.load(dx) * inverse * factor);
    });
  }

  // The fraction of elements that the clip changed.
  template <class Context, class Tile>
  KOKKOS_FORCEINLINE_FUNCTION void count_clipped(Context const& c, Tile const& t) const {
    using V                = typename Context::value_type;
    Scalar const clip      = numbers.clip;
    Scalar const* const dx = t.gradient;
    Scalar* const row      = t.rows;
    auto const changed     = [=](auto place) {
      if constexpr (ClipsElements<Clip>) {
        V const g = place.load(dx);
        return where_less(V(0), abs(Clip::element(g, clip) - g), V(1), V(0));
      } else {
        return V(0);
      }
    };
    t.store_sum(c, clips, changed, Scalar(1) / E::dimension, row);
  }
};

template <class Policies, class E, class Options>
LangevinMove<Policies, E> langevin_move(Options const& o) {
  using Scalar = typename E::scalar_type;
  return {{static_cast<Scalar>(o.step_size), static_cast<Scalar>(o.noise_standard_deviation()),
           static_cast<Scalar>(o.clip), static_cast<Scalar>(o.lower),
           static_cast<Scalar>(o.upper)}};
}

// The fields of both kinds of noise; the third sets the noise.
template <class Self, class F, class Value>
constexpr void langevin_fields(Self& self, F& f, Field const& noise, Value& value) {
  f(Field{"steps", "1", "moves of each chain per call"}, self.steps,
    range::closed(0, 1 << steps_bits));
  f(Field{"step_size", "x^2 / E", "alpha, size of a step"}, self.step_size,
    range::above(0).finite());
  f(noise, value, range::at_least(0).finite());
  f(Field{"clip", "E / x", "limit of the clip policy"}, self.clip, range::above(0));
  f(Field{"lower", "x", "least coordinate behind Op::clamp"}, self.lower);
  f(Field{"upper", "x", "largest coordinate behind Op::clamp, > lower"}, self.upper);
}

inline constexpr std::array<Quantity, 3> langevin_columns{
    {{"displacement", "x", "mean |x_K - x_0|_2 of the chains"},
     {"clip_fraction", "1", "share of dE/dx that the clip changed, last sampling step"},
     {"clamp_fraction", "1", "share of coordinates on a bound after the last sampling step"}}};

}  // namespace detail

/// Langevin sampling without an accept-reject step.
///
///   g <- dE/dx (x),  x <- x - alpha clip(g) + sigma xi,  xi ~ N(0, I),  x <- clamp(x)
///
/// in the order of the UpdateOrder policy, 'steps' times. With Calibrated noise sigma^2 = 2 alpha T
/// (Roberts and Tweedie 1996, Bernoulli 2(4), eq. 2); its stationary distribution is exp(-E/T) only
/// as alpha -> 0: for E = k x^2 / 2 the variance is sigma^2 / (2 alpha k - alpha^2 k^2).
///
/// \tparam Policies  in any order: Calibrated (default) or Decoupled; clip::None (default),
///                   clip::PerElement or clip::PerSample; an UpdateOrder (default GradientFirst)
template <class... Policies>
struct Langevin {
  using policies = detail::LangevinPolicies<Policies...>;
  static_assert(std::same_as<typename policies::noise, Calibrated>);

  int steps          = 60;    ///< K, moves of each chain per call; in [0, 2^20]
  double step_size   = 1e-2;  ///< alpha, units of x^2 / E; > 0
  double temperature = 1;     ///< T, units of E; >= 0
  double clip        = std::numeric_limits<double>::infinity();   ///< units of E / x; > 0
  double lower       = -std::numeric_limits<double>::infinity();  ///< smallest x after Op::clamp
  double upper       = std::numeric_limits<double>::infinity();   ///< largest x after Op::clamp

  /// sigma, standard deviation of the noise of one step; 0 in an order without Op::noise
  double noise_standard_deviation() const {
    return std::sqrt(2 * step_size * effective_temperature());
  }
  /// The temperature that the chain has as alpha -> 0; 0 in an order without Op::noise.
  double effective_temperature() const { return policies::has_noise ? temperature : 0; }

  static constexpr auto columns = detail::langevin_columns;
  template <class E>
  auto move() const {
    return detail::langevin_move<policies, E>(*this);
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    detail::langevin_fields(self, f, Field{"temperature", "E", "T of the law exp(-E / T)"},
                            self.temperature);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { detail::check_langevin<policies>(*this); }
};

/// Langevin sampling with independent step and noise; see Langevin.
template <class... Policies>
  requires(std::same_as<typename detail::LangevinPolicies<Policies...>::noise, Decoupled>)
struct Langevin<Policies...> {
  using policies = detail::LangevinPolicies<Policies...>;

  int steps        = 60;     ///< K, moves of each chain per call; in [0, 2^20]
  double step_size = 10;     ///< alpha, units of x^2 / E; > 0
  double noise     = 0.005;  ///< sigma, units of x; >= 0
  double clip      = std::numeric_limits<double>::infinity();   ///< units of E / x; > 0
  double lower     = -std::numeric_limits<double>::infinity();  ///< smallest x after Op::clamp
  double upper     = std::numeric_limits<double>::infinity();   ///< largest x after Op::clamp

  /// sigma, standard deviation of the noise of one step; 0 in an order without Op::noise
  double noise_standard_deviation() const { return policies::has_noise ? noise : 0; }
  /// T = sigma^2 / (2 alpha): the chain samples exp(-E/T) as alpha -> 0.
  double effective_temperature() const {
    return noise_standard_deviation() * noise_standard_deviation() / (2 * step_size);
  }

  static constexpr auto columns = detail::langevin_columns;
  template <class E>
  auto move() const {
    return detail::langevin_move<policies, E>(*this);
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    detail::langevin_fields(self, f,
                            Field{"noise", "x", "sigma, standard deviation of the noise of a step"},
                            self.noise);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { detail::check_langevin<policies>(*this); }
};

}  // namespace basin::sampler

#endif
