// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_SCORE_MATCHING_HPP
#define BASIN_OBJECTIVE_SCORE_MATCHING_HPP

#include <basin/core/check.hpp>
#include <basin/core/policy.hpp>
#include <basin/energy/parameter_gradient.hpp>
#include <basin/objective/diagnostics.hpp>
#include <basin/tile/kept_products.hpp>

namespace basin::objective {

struct direction_axis {};
struct form_axis {};

/// The law of the directions v of sliced score matching; E[v v^T] = I for each.
namespace direction {

/// Every coordinate -1 or 1: of these laws the one with the smallest variance of v.H v.
struct Rademacher {
  using axis = direction_axis;
};
/// N(0, I).
struct Gaussian {
  using axis = direction_axis;
};

}  // namespace direction

/// Which of two sums with the same mean sliced score matching takes.
namespace form {

/// (v.grad E)^2 / 2 - v.H v: one pass of jets.
struct Plain {
  using axis = form_axis;
};
/// |grad E|^2 / 2 - v.H v: less variance, and a second pass for the first term.
struct VarianceReduced {
  using axis = form_axis;
};

}  // namespace form

namespace detail {

// Every direction of the axes once, in place of a draw.
struct Axes {};

// Sample j % batch of the batch, for jet j.
template <class Points>
struct Repeated {
  Points points;
  int batch;
  KOKKOS_FUNCTION auto operator()(int j, int d) const { return points(j % batch, d); }
};

// The jets x + e v: jet j is of sample j % batch and has direction j / batch.
template <class Points, class Direction>
struct FillSliced {
  static constexpr int further_rows = 0;
  Points points;  // (batch, dimension)
  int batch, projections;
  Stream stream;

  template <class Context, class E>
  KOKKOS_FUNCTION Context const& operator()(Context const& c, E const&,
                                            typename E::scalar_type* workspace, int first,
                                            Stream const&) const {
    using Scalar    = typename E::scalar_type;
    using P         = typename Context::value_type::simd_type;
    constexpr int T = Context::width, size = Context::row_size;
    Scalar* const x = workspace + E::state_row * size;  // (dimension, 3, T)
    int const count = batch * projections, B = batch;
    if (projections == 1)
      c.load_chains(points, first, count, +E::dimension, x);
    else
      c.load_chains(Repeated<Points>{points, B}, first, count, +E::dimension, x);
    auto const store = [=](auto at, auto v) {
      Scalar* const to = x + at.row * size + at.lane;
      tile::store(to + T, v);
      tile::store(to + 2 * T, decltype(v)(Scalar(0)));
    };
    if constexpr (std::same_as<Direction, Axes>) {
      c.map(+E::dimension, [=](auto at) {
        store(at, P::generate(
                      [&](int l) { return Scalar((first + at.lane + l) / B == at.row ? 1 : 0); }));
      });
    } else {
      c.normal(+E::dimension, stream.now(), static_cast<std::uint32_t>(first),
               [=](auto at, auto z) {
                 using Z = decltype(z);
                 if constexpr (std::same_as<Direction, direction::Rademacher>)
                   z = where_less(z, Z(Scalar(0)), Z(Scalar(-1)), Z(Scalar(1)));
                 store(at, z);
               });
    }
    return c;
  }
};

// Of c = E + c_1 e + c_2 e^2: the series of c_1^2 / 2 - 2 c_2, or of -2 c_2.
template <bool with_square>
struct SlicedSeed {
  template <class Place, class V>
  KOKKOS_FORCEINLINE_FUNCTION V operator()(Place, V c) const {
    V s(typename V::value_type(-2));
    if constexpr (with_square) s.c[1] = c.c[1];
    return s;
  }
};

// x~ = x + deviation z and the jet x~ + e u with u = grad E(x~) - z / deviation; loss = |u|^2 / 2.
// Without deviation x~ = x and u = grad E. The jets go on from the products of grad E.
template <class E, class Points>
struct FillResidual {
  using Scalar                      = typename E::scalar_type;
  static constexpr int dimension    = E::dimension;
  static constexpr int further_rows = (2 * dimension + E::kept_rows + 1) / 2;
  Points points;  // (count, dimension)
  Scalar deviation;
  Stream stream;
  Scalar* losses;  // (count, padded to full tiles)

