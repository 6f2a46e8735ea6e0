// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_LANGEVIN_HPP
#define BASIN_SAMPLER_LANGEVIN_HPP

#include <basin/core/check.hpp>
#include <basin/core/policy.hpp>
#include <basin/energy/concepts.hpp>
#include <basin/sampler/concepts.hpp>
#include <basin/tile/launch.hpp>

#include <cmath>
#include <limits>

namespace basin::sampler {

struct noise_axis {};
struct clip_axis {};
struct order_axis {};

/// Noise tied to the step: sigma^2 = 2 alpha T, so that the chain has the law exp(-E/T) as
/// alpha -> 0. Source: Roberts and Tweedie 1996, Bernoulli 2(4), eq. 2.
struct Calibrated {
  using axis = noise_axis;
};

/// Step alpha and noise sigma set apart, as image models do: the chain has the temperature
/// sigma^2 / (2 alpha), whatever the energy was meant for.
struct Decoupled {
  using axis = noise_axis;
};

namespace clip {

/// The gradient as it is.
struct None {
  using axis = clip_axis;
};
/// Every dE/dx_i limited to [-clip, clip].
struct PerElement {
  using axis = clip_axis;
};
/// dE/dx scaled down to the norm |dE/dx|_2 <= clip, for each chain alone.
struct PerSample {
  using axis = clip_axis;
};

}  // namespace clip

/// What a step does, in the order in which it does it.
enum class Op {
  noise,     ///< x <- x + sigma xi
  gradient,  ///< g <- dE/dx
  clip,      ///< g limited by the clip policy
  move,      ///< x <- x - alpha g
  clamp,     ///< x limited to [lower, upper]
};

/// The order of operations of one step. Published samplers differ in it, and in what they learn.
template <Op... ops>
struct UpdateOrder {
  using axis = order_axis;

  static constexpr int count(Op op) { return (0 + ... + int(ops == op)); }
  /// Place of the first op in the order, or -1.
  static constexpr int place(Op op) {
    int i = 0, found = -1;
    ((found = found < 0 && ops == op ? i : found, ++i), ...);
    return found;
  }
  static_assert(count(Op::gradient) == 1 && count(Op::move) == 1,
                "basin::sampler::UpdateOrder: write Op::gradient and Op::move once each.");
  static_assert(
      place(Op::gradient) < place(Op::move),
      "basin::sampler::UpdateOrder: Op::move needs the gradient; write Op::gradient before it.");
  static_assert(count(Op::noise) <= 1,
                "basin::sampler::UpdateOrder: write Op::noise at most once.");
  static_assert(
      count(Op::clip) == 0 || (count(Op::clip) == 1 && place(Op::gradient) < place(Op::clip) &&
                               place(Op::clip) < place(Op::move)),
      "basin::sampler::UpdateOrder: write Op::clip once, between Op::gradient and Op::move.");
};

/// Gradient, move and noise together, then the bounds.
using GradientFirst = UpdateOrder<Op::gradient, Op::clip, Op::move, Op::noise, Op::clamp>;

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
  static_assert(std::same_as<clip, sampler::clip::None> || order::count(Op::clip) == 1,
                "basin::sampler::Langevin: the order has no Op::clip, but a clip:: policy is "
                "given; write Op::clip between Op::gradient and Op::move.");
};

// noise: sigma or T, by its name
template <class Policies>
void check_langevin(int steps, double step_size, char const* noise_name, double noise, double clip,
                    double lower, double upper) {
  char const* who      = "basin::sampler::Langevin";
  constexpr bool clips = !std::same_as<typename Policies::clip, sampler::clip::None>;
  if (steps < 0 || steps > 1 << steps_bits)
    refuse(who, "steps must be in [0, ", 1 << steps_bits, "], got ", steps);
  if (!(step_size > 0) || std::isinf(step_size))
    refuse(who, "step_size must be > 0 and finite, got ", step_size);
  if (!(noise >= 0) || std::isinf(noise))
    refuse(who, noise_name, " must be >= 0 and finite, got ", noise);
  if (clips && !(clip > 0)) refuse(who, "clip must be > 0, got ", clip);
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

inline constexpr std::array<Quantity, 3> langevin_columns{
    {{"displacement", "x", "mean |x_K - x_0|_2 of the chains"},
     {"clip_fraction", "1", "share of dE/dx that the sampler's clip changed, last sampling step"},
     {"clamp_fraction", "1", "share of coordinates on a bound after the last sampling step"}}};

}  // namespace detail

