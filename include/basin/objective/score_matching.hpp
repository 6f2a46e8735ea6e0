// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_SCORE_MATCHING_HPP
#define BASIN_OBJECTIVE_SCORE_MATCHING_HPP

#include <basin/core/field.hpp>
#include <basin/objective/detail/sliced_gradient.hpp>

namespace basin::objective {

/// Score matching with the full trace of H = d^2 E / dx^2, the Laplacian of E.
///
///   J = mean [ |grad E|^2 / 2 - tr H ]
///
/// Up to a constant mean |grad E + grad log p_data|^2 / 2. Source: Hyvarinen 2005, JMLR 6, eq. 4,
/// with psi = -grad E. Both terms come from one jet per dimension: the cost grows with the
/// dimension. Energies of more than Limit dimensions use Hutchinson's estimate of the trace
/// instead, with 'probes' random directions per sample.
///
/// \tparam Limit  maximum dimension for the exact trace
template <int Limit = 64>
struct ScoreMatching {
  int probes = 1;  ///< random directions per sample, past Limit

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"probes", "1", "random directions of a sample, past Limit"}, self.probes,
      range::at_least(1));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    char const* who = "basin::objective::ScoreMatching";
    check_fields(who, *this);
    check_points_of_step(who, "probes", probes, probes, batch);
  }

  template <class E>
  static constexpr bool exact = E::dimension <= Limit;
  template <class E>
  using directions = std::conditional_t<exact<E>, detail::Axes, direction::Rademacher>;

  template <class E, class Exec, tile::Tuning tuning>
  class bind : public detail::SlicedGradient<E, Exec, tuning, directions<E>, !exact<E>> {
    using base = detail::SlicedGradient<E, Exec, tuning, directions<E>, !exact<E>>;

   public:
    using typename base::Scalar;

    bind(Exec const&, ScoreMatching const& options, int batch,
         Dataset<Scalar, typename base::memory> const&, std::uint64_t seed)
        : base(batch, exact<E> ? E::dimension : options.probes,
               exact<E> ? Scalar(1) : Scalar(1) / static_cast<Scalar>(options.probes), seed) {}

    /// \throws std::invalid_argument if options need different arrays
    void change(ScoreMatching const& options) const {
      if (!exact<E>)
        refuse_change("basin::objective::ScoreMatching", "probes", base::projections(),
                      options.probes);
    }

    /// gradient (E::parameters) = dJ/dtheta at batch(). Asynchronous on exec.
    void gradient(Exec const& exec, ScoreMatching const&, E const& energy, Step const& step,
                  Scalar const*, Scalar* gradient) {
      base::gradient(exec, energy, {}, step, gradient);
    }
  };
};

}  // namespace basin::objective

#endif
