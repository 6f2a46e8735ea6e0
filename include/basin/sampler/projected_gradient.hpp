// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_PROJECTED_GRADIENT_HPP
#define BASIN_SAMPLER_PROJECTED_GRADIENT_HPP

#include <basin/core/field.hpp>
#include <basin/core/policy.hpp>
#include <basin/energy/head/labeled.hpp>
#include <basin/layer/elementwise.hpp>
#include <basin/sampler/chain.hpp>

#include <cmath>
#include <concepts>
#include <limits>

namespace basin::sampler {

struct ball_axis {};

/// The balls to which perturbations are limited, and the step that ascends in each. A user-defined
/// ball is a struct with
///
///   using axis = basin::sampler::ball_axis;
///   static constexpr int rows = ...;  // [row][T] of its own
///   // half the edge of the cube that the ball of radius 1 contains, in D dimensions
///   static double cube(int D);
///   // x, an iterate in rows t.x, from dE/dx in t.gradient: a step of size a, back into the ball of
///   // radius r around origin (D, T); own: its rows
///   template <class Context, class Tile, class Scalar> static KOKKOS_FUNCTION
///   void ascend(Context const& c, Tile const& t, Scalar const* origin, Scalar* own, Scalar a,
///               Scalar r);
namespace ball {

/// max_i |x_i - x0_i| <= r; a step is x + a sign dE/dx.
struct LInfinity {
  using axis                = ball_axis;
  static constexpr int rows = 0;
  static double cube(int) { return 1; }

  template <class Context, class Tile, class Scalar>
  static KOKKOS_FUNCTION void ascend(Context const& c, Tile const& t, Scalar const* origin, Scalar*,
                                     Scalar a, Scalar r) {
    using V               = typename Context::value_type;
    Scalar* const x       = t.x;
    Scalar const* const g = t.gradient;
    c.map(Tile::dimension, [=](auto at) {
      V const slope = at.load(g), none(Scalar(0));
      V const move  = where_less(none, slope, V(a), where_less(slope, none, V(-a), none));
      V const from  = at.load(origin);
      at.store(x, from + clamp(at.load(x) + move - from, Scalar(-r), r));
    });
  }
};

/// |x - x0|_2 <= r; a step is x + a dE/dx / |dE/dx|_2.
struct L2 {
  using axis                = ball_axis;
  static constexpr int rows = 1;  // a factor of each chain
  static double cube(int dimension) { return 1 / std::sqrt(static_cast<double>(dimension)); }

  template <class Context, class Tile, class Scalar>
  static KOKKOS_FUNCTION void ascend(Context const& c, Tile const& t, Scalar const* origin,
                                     Scalar* own, Scalar a, Scalar r) {
    using V               = typename Context::value_type;
    Scalar* const x       = t.x;
    Scalar const* const g = t.gradient;
    Scalar const least    = Kokkos::Experimental::norm_min_v<Scalar>;
    c.reduce(
        1, Tile::dimension, [=](auto at) { return at.load(g) * at.load(g); },
        [=](auto at, V sum) {  // a gradient of 0 moves nothing
          at.store(own, where_less(V(least), sum, V(a) / sqrt(sum), V(Scalar(0))));
        });
    c.map(Tile::dimension,
          [=](auto at) { at.store(x, fma(at.at(0).load(own), at.load(g), at.load(x))); });
    c.reduce(
        1, Tile::dimension,
        [=](auto at) {
          V const apart = at.load(x) - at.load(origin);
          return apart * apart;
        },
        [=](auto at, V sum) {
          at.store(own, where_less(V(r * r), sum, V(r) / sqrt(sum), V(Scalar(1))));
        });
    c.map(Tile::dimension, [=](auto at) {
      V const from = at.load(origin);
      at.store(x, fma(at.at(0).load(own), at.load(x) - from, from));
    });
  }
};

}  // namespace ball

/// A ball, see namespace ball.
template <class B>
concept Ball = has_axis<B, ball_axis> && requires {
  { +B::rows } -> std::convertible_to<int>;
  { B::cube(2) } -> std::convertible_to<double>;
};

struct expectation_axis {};

/// What the gradient of a step is averaged over. A user-defined policy is a struct with
///
///   using axis = basin::sampler::expectation_axis;
///   template <int D> static constexpr int rows = ...;  // [row][T] of its own, in D dimensions
///   // dE/dx of step k in t.gradient; own: its rows; seed: of its draws
///   template <class Context, class Tile, class Scalar> KOKKOS_FUNCTION
///   void gradient(Context const& c, Tile const& t, Scalar* own, int k, std::uint64_t seed) const;
///   void check() const;  // if it has options to validate; throws std::invalid_argument
namespace expectation {

/// Nothing: dropout is off, as where the classifier is used.
struct None {
  using axis = expectation_axis;
  template <int D>
  static constexpr int rows = 0;