/// Langevin sampling without an accept-reject step.
///
///   g <- dE/dx (x),  x <- x - alpha clip(g) + sigma xi,  xi ~ N(0, I),  x <- clamp(x)
///
/// in the order of the Order policy, 'steps' times. With Calibrated noise sigma^2 = 2 alpha T
/// (Roberts and Tweedie 1996, Bernoulli 2(4), eq. 2); its stationary law is that of exp(-E/T) only
/// as alpha -> 0: for E = k x^2 / 2 the variance is sigma^2 / (2 alpha k - alpha^2 k^2).
///
/// \tparam Policies  in any order: Calibrated (default) or Decoupled; clip::None (default),
///                   clip::PerElement or clip::PerSample; an Order (default GradientFirst)
template <class... Policies>
struct Langevin {
  using policies                = detail::LangevinPolicies<Policies...>;
  static constexpr auto columns = detail::langevin_columns;
  static_assert(std::same_as<typename policies::noise, Calibrated>);

  int steps          = 60;    ///< K, moves of each chain per call; in [0, 2^20]
  double step_size   = 1e-2;  ///< alpha, units of x^2 / E; > 0
  double temperature = 1;     ///< T, units of E; >= 0
  double clip        = std::numeric_limits<double>::infinity();   ///< units of E / x; > 0
  double lower       = -std::numeric_limits<double>::infinity();  ///< least x after Op::clamp
  double upper       = std::numeric_limits<double>::infinity();   ///< largest x after Op::clamp

  /// sigma, standard deviation of the noise of one step; 0 in an order without Op::noise
  double noise_standard_deviation() const {
    return std::sqrt(2 * step_size * effective_temperature());
  }
  /// The temperature that the chain has as alpha -> 0; 0 in an order without Op::noise.
  double effective_temperature() const { return policies::has_noise ? temperature : 0; }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    detail::check_langevin<policies>(steps, step_size, "temperature", temperature, clip, lower,
                                     upper);
  }
};

/// Langevin sampling with step and noise set apart; see Langevin.
template <class... Policies>
  requires(std::same_as<typename detail::LangevinPolicies<Policies...>::noise, Decoupled>)
struct Langevin<Policies...> {
  using policies                = detail::LangevinPolicies<Policies...>;
  static constexpr auto columns = detail::langevin_columns;

  int steps        = 60;     ///< K, moves of each chain per call; in [0, 2^20]
  double step_size = 10;     ///< alpha, units of x^2 / E; > 0
  double noise     = 0.005;  ///< sigma, units of x; >= 0
  double clip      = std::numeric_limits<double>::infinity();   ///< units of E / x; > 0
  double lower     = -std::numeric_limits<double>::infinity();  ///< least x after Op::clamp
  double upper     = std::numeric_limits<double>::infinity();   ///< largest x after Op::clamp

  /// sigma, standard deviation of the noise of one step; 0 in an order without Op::noise
  double noise_standard_deviation() const { return policies::has_noise ? noise : 0; }
  /// T = sigma^2 / (2 alpha): the chain has the law exp(-E/T) as alpha -> 0.
  double effective_temperature() const {
    return noise_standard_deviation() * noise_standard_deviation() / (2 * step_size);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    detail::check_langevin<policies>(steps, step_size, "noise", noise, clip, lower, upper);
  }
};

/// What a sampler saw of each chain. Arrays may be null.
template <class Scalar>
struct ChainStatistics {
  Scalar* displacement = nullptr;  ///< (chains) |x_K - x_0|_2
  Scalar* clipped      = nullptr;  ///< (chains) share of coordinates (PerSample: 0 or 1) that the
                                   ///< clip of the last step changed
  Scalar* clamped = nullptr;       ///< (chains) share of coordinates on a bound after the last
                                   ///< step; NaN is on none
};

namespace detail {

// The numbers of a step in the energy's scalar.
template <class Scalar>
struct StepNumbers {
  int steps;
  Scalar step, noise, clip, lower, upper;
};

// The elementwise ops of a step on one vector: those before the gradient, or those from it on.
template <class Order, bool AfterGradient>
struct StepOps;
template <Op... ops, bool AfterGradient>
struct StepOps<UpdateOrder<ops...>, AfterGradient> {
  using order                 = UpdateOrder<ops...>;
  static constexpr int middle = order::place(Op::gradient);

