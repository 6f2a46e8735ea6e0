// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_FLOW_MATCHING_HPP
#define BASIN_OBJECTIVE_FLOW_MATCHING_HPP

#include <basin/core/field.hpp>
#include <basin/objective/coupling.hpp>
#include <basin/objective/detail/residual_gradient.hpp>
#include <basin/sampler/start.hpp>

#include <array>
#include <cmath>

namespace basin::objective {

/// The target (objective/residual.hpp) of flow matching: x is x_1, and becomes x_t.
///
///   x_t = (1 - t) x_0 + t x_1 + sigma z,  r = s (grad V(x_t) + x_1 - x_0),  s = sqrt(2 w(t) / D)
///
/// so that |r|^2 / 2 is the loss, the mean over the D dimensions of the weighted squares.
template <class Scalar, class Points>
struct FlowTarget {
  static constexpr int conditions = 0;
  static constexpr int rows       = 2;  // t, s
  Points sources;                       // (B, dimension)
  int const* partners;                  // (B) rows of the sources; null: its own
  Scalar standard_deviation;            // sigma
  Scalar cutoff, slope;                 // w = 1 below the cutoff, then (1 - t) slope
  Stream time, noise;

  template <class Values>
  KOKKOS_FUNCTION void draw(Values const& v, int dimension, int first, Scalar* x, Scalar* b,
                            Scalar* own) const {
    using V                   = typename Values::value_type;
    FlowTarget const s        = *this;
    std::uint32_t const chain = static_cast<std::uint32_t>(first);
    Scalar const twice        = Scalar(2) / static_cast<Scalar>(dimension);
    v.uniform(1, time.now(), chain, [=](auto at, auto t) {
      using T   = decltype(t);
      T const w = where_less(t, T(s.cutoff), T(1), T(s.slope) * (T(1) - t));
      at.store(own, t);
      at.at(1).store(own, sqrt(T(twice) * w));
    });
    v.map(dimension, [=](auto at) {
      int const last = static_cast<int>(s.sources.extent(0)) - 1;
      V const x0     = V::generate([&](int l) {
        int const n = first + at.lane + l < last ? first + at.lane + l : last;
        return s.sources(s.partners ? s.partners[n] : n, at.row);
      });
      V const back   = x0 - at.load(x);
      at.store(b, back);
      at.store(x, fma(at.at(0).load(own), -back, x0));
    });
    if (standard_deviation > 0)
      v.normal(dimension, noise.now(), chain, [=](auto at, auto z) {
        at.store(x, fma(decltype(z)(s.standard_deviation), z, at.load(x)));
      });
  }
  template <class Place, class V>
  KOKKOS_FUNCTION V residual(Place at, V g, V b, Scalar const* own) const {
    return at.at(1).load(own) * (g - b);
  }
  template <class Place, class V>
  KOKKOS_FUNCTION V direction(Place at, V r, Scalar const* own) const {
    return at.at(1).load(own) * r;
  }
  template <class V, class Place>
  KOKKOS_FUNCTION V condition(Place, Scalar const*) const {
    return V(Scalar(0));
  }
};

/// Flow matching with the velocity -grad V of a scalar V(x) without time: points x_0 of a source
/// move to rows x_1 of the data as t goes from 0 to 1, dx/dt = -grad V(x).
///
///   x_t = (1 - t) x_0 + t x_1 + sigma z,  t ~ U(0, 1),  z ~ N(0, I)
///   L = mean w(t) |-grad V(x_t) - (x_1 - x_0)|^2 / D
///
/// with w = 1 below 'cutoff' and from there linear to 0 at t = 1. The mean is over the batch and, as
/// in the code of Balcerak et al., over the D dimensions. With u = 2 w (grad V + x_1 - x_0) / D held
/// fixed, dL/dtheta = mean d/dtheta u.grad V, a pass of jets of order 1.
///
/// Source: Lipman et al. 2022, arXiv:2210.02747, eq. 9 with the straight paths of eq. 20 and
/// sigma_min = 0; as phase 1 of Energy Matching Balcerak et al. 2025, arXiv:2504.10612. Of the former
/// it is the loss alone: V has no time and the velocity is a gradient, so that other paths and exact
/// likelihoods are not here. What it learns transports x_0 to x_1 until t = 1 and is no energy of
/// the data: N(0, 1) to N(0, v) in the order of x gives grad V = beta x with beta = -d (1 + d / 2) /
/// (1 + d + d^2 / 3), d = sqrt(v) - 1, negative for v > 1. EnergyMatching makes it one.
///
/// \tparam Policies  in any order: a source, which is a start:: policy (default
///                   sampler::start::Gaussian; one that reads rows of the batch sets the pairs, too),
///                   a coupling:: policy (default coupling::Independent)
template <class... Policies>
struct FlowMatching {
  static_assert((Policy<Policies> && ...) &&
                    (has_axis<Policies, sampler::start_axis, coupling_axis> && ...) &&
                    policies_of<sampler::start_axis, Policies...> <= 1 &&
                    policies_of<coupling_axis, Policies...> <= 1,
                "basin::objective::FlowMatching: write at most one sampler::start:: policy, the "
                "source, and at most one coupling:: policy.");
  using source_type   = pick<sampler::start_axis, sampler::start::Gaussian, Policies...>;
  using coupling_type = pick<coupling_axis, objective::coupling::Independent, Policies...>;
  static_assert(sampler::check_start<source_type>::value && check_coupling<coupling_type>::value);