  template <class Context, class Tile, class Scalar>
  KOKKOS_FUNCTION void gradient(Context const& c, Tile const& t, Scalar*, int,
                                std::uint64_t) const {
    t.energy.gradient(c, t.workspace);
  }
};

/// Masks of the layer::Dropout of the classifier, other ones for each row, step and restart: the
/// gradient of a step is the mean of those with each mask (expectation over transformation). An
/// attack on a classifier that drops out where it is used, and a check of one that does not: where it
/// breaks more rows, their gradient is masked. Losses are those without dropout, by which results are
/// kept. Source: Athalye et al. 2018, ICML, arXiv:1707.07397, section 2.1; 15 as in Yang et al. 2022,
/// arXiv:2209.07959, code.
struct OverDropout {
  using axis = expectation_axis;
  int masks  = 15;  ///< of a step; in [1, 2^11]
  template <int D>
  static constexpr int rows = D;

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"masks", "1", "of a step"}, self.masks, range::closed(1, 1 << 11));
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::expectation::OverDropout", *this); }

  template <class Context, class Tile, class Scalar>
  KOKKOS_FUNCTION void gradient(Context const& c, Tile const& t, Scalar* own, int k,
                                std::uint64_t seed) const {
    using V           = typename Context::value_type;
    Scalar* const g   = t.gradient;
    int const all     = masks;
    Scalar const each = Scalar(1) / static_cast<Scalar>(all);
    for (int m = 0; m < all; ++m) {
      // Below 2^32, above which layers have bits of their own.
      std::uint64_t const draw = static_cast<std::uint64_t>(k) * static_cast<std::uint64_t>(all) +
                                 static_cast<std::uint64_t>(m);
      t.energy.gradient(c, t.workspace,
                        layer::Training{Stream{seed, Purpose::dropout, draw},
                                        static_cast<std::uint32_t>(t.first)});
      bool const begins = m == 0, ends = m == all - 1;
      c.map(Tile::dimension, [=](auto at) {
        V const sum = begins ? at.load(g) : at.load(own) + at.load(g);
        if (ends)
          at.store(g, V(each) * sum);
        else
          at.store(own, sum);
      });
    }
  }
};

}  // namespace expectation

/// What gradients are averaged over, see namespace expectation.
template <class X>
concept Expectation = has_axis<X, expectation_axis> && requires {
  { +X::template rows<2> } -> std::convertible_to<int>;
};

/// Projected gradient ascent (PGD) of the cross-entropy of a classifier: adversarial examples,
///
///   x <- Pi(x + a s(d/dx -log p(y | x))),  s the sign, or division by the 2-norm
///
/// with the projection Pi onto the ball of 'radius' around the row and then onto [lower, upper], for
/// K steps from a random point of the cube in the ball; the best of all restarts, and of the row
/// itself, is kept for each row. Source: Madry et al. 2018, arXiv:1706.06083, section 2.1.
///
/// Accuracy on its results is an upper bound of robust accuracy: raise steps and restarts until
/// nothing changes, and the radius until nothing is right (Carlini et al. 2019, arXiv:1902.06705).
/// With steps = 0 the restarts are tries of random noise, an attack without gradients. Where those, or
/// the results of an attack on another classifier, break more rows than the gradient does, it is masked.
///
/// A targeted attack is given the classes that rows shall be taken for. It descends their
/// cross-entropy, x <- Pi(x - a s(...)), and keeps the least.
///
/// \tparam B  ball::LInfinity, ball::L2, or a user's
/// \tparam X  expectation::None, expectation::OverDropout, or a user's
template <Ball B = ball::LInfinity, Expectation X = expectation::None>
struct ProjectedGradient {
  int steps        = 40;     ///< K; in [0, 2^20]
  double step_size = 0.01;   ///< a, units of x; > 0
  double radius    = 0.1;    ///< of the ball, units of x; > 0
  int restarts     = 10;     ///< random starts; >= 1
  double lower     = -1;     ///< range of the rows, units of x
  double upper     = 1;      ///< range of the rows, units of x; > lower
  bool targeted    = false;  ///< labels are classes to reach, not to leave
  X expectation{};           ///< options of the policy, if any

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "of each start"}, self.steps, range::closed(0, 1 << steps_bits));
    f(Field{"step_size", "x", "size of a step"}, self.step_size, range::above(0).finite());
    f(Field{"radius", "x", "of the ball around a row"}, self.radius, range::above(0).finite());
    f(Field{"restarts", "1", "random starts"}, self.restarts, range::at_least(1));
    f(Field{"lower", "x", "least coordinate"}, self.lower);
    f(Field{"upper", "x", "largest coordinate, > lower"}, self.upper);
    f(Field{"targeted", "1", "labels are classes to reach"}, self.targeted);
    f.nested("expectation", self.expectation);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::sampler::ProjectedGradient";
    check_fields(who, *this);
    if (!(lower < upper)) refuse(who, "lower must be < upper, got ", lower, " and ", upper);
  }
};