  template <class Context>
  KOKKOS_FUNCTION auto operator()(Context const& c, E const& energy, Scalar* workspace, int first,
                                  Stream const& stream_of_pass) const {
    using P         = typename Context::value_type::simd_type;
    constexpr int T = Context::width, size = Context::row_size;
    Scalar* const x        = workspace + E::workspace_rows * size;  // (dimension, T)
    Scalar* const u        = x + dimension * T;                     // (dimension, T)
    Scalar* const kept     = u + dimension * T;                     // (kept_rows, T)
    Scalar* const state    = workspace + E::state_row * T;          // (dimension, T)
    Scalar const* const dx = workspace + E::gradient_row * T;       // (dimension, T)
    Scalar* const jet      = workspace + E::state_row * size;       // (dimension, 2, T)
    Scalar* const to       = losses + first;
    Scalar const scale     = deviation;
    int const count        = static_cast<int>(points.extent(0));
    auto const v           = c.with_values();
    v.load_chains(points, first, count, +dimension, x);
    if (scale > 0) {
      v.normal(+dimension, stream.now(), static_cast<std::uint32_t>(first), [=](auto at, auto z) {
        decltype(z) const sigma(scale);
        at.store(x, fma(sigma, z, at.load(x)));
        at.store(u, z / sigma);
      });
    } else {
      v.map(+dimension, [=](auto at) { at.store(u, P(Scalar(0))); });
    }
    v.map(+dimension, [=](auto at) { at.store(state, at.load(x)); });
    energy.gradient(tile::KeepsProducts(v, kept), workspace,
                    layer::Training{stream_of_pass, static_cast<std::uint32_t>(first)});
    v.map(+dimension, [=](auto at) { at.store(u, at.load(dx) - at.load(u)); });
    v.reduce(
        1, +dimension,
        [=](auto at) {
          P const r = at.load(u);
          return r * r;
        },
        [=](auto at, P sum) { tile::store(to + at.lane, P(Scalar(0.5)) * sum); });
    v.map(+dimension, [=](auto at) {
      tile::store(jet + at.row * size + at.lane, at.load(x));
      tile::store(jet + at.row * size + T + at.lane, at.load(u));
    });
    return tile::HasProducts(c, kept);
  }
};

// losses[n] = share sum_m (c_1^2 / 2, if it is asked for, - 2 c_2) over the directions m of sample
// n; with squares that of |grad E|^2 / 2 is there already.
template <class Scalar, bool with_square>
struct SlicedLosses {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Scalar const* series;  // (3, samples)
  int samples, batch, projections;
  Scalar share;
  Scalar* losses;  // (batch)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    SlicedLosses const self = *this;
    c.each(batch, [=](int n) {
      Scalar sum = 0;
      for (int m = 0; m < self.projections; ++m) {
        int const j        = m * self.batch + n;
        Scalar const slope = self.series[self.samples + j];
        if (with_square) sum += slope * slope / 2;
        sum -= 2 * self.series[2 * self.samples + j];
      }
      self.losses[n] = with_square ? self.share * sum : self.losses[n] + self.share * sum;
    });
  }
};

template <class Scalar>
struct AddTo {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  static constexpr int block          = 2048;
  Scalar const* from;
  Scalar* to;
  int count;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int b) const {
    int const begin = b * block, n = count - begin < +block ? count - begin : +block;
    Scalar const* const x = from + begin;
    Scalar* const y       = to + begin;
    c.each(n, [=](int i) { y[i] += x[i]; });
  }
};

template <class E, class Exec>
using Batch =
    Kokkos::View<typename E::scalar_type**, Kokkos::LayoutRight, typename Exec::memory_space>;