  static KOKKOS_FUNCTION constexpr bool contains(Op op) {
    int i      = 0;
    bool found = false;
    ((found = found || (ops == op && (i > middle) == AfterGradient), ++i), ...);
    return found;
  }
  static constexpr bool empty = AfterGradient ? false : middle == 0;

  // x after the ops; g and z are read if the ops have move and noise
  template <bool ClipsElements, class V, class Scalar>
  static KOKKOS_FORCEINLINE_FUNCTION V apply(V x, V g, V z, StepNumbers<Scalar> const& n) {
    int i = 0;
    (((i++ > middle) == AfterGradient ? (x = one<ops, ClipsElements>(x, g, z, n)) : x), ...);
    return x;
  }

 private:
  template <Op op, bool ClipsElements, class V, class Scalar>
  static KOKKOS_FORCEINLINE_FUNCTION V one(V x, V& g, V z, StepNumbers<Scalar> const& n) {
    if constexpr (op == Op::noise) return fma(V(n.noise), z, x);
    if constexpr (op == Op::clip && ClipsElements) g = clamp(g, Scalar(-n.clip), n.clip);
    if constexpr (op == Op::move) return fma(V(-n.step), g, x);
    if constexpr (op == Op::clamp) return clamp(x, n.lower, n.upper);
    return x;
  }
};

// All steps of one tile of chains; nothing of a chain goes to main memory between them.
template <class Policies, class E, class Chains>
struct LangevinTile {
  using scalar_type = typename E::scalar_type;
  using Scalar      = scalar_type;
  using clip_policy = typename Policies::clip;
  // One more row: the factors of clip::PerSample, and sums for the statistics.
  static constexpr int workspace_rows = E::workspace_rows + 1;

  E energy;
  Chains chains;  // (chains, dimension)
  StepNumbers<Scalar> numbers;
  Stream stream;
  ChainStatistics<Scalar> statistics;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar* workspace, int tile) const {
    constexpr int T      = Context::width;
    int const count      = static_cast<int>(chains.extent(0));
    int const first      = tile * T;
    Scalar* const x      = workspace + E::state_row * T;       // (dimension, T)
    Scalar* const dx     = workspace + E::gradient_row * T;    // (dimension, T)
    Scalar* const factor = workspace + E::workspace_rows * T;  // (1, T)
    c.load_chains(chains, first, count, +E::dimension, x);
    if (numbers.steps == 0 && statistics.clipped) {
      Scalar* const out = statistics.clipped;
      c.each(T, [=](int t) {
        if (first + t < count) out[first + t] = 0;
      });
    }
    Stream const from = stream.now();
    c.repeat(numbers.steps, [&, this](int k) {
      Stream at = from;
      at.step += static_cast<std::uint64_t>(k);
      phase<false>(c, x, dx, at, first);
      energy.gradient(c, workspace);
      if (k == numbers.steps - 1 && statistics.clipped) count_clipped(c, dx, factor, first, count);
      if constexpr (std::same_as<clip_policy, sampler::clip::PerSample>)
        scale_to_norm(c, dx, factor);
      phase<true>(c, x, dx, at, first);
    });
    if (statistics.clamped) count_clamped(c, x, factor, first, count);
    if (statistics.displacement) measure_displacement(c, x, factor, first, count);
    c.store_chains(x, first, count, +E::dimension, chains);
  }

 private:
  template <bool AfterGradient, class Context>
  KOKKOS_FORCEINLINE_FUNCTION void phase(Context const& c, Scalar* x, Scalar const* dx,
                                         Stream const& at, int first) const {
    using V              = typename Context::value_type;
    using ops            = StepOps<typename Policies::order, AfterGradient>;
    constexpr bool clips = std::same_as<clip_policy, sampler::clip::PerElement>;
    if constexpr (!ops::empty) {
      StepNumbers<Scalar> const n = numbers;
      if constexpr (ops::contains(Op::noise)) {
        if (n.noise > 0) {
          c.normal(+E::dimension, at, static_cast<std::uint32_t>(first), [=](auto place, auto z) {
            using Z = decltype(z);
            Z g(0);
            if constexpr (ops::contains(Op::move)) g = place.load(dx);
            place.store(x, ops::template apply<clips>(place.load(x), g, z, n));
          });
          return;
        }
      }
      c.map(+E::dimension, [=](auto place) {
        V g(0);
        if constexpr (ops::contains(Op::move)) g = place.load(dx);
        place.store(x, ops::template apply<clips>(place.load(x), g, V(0), n));
      });
    }
  }