namespace detail {

// The tile of a move, with its dimension as a constant.
template <class E, int n>
struct AscentTile : ChainTile<E, n> {
  static constexpr int dimension = E::dimension;
};

template <class E, class B, class X, class Points>
struct AscentMove {
  using Scalar           = typename E::scalar_type;
  static constexpr int D = E::dimension;
  // The rows x0, those of the ball, those of the expectation.
  static constexpr int rows = D + B::rows + X::template rows<D>;
  Points origin;  // (chains, D)
  Scalar step_size, radius, lower, upper;
  X expectation;
  std::uint64_t seed;

  template <class Context, class Tile>
  KOKKOS_FUNCTION void begin(Context const& c, Tile const& t) const {
    c.load_chains(origin, t.first, t.count, +D, t.rows);
  }
  template <class Context, class Tile>
  KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int k, Stream const&) const {
    using V            = typename Context::value_type;
    Scalar* const x    = t.x;
    Scalar const least = lower, most = upper;
    AscentTile<E, 1> const with_dimension{t};
    expectation.gradient(c, with_dimension, t.rows + (D + B::rows) * Context::width, k, seed);
    B::ascend(c, with_dimension, static_cast<Scalar const*>(t.rows), t.rows + D * Context::width,
              step_size, radius);
    c.map(+D, [=](auto at) { at.store(x, clamp(V(at.load(x)), least, most)); });
  }
  template <class Context, class Tile>
  KOKKOS_FUNCTION void end(Context const& c, Tile const& t) const {
    t.energy.energy(c, t.workspace);
    t.store_column(c, 0, t.value);
  }
};

// x = x0 + a random point of a cube, within the range.
template <class Scalar, class Points, class To>
struct StartInCube {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Points origin;  // (chains, D)
  To x;           // (chains, D)
  Scalar half, lower, upper;
  Stream stream;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int n) const {
    StartInCube const s = *this;
    int const dimension = static_cast<int>(x.extent(1));
    c.each((dimension + 3) / 4, [=](int block) {
      using V = tile::Simd<Scalar, 1>;
      V u[4];
      tile::uniform_block(s.stream, static_cast<std::uint32_t>(block),
                          static_cast<std::uint32_t>(n), u);
      for (int i = 0; i < 4; ++i)
        if (int const d = 4 * block + i; d < dimension)
          s.x(n, d) =
              clamp(fma(V(2 * s.half), u[i], V(s.origin(n, d) - s.half)), s.lower, s.upper)[0];
    });
  }
};

// best = x where its loss is larger, or, for targets, smaller.
template <class Scalar, class From, class To>
struct KeepWorst {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  From x;                // (chains, D)
  Scalar const* losses;  // (chains) of x
  To best;               // (chains, D)
  Scalar* largest;       // (chains) of best
  bool targeted;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int n) const {
    KeepWorst const s = *this;
    if (targeted ? !(losses[n] < largest[n]) : !(losses[n] > largest[n])) return;
    c.each(static_cast<int>(best.extent(1)), [=](int d) { s.best(n, d) = s.x(n, d); });
    c.barrier();
    c.each(1, [=](int) { s.largest[n] = s.losses[n]; });
  }
};

}  // namespace detail