// The sum over directions, of both forms.
template <class E, class Exec, tile::Tuning tuning, class Direction, bool reduced>
class SlicedGradient {
  using Scalar = typename E::scalar_type;

 public:
  using Chains = Batch<E, Exec>;
  using Pool   = Kokkos::View<Scalar const**, Kokkos::LayoutRight, typename Exec::memory_space>;
  static constexpr int parameters = 0;

  SlicedGradient(int batch, int projections, Scalar share, std::uint64_t seed)
      : batch_(batch),
        projections_(projections),
        share_(share),
        seed_(seed),
        sliced_(batch * projections),
        square_(reduced ? batch : 1),
        positives_("basin::objective::points", batch, +E::dimension),
        losses_("basin::objective::losses", square_.samples() + sliced_.samples()),
        further_("basin::objective::gradient", reduced ? +E::parameters : 0) {
    sliced_.set_weights(batch * projections, share / static_cast<Scalar>(batch));
    square_.set_weights(reduced ? batch : 1, Scalar(1) / static_cast<Scalar>(batch));
  }

  Chains positives() const { return positives_; }
  int projections() const { return projections_; }

  void gradient(Exec const& exec, E const& energy, Step const& step, Scalar* gradient) const {
    using Points         = tile::Borrowed<Chains>;
    Stream const dropout = step.stream(seed_, Purpose::dropout);
    int const jets       = batch_ * projections_;
    if constexpr (reduced) {
      square_.record(exec, energy, batch_,
                     FillResidual<E, Points>{positives_, 0, {}, losses_.data()}, dropout);
      square_.sum(exec, batch_, further_.data());
    }
    sliced_.record(exec, energy, jets,
                   FillSliced<Points, Direction>{positives_, batch_, projections_,
                                                 step.stream(seed_, Purpose::direction)},
                   dropout, SlicedSeed<!reduced>{});
    sliced_.sum(exec, jets, gradient);
    tile::for_each_tile<tuning>(
        exec, "basin::losses", 1,
        SlicedLosses<Scalar, !reduced>{sliced_.energies(), sliced_.samples(), batch_, projections_,
                                       share_, losses_.data()});
    if constexpr (reduced)
      tile::for_each_tile<tuning>(exec, "basin::add",
                                  tile::tiles(E::parameters, AddTo<Scalar>::block),
                                  AddTo<Scalar>{further_.data(), gradient, E::parameters});
  }

  Diagnostics<Scalar> diagnostics() const {
    return {.energies_data = sliced_.energies(), .losses = losses_.data()};
  }

 private:
  int batch_, projections_;
  Scalar share_;  // of a direction in the loss of its sample
  std::uint64_t seed_;
  energy::ParameterGradient<E, 2, Exec, tuning> sliced_;
  energy::ParameterGradient<E, 1, Exec, tuning> square_;
  Chains positives_;                                            // (batch, dimension)
  Kokkos::View<Scalar*, typename Exec::memory_space> losses_;   // (batch, padded)
  Kokkos::View<Scalar*, typename Exec::memory_space> further_;  // (parameters)
};

}  // namespace detail

/// Sliced score matching: the exact form with the trace of H = d^2 E / dx^2 along random
/// directions.
///
///   J = mean [ (v.grad E)^2 / 2 - v.H v ],  or with form::VarianceReduced  |grad E|^2 / 2 - v.H v
///
/// over the batch and, for each sample, over 'projections' directions with E[v v^T] = I. Up to a
/// constant this is mean |grad E + grad log p_data|^2 / 2, whose minimum is p proportional to
/// exp(-E). Source: Song, Garg, Shi and Ermon 2019, UAI, eqs. 7 and 8, with s = -grad E.
///
/// \tparam Policies  in any order: direction::Rademacher (default) or Gaussian; form::Plain
/// (default)
///                   or VarianceReduced
template <class... Policies>
struct SlicedScoreMatching {
  static_assert((Policy<Policies> && ...) &&
                    (has_axis<Policies, direction_axis, form_axis> && ...) &&
                    policies_of<direction_axis, Policies...> <= 1 &&
                    policies_of<form_axis, Policies...> <= 1,
                "basin::objective::SlicedScoreMatching: write at most one direction:: and one "
                "form:: policy.");