  // Norms are compared in this unit, so that squares of what a large clip allows stay finite.
  KOKKOS_FORCEINLINE_FUNCTION Scalar clip_unit() const {
    return numbers.clip > Scalar(1) ? numbers.clip : Scalar(1);
  }

  // dx <- dx min(1, clip / |dx|_2), for each chain
  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION void scale_to_norm(Context const& c, Scalar* dx,
                                                 Scalar* factor) const {
    using V           = typename Context::value_type;
    Scalar const unit = clip_unit(), scale = Scalar(1) / unit, clip = numbers.clip / unit;
    c.reduce(
        1, +E::dimension,
        [=](auto place) {
          V const g = V(scale) * place.load(dx);
          return g * g;
        },
        [=](auto place, V square) {
          V const norm = sqrt(square);
          place.store(factor, where_less(V(clip), norm, V(clip) / norm, V(1)));
        });
    c.map(+E::dimension,
          [=](auto place) { place.store(dx, place.load(dx) * place.at(0).load(factor)); });
  }

  // out(first + t) = factor sum_d f(place_d) of chain t
  template <class Context, class F>
  KOKKOS_FORCEINLINE_FUNCTION void sum_over_coordinates(Context const& c, F const& f, Scalar factor,
                                                        Scalar* row, int first, int count,
                                                        Scalar* out) const {
    using V = typename Context::value_type;
    c.reduce(1, +E::dimension, f, [=](auto place, V sum) { place.store(row, V(factor) * sum); });
    c.each(+Context::width, [=](int t) {
      if (first + t < count) out[first + t] = row[t];
    });
  }

  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION void count_clipped(Context const& c, Scalar const* dx, Scalar* row,
                                                 int first, int count) const {
    using V           = typename Context::value_type;
    Scalar const clip = numbers.clip;
    Scalar* const out = statistics.clipped;
    if constexpr (std::same_as<clip_policy, sampler::clip::PerSample>) {
      Scalar const scale = Scalar(1) / clip_unit(), most = clip / clip_unit();
      auto const square = [=](auto place) {
        V const g = V(scale) * place.load(dx);
        return g * g;
      };
      sum_over_coordinates(c, square, Scalar(1), row, first, count, out);
      c.each(+Context::width, [=](int t) {
        if (first + t < count) out[first + t] = out[first + t] > most * most ? 1 : 0;
      });
    } else {
      auto const beyond = [=](auto place) {
        return where_less(V(clip), abs(place.load(dx)), V(1), V(0));
      };
      sum_over_coordinates(c, beyond, Scalar(1) / E::dimension, row, first, count, out);
    }
  }

  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION void count_clamped(Context const& c, Scalar const* x, Scalar* row,
                                                 int first, int count) const {
    using V            = typename Context::value_type;
    Scalar const lower = numbers.lower, upper = numbers.upper;
    auto const on_a_bound = [=](auto place) {
      V const xd = place.load(x);
      // Both comparisons are false for NaN, which counts 0.
      return where_less(xd, V(upper), where_less(V(lower), xd, V(0), V(1)),
                        where_less(V(lower), xd, V(1), V(0)));
    };
    sum_over_coordinates(c, on_a_bound, Scalar(1) / E::dimension, row, first, count,
                         statistics.clamped);
  }

  template <class Context>
  KOKKOS_FORCEINLINE_FUNCTION void measure_displacement(Context const& c, Scalar const* x,
                                                        Scalar* row, int first, int count) const {
    using V            = typename Context::value_type;
    Scalar* const out  = statistics.displacement;
    Chains const start = chains;
    auto const square  = [=](auto place) {
      int const chain = first + place.lane;
      V const from    = V::generate(
          [&](int l) { return start(chain + l < count ? chain + l : count - 1, place.row); });
      V const moved = place.load(x) - from;
      return moved * moved;
    };
    sum_over_coordinates(c, square, Scalar(1), row, first, count, out);
    c.each(+Context::width, [=](int t) {
      if (first + t < count) out[first + t] = Kokkos::sqrt(out[first + t]);
    });
  }
};

}  // namespace detail