  source_type source{};           ///< law of x_0
  coupling_type coupling{};       ///< options of the policy, if any
  double standard_deviation = 0;  ///< sigma, units of x; >= 0
  double cutoff             = 1;  ///< of t, from which w falls to 0; 1: w = 1 for all t; in [0, 1]

  /// What to try when a run diverges.
  static constexpr std::array advice{"a smaller cutoff", "a larger standard_deviation"};

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("source", self.source);
    f.nested("coupling", self.coupling);
    f(Field{"standard_deviation", "x", "sigma of the noise on the path"}, self.standard_deviation,
      range::at_least(0).finite());
    f(Field{"cutoff", "1", "t from which the weight falls to 0"}, self.cutoff, range::closed(0, 1));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int) const { check_fields("basin::objective::FlowMatching", *this); }

  template <class E, class Exec, tile::Tuning tuning>
  class bind : public detail::ResidualGradient<E, Exec, tuning, 0> {
    using base = detail::ResidualGradient<E, Exec, tuning, 0>;

   public:
    using typename base::Chains;
    using typename base::memory;
    using typename base::Scalar;
    using Pool = Kokkos::View<Scalar const**, Kokkos::LayoutRight, memory>;

    /// \param data  the rows of a source that draws from them
    bind(Exec const&, FlowMatching const&, int batch, Dataset<Scalar, memory> const& data,
         std::uint64_t seed)
        : base(batch, seed),
          coupling_(batch, +E::dimension),
          pool_(data.points),
          sources_("basin::objective::sources", batch, +E::dimension) {}

    /// gradient (E::parameters) = dL/dtheta at batch(). Asynchronous on exec.
    void gradient(Exec const& exec, FlowMatching const& options, E const& energy, Step const& step,
                  Scalar const*, Scalar* gradient) {
      using Points        = tile::Borrowed<Chains>;
      double const cutoff = options.cutoff;
      Stream const starts = step.stream(base::seed(), Purpose::sampler_start);
      if constexpr (reads_batch)
        basin::sampler::start_chains<tuning>(exec, options.source, sources_, base::batch().points,
                                             starts);
      else
        basin::sampler::start_chains<tuning>(exec, options.source, sources_, pool_, starts);
      // Of a seed of its own: the batch has purposes for all other draws.
      int const* const pairs =
          coupling_.pair(exec, options.coupling, sources_, base::batch().points,
                         step.stream(seed_of(base::seed(), 2), Purpose::sampler_start));
      base::gradient(
          exec, energy,
          FlowTarget<Scalar, Points>{
              sources_, pairs, static_cast<Scalar>(options.standard_deviation),
              static_cast<Scalar>(cutoff), static_cast<Scalar>(cutoff < 1 ? 1 / (1 - cutoff) : 0),
              step.stream(base::seed(), Purpose::level),
              step.stream(base::seed(), Purpose::direction)},
          step, gradient);
    }

    /// chains (n, dimension) = points of the source, of rows drawn from the data where it reads
    /// rows. Asynchronous on exec.
    void start(Exec const& exec, FlowMatching const& options, Chains const& chains,
               Stream const& stream) const {
      if constexpr (reads_batch)
        basin::sampler::start_chains<tuning>(
            exec, basin::sampler::OnDataRows<source_type>{options.source}, chains, pool_, stream);
      else
        basin::sampler::start_chains<tuning>(exec, options.source, chains, pool_, stream);
    }

    /// What draws points of the source, of the rows of the batch where it reads them.
    auto source(FlowMatching const& options) const {
      if constexpr (reads_batch)
        return basin::sampler::BoundStart<source_type, tile::Borrowed<Chains>>{
            options.source, base::batch().points};
      else
        return basin::sampler::BoundStart<source_type, tile::Borrowed<Pool>>{options.source, pool_};
    }

    /// (batch, dimension) x_0 of the last step
    Chains last_sources() const { return sources_; }

   private:
    static constexpr bool reads_batch = sampler::rows_of<source_type> == sampler::StartRows::batch;

    typename coupling_type::template bind<Scalar, Exec, tuning> coupling_;
    Pool pool_;       // (rows, dimension)
    Chains sources_;  // (batch, dimension)
  };
};

}  // namespace basin::objective

#endif