  int projections = 1;  ///< directions of a sample

  /// \throws std::invalid_argument naming the field and its value
  void check(int) const {
    if (projections < 1)
      refuse("basin::objective::SlicedScoreMatching", "projections must be >= 1, got ",
             projections);
  }

  template <class E, class Exec, tile::Tuning tuning>
  class bind : public detail::SlicedGradient<
                   E, Exec, tuning, pick<direction_axis, direction::Rademacher, Policies...>,
                   std::same_as<pick<form_axis, form::Plain, Policies...>, form::VarianceReduced>> {
    using base = detail::SlicedGradient<
        E, Exec, tuning, pick<direction_axis, direction::Rademacher, Policies...>,
        std::same_as<pick<form_axis, form::Plain, Policies...>, form::VarianceReduced>>;
    using Scalar = typename E::scalar_type;

   public:
    bind(Exec const&, SlicedScoreMatching const& options, int batch, typename base::Pool const&,
         std::uint64_t seed)
        : base(batch, options.projections, Scalar(1) / static_cast<Scalar>(options.projections),
               seed) {}
    /// \throws std::invalid_argument if options differ in what the arrays were made for
    void change(SlicedScoreMatching const& options) const {
      refuse_change("basin::objective::SlicedScoreMatching", "projections", base::projections(),
                    options.projections);
    }
    void gradient(Exec const& exec, SlicedScoreMatching const&, E const& energy, Step const& step,
                  Scalar const*, Scalar* gradient) {
      base::gradient(exec, energy, step, gradient);
    }
  };
};

/// Score matching with the whole trace of H = d^2 E / dx^2, the Laplacian of E.
///
///   J = mean [ |grad E|^2 / 2 - tr H ]
///
/// Up to a constant mean |grad E + grad log p_data|^2 / 2. Source: Hyvarinen 2005, JMLR 6, eq. 4,
/// with psi = -grad E. Both terms come from one jet for every dimension: the work grows with the
/// dimension. Energies of more than Limit dimensions take Hutchinson's estimate of the trace, with
/// 'probes' random directions for each sample, in its place.
///
/// \tparam Limit  most dimensions with an exact trace
template <int Limit = 64>
struct ScoreMatching {
  int probes = 1;  ///< random directions of a sample, past Limit

  /// \throws std::invalid_argument naming the field and its value
  void check(int) const {
    if (probes < 1) refuse("basin::objective::ScoreMatching", "probes must be >= 1, got ", probes);
  }

  template <class E, class Exec, tile::Tuning tuning>
  class bind : public detail::SlicedGradient<
                   E, Exec, tuning,
                   std::conditional_t<(E::dimension <= Limit), detail::Axes, direction::Rademacher>,
                   (E::dimension > Limit)> {
    using base = detail::SlicedGradient<
        E, Exec, tuning,
        std::conditional_t<(E::dimension <= Limit), detail::Axes, direction::Rademacher>,
        (E::dimension > Limit)>;
    using Scalar                = typename E::scalar_type;
    static constexpr bool exact = E::dimension <= Limit;

   public:
    bind(Exec const&, ScoreMatching const& options, int batch, typename base::Pool const&,
         std::uint64_t seed)
        : base(batch, exact ? E::dimension : options.probes,
               exact ? Scalar(1) : Scalar(1) / static_cast<Scalar>(options.probes), seed) {}
    /// \throws std::invalid_argument if options differ in what the arrays were made for
    void change(ScoreMatching const& options) const {
      if (!exact)
        refuse_change("basin::objective::ScoreMatching", "probes", base::projections(),
                      options.probes);
    }
    void gradient(Exec const& exec, ScoreMatching const&, E const& energy, Step const& step,
                  Scalar const*, Scalar* gradient) {
      base::gradient(exec, energy, step, gradient);
    }
  };
};

}  // namespace basin::objective

#endif