/// Moves every chain in place by langevin.steps steps.
///
/// Asynchronous on exec. The noise of step k is that of stream.step + k, so that two calls of K
/// steps, the second K further on, give what one call of 2 K gives.
///
/// \tparam tuning    how the backend cuts the work; results do not depend on it
/// \param exec       execution space instance
/// \param langevin   policies and numbers
/// \param energy     models basin::Energy
/// \param chains     (chains, dimension of the energy), any number of chains
/// \param stream     seed and first step; with the same once more the noise is the same, so a call
///                   that continues chains takes a step that is further by langevin.steps
/// \param statistics what to report of each chain; null: nothing
/// \throws std::invalid_argument if a number of langevin is refused, chains has another second
///         extent than the energy's dimension, or there is no chain
template <tile::Tuning tuning, class Exec, class... Policies, class E, class Chains>
void sample(Exec const& exec, Langevin<Policies...> const& langevin, E const& energy,
            Chains const& chains, Stream stream,
            ChainStatistics<typename Chains::non_const_value_type> statistics = {}) {
  if constexpr (check_energy<E>::value) {
    using Scalar = typename E::scalar_type;
    static_assert(Kokkos::SpaceAccessibility<Exec, typename Chains::memory_space>::accessible,
                  "basin::sampler::sample: chains must be reachable from exec.");
    static_assert(Chains::rank() == 2,
                  "basin::sampler::sample: chains must be a View of rank 2, (chains, dimension).");
    static_assert(std::same_as<typename Chains::value_type, Scalar>,
                  "basin::sampler::sample: the elements of chains must be the energy's "
                  "scalar_type, which is another, or chains are const.");
    langevin.check();
    char const* who = "basin::sampler::sample";
    if (chains.extent(0) == 0) refuse(who, "chains has first extent 0, it must hold a chain");
    if (static_cast<int>(chains.extent(1)) != E::dimension)
      refuse(who, "chains has second extent ", chains.extent(1), ", the energy has dimension ",
             +E::dimension);
    stream.purpose = Purpose::sampler_noise;
    using work     = detail::LangevinTile<typename Langevin<Policies...>::policies, E, Chains>;
    work const chain_steps{energy,
                           chains,
                           {langevin.steps, static_cast<Scalar>(langevin.step_size),
                            static_cast<Scalar>(langevin.noise_standard_deviation()),
                            static_cast<Scalar>(langevin.clip), static_cast<Scalar>(langevin.lower),
                            static_cast<Scalar>(langevin.upper)},
                           stream,
                           statistics};
    int const count     = static_cast<int>(chains.extent(0));
    auto const in_tiles = [&]<tile::Tuning chosen>() {
      tile::for_each_tile<chosen, Kokkos::Schedule<Kokkos::Dynamic>>(
          exec, "basin::langevin", tile::tiles(count, chosen.width), chain_steps);
    };
    // A chain takes long: rather narrow tiles on all of a GPU than wide ones on a part. Narrower
    // still where every tile has the weights to itself: where they are streamed, twice the tiles
    // would read them twice as often.
    constexpr tile::Tuning narrow    = tile::narrow_tuning(tuning);
    constexpr tile::Tuning narrowest = tile::narrower(narrow, narrow.width / 2);
    if constexpr (narrow.width < tuning.width) {
      int const at_once = tile::tiles_at_once(exec);
      if constexpr (tile::stages_weights<Exec, narrowest, work>() &&
                    narrowest.precision == tile::Precision::full) {
        if (tile::tiles(count, narrowest.width) <= at_once)
          return in_tiles.template operator()<narrowest>();
      }
      if (tile::tiles(count, tuning.width) < at_once) return in_tiles.template operator()<narrow>();
    }
    in_tiles.template operator()<tuning>();
  }
}

/// As above, with columns.
template <tile::Tuning tuning, class Exec, class... Policies, class E, class Chains>
void sample(Exec const& exec, Langevin<Policies...> const& langevin, E const& energy,
            Chains const& chains, Stream stream,
            Outputs<typename Chains::non_const_value_type, 3> const& outputs) {
  sample<tuning>(exec, langevin, energy, chains, stream,
                 ChainStatistics<typename Chains::non_const_value_type>{
                     outputs.columns[0], outputs.columns[1], outputs.columns[2]});
}

/// As above, with the tuning of the backend.
template <class Exec, class... Policies, class E, class Chains>
void sample(Exec const& exec, Langevin<Policies...> const& langevin, E const& energy,
            Chains const& chains, Stream stream,
            ChainStatistics<typename Chains::non_const_value_type> statistics = {}) {
  if constexpr (check_energy<E>::value)
    sample<tile::default_tuning<Exec, typename E::scalar_type, E::workspace_rows>()>(
        exec, langevin, energy, chains, stream, statistics);
}

}  // namespace basin::sampler

#endif