/// adversarial(n, :) = the point in the ball around points(n, :) of the largest cross-entropy that
/// was found (targeted: the smallest), losses(n) = that cross-entropy. A kernel runs the steps of a start. Allocates working
/// memory and waits for the result.
///
/// \param classifier   an energy::Classifier
/// \param labels       (n) on the device, in [0, outputs): the true classes, or targets
/// \param points       (n, dimension) on the device, within [lower, upper]
/// \param adversarial  (n, dimension) on the device, not points
/// \param losses       (n) on the device, at least that of points (targeted: at most)
/// \param seed         of the random starts
/// \throws std::invalid_argument if an option is invalid, an extent does not fit, or a label is none
template <class Exec, class B, class X, class E, class Labels, class Points, class Adversarial,
          class Losses>
void attack(Exec const& exec, ProjectedGradient<B, X> const& options, E const& classifier,
            Labels const& labels, Points const& points, Adversarial const& adversarial,
            Losses const& losses, std::uint64_t seed = 1) {
  char const* who = "basin::sampler::attack";
  using Scalar    = typename E::scalar_type;
  options.check();
  if (static_cast<int>(points.extent(1)) != E::dimension)
    refuse(who, "points has second extent ", points.extent(1), ", the energy has dimension ",
           +E::dimension);
  if (adversarial.extent(0) != points.extent(0) || adversarial.extent(1) != points.extent(1))
    refuse(who, "adversarial has shape (", adversarial.extent(0), ", ", adversarial.extent(1),
           "), points has (", points.extent(0), ", ", points.extent(1), ")");
  if (labels.extent(0) != points.extent(0) || losses.extent(0) != points.extent(0))
    refuse(who, "labels has first extent ", labels.extent(0), " and losses ", losses.extent(0),
           ", points has ", points.extent(0));
  if (points.extent(0) == 0) return;
  auto const classes = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), labels);
  for (std::size_t n = 0; n < classes.extent(0); ++n)
    if (classes(n) < 0 || classes(n) >= E::outputs)
      refuse(who, "labels must be in [0, ", +E::outputs, "), the number of logits; labels(", n,
             ") is ", classes(n));

  auto const energy = classifier.with_head(energy::head::CrossEntropy{{labels.data()}});
  using Loss        = std::remove_const_t<decltype(energy)>;
  using Move        = detail::AscentMove<Loss, B, X, tile::Borrowed<Points>>;
  using Work        = Kokkos::View<Scalar**, Kokkos::LayoutRight, typename Exec::memory_space>;
  constexpr tile::Tuning tuning =
      tile::default_tuning<Exec, Scalar, Loss::workspace_rows + Move::rows>();
  int const count = static_cast<int>(points.extent(0));
  Work const x("basin::sampler::attack", points.extent(0), points.extent(1));
  Kokkos::View<Scalar*, typename Exec::memory_space> const found("basin::sampler::attack", count);
  Scalar const radius = static_cast<Scalar>(options.radius),
               lower  = static_cast<Scalar>(options.lower),
               upper  = static_cast<Scalar>(options.upper);
  double const ascent = options.targeted ? -options.step_size : options.step_size;
  auto const run = [&](Scalar const half, int restart, int steps, Scalar* to, auto const& chains) {
    using Chains = tile::Borrowed<std::remove_cvref_t<decltype(chains)>>;
    Stream const stream{seed, Purpose::sampler_start, static_cast<std::uint64_t>(restart)};
    tile::for_each_chain<tuning>(exec, "basin::start", count,
                                 detail::StartInCube<Scalar, tile::Borrowed<Points>, Chains>{
                                     points, chains, half, lower, upper, stream});
    Outputs<Scalar, 1> outputs{};
    outputs.columns[0] = to;
    Move const move{points,
                    static_cast<Scalar>(ascent),
                    radius,
                    lower,
                    upper,
                    options.expectation,
                    seed_of(seed, static_cast<std::uint64_t>(restart))};
    run_chains<tuning>(exec, "basin::attack", move, energy, chains, stream, steps, outputs);
  };
  run(0, 0, 0, losses.data(), adversarial);  // the rows themselves
  for (int restart = 1; restart <= options.restarts; ++restart) {
    run(radius * static_cast<Scalar>(B::cube(E::dimension)), restart, options.steps, found.data(),
        x);
    using Keep = detail::KeepWorst<Scalar, tile::Borrowed<Work>, tile::Borrowed<Adversarial>>;
    tile::for_each_chain<tuning>(
        exec, "basin::keep", count,
        Keep{x, found.data(), adversarial, losses.data(), options.targeted});
  }
  exec.fence("basin::sampler::attack");
}

}  // namespace basin::sampler

#endif
