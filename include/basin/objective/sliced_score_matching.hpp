// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_SLICED_SCORE_MATCHING_HPP
#define BASIN_OBJECTIVE_SLICED_SCORE_MATCHING_HPP

#include <basin/core/field.hpp>
#include <basin/objective/detail/sliced_gradient.hpp>

namespace basin::objective {

struct form_axis {};

/// Which of two sums with the same mean sliced score matching uses. There are no others.
namespace form {

/// (v.grad E)^2 / 2 - v.H v: one pass of jets.
struct Plain {
  using axis = form_axis;
};
/// |grad E|^2 / 2 - v.H v: less variance, but a second pass for the first term.
struct VarianceReduced {
  using axis = form_axis;
};

}  // namespace form

/// Sliced score matching: the exact form with the trace of H = d^2 E / dx^2 along random
/// directions.
///
///   J = mean [ (v.grad E)^2 / 2 - v.H v ],  or with form::VarianceReduced  |grad E|^2 / 2 - v.H v
///
/// over the batch and, for each sample, over 'projections' directions with E[v v^T] = I. Up to a
/// constant this is mean |grad E + grad log p_data|^2 / 2, whose minimum is p proportional to
/// exp(-E). Source: Song, Garg, Shi and Ermon 2019, UAI, eqs. 7 and 8, with s = -grad E.
///
/// \tparam Policies  in any order: direction::Rademacher (default), Gaussian or a user-defined one;
///                   form::Plain (default) or VarianceReduced
template <class... Policies>
struct SlicedScoreMatching {
  static_assert((Policy<Policies> && ...) &&
                    (has_axis<Policies, direction_axis, form_axis> && ...) &&
                    policies_of<direction_axis, Policies...> <= 1 &&
                    policies_of<form_axis, Policies...> <= 1,
                "basin::objective::SlicedScoreMatching: write at most one direction:: and one "
                "form:: policy.");
  using direction_type = pick<direction_axis, objective::direction::Rademacher, Policies...>;
  using form_type      = pick<form_axis, form::Plain, Policies...>;
  static_assert(check_direction<direction_type>::value);
  static_assert(std::same_as<form_type, form::Plain> ||
                    std::same_as<form_type, form::VarianceReduced>,
                "basin::objective::SlicedScoreMatching: the forms are closed; write form::Plain or "
                "form::VarianceReduced.");

  int projections = 1;         ///< directions per sample
  direction_type direction{};  ///< options of the policy, if any

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"projections", "1", "directions of a sample"}, self.projections, range::at_least(1));
    f.nested("direction", self.direction);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    char const* who = "basin::objective::SlicedScoreMatching";
    check_fields(who, *this);
    check_points_of_step(who, "projections", projections, projections, batch);
  }

  static constexpr bool reduced = std::same_as<form_type, form::VarianceReduced>;

  template <class E, class Exec, tile::Tuning tuning>
  class bind : public detail::SlicedGradient<E, Exec, tuning, direction_type, reduced> {
    using base = detail::SlicedGradient<E, Exec, tuning, direction_type, reduced>;

   public:
    using typename base::Scalar;

    bind(Exec const&, SlicedScoreMatching const& options, int batch,
         Dataset<Scalar, typename base::memory> const&, std::uint64_t seed)
        : base(batch, options.projections, Scalar(1) / static_cast<Scalar>(options.projections),
               seed) {}

    /// \throws std::invalid_argument if options need different arrays
    void change(SlicedScoreMatching const& options) const {
      refuse_change("basin::objective::SlicedScoreMatching", "projections", base::projections(),
                    options.projections);
    }

    /// gradient (E::parameters) = dJ/dtheta at batch(). Asynchronous on exec.
    void gradient(Exec const& exec, SlicedScoreMatching const& options, E const& energy,
                  Step const& step, Scalar const*, Scalar* gradient) {
      base::gradient(exec, energy, options.direction, step, gradient);
    }
  };
};

}  // namespace basin::objective

#endif
