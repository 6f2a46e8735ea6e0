// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_MUTUAL_INFORMATION_HPP
#define BASIN_OBJECTIVE_MUTUAL_INFORMATION_HPP

#include <basin/core/check.hpp>
#include <basin/core/field.hpp>
#include <basin/energy/classifier.hpp>
#include <basin/energy/fill.hpp>
#include <basin/energy/head/divergence.hpp>
#include <basin/energy/parameter_gradient.hpp>
#include <basin/layer/frame.hpp>
#include <basin/objective/columns.hpp>
#include <basin/objective/concepts.hpp>
#include <basin/objective/weight.hpp>

#include <array>

namespace basin::objective {

namespace quantity {

inline constexpr Quantity mutual_information{
    "mutual_information", "nat", "of rows and classes: H(mean p(y | x)) - mean H(p(y | x))"};

}  // namespace quantity

namespace detail {

// log_shares = log mean_n p(y | x_n), which is finite as f is; weights of the rows.
template <class Scalar, class Logits>
struct ClassShares {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Logits f;  // (rows, classes)
  int rows, classes;
  Weight weight;
  Step step;
  Scalar* totals;      // (rows) log sum_y exp f_y
  Scalar* log_shares;  // (classes)
  Scalar* weights;     // (rows)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    ClassShares const s = *this;
    Scalar const each   = static_cast<Scalar>(-weight.at(step.now()) / rows);
    c.each(rows, [=](int n) {
      Scalar top = s.f(n, 0), sum = 0;
      for (int y = 1; y < s.classes; ++y) top = s.f(n, y) > top ? s.f(n, y) : top;
      for (int y = 0; y < s.classes; ++y) sum += Kokkos::exp(s.f(n, y) - top);
      s.totals[n]  = top + Kokkos::log(sum);
      s.weights[n] = each;
    });
    c.barrier();
    c.each(classes, [=](int y) {
      Scalar top = s.f(0, y) - s.totals[0], sum = 0;
      for (int n = 1; n < s.rows; ++n) {
        Scalar const log_p = s.f(n, y) - s.totals[n];
        top                = log_p > top ? log_p : top;
      }
      for (int n = 0; n < s.rows; ++n) sum += Kokkos::exp(s.f(n, y) - s.totals[n] - top);
      s.log_shares[y] = top + Kokkos::log(sum / static_cast<Scalar>(s.rows));
    });
  }
};

}  // namespace detail

/// Mutual information of the rows of a batch and a classifier's classes, to be maximized:
///
///   J = -mu I,  I = H(mean_n p(y | x_n)) - mean_n H(p(y | x_n)) = mean_n KL(p(. | x_n) || m)
///
/// with m = mean_n p(. | x_n). It is 0 where p is the same for all rows and log C at most: rows are
/// told apart, and classes are used alike. As the derivative of I in m is 0, m is held fixed in the
/// gradient. Needs no labels; dropout is off. A term for objective::Sum, behind objective::Joint for
/// example.
///
/// Ours, inspired by the regularizer of Stabilized JEM (arXiv:2303.04187), whose formula and weight
/// are not published.
struct MutualInformation {
  Weight weight{.coefficient = 0};  ///< mu

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("weight", self.weight);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int) const { check_fields("basin::objective::MutualInformation", *this); }

  template <class E, class Exec, tile::Tuning tuning>
  class bind {
    static_assert(
        requires { requires E::outputs > 1; },
        "basin::objective::MutualInformation: the energy is no classifier; write "
        "energy::Classifier<Scalar, Shape, Layers...>, whose last layer has a logit for "
        "each class.");
    using Scalar  = typename E::scalar_type;
    using memory  = typename Exec::memory_space;
    using Head    = energy::head::Divergence<Scalar>;
    using Term    = decltype(std::declval<E const&>().with_head(Head{}));
    using Rows    = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;
    using Numbers = Kokkos::View<Scalar*, memory>;

   public:
    bind(Exec const&, MutualInformation const&, int batch, Dataset<Scalar, memory> const&,
         std::uint64_t)
        : batch_(batch),
          gradient_(batch),
          points_("basin::objective::points", batch, +E::dimension),
          logits_("basin::objective::logits", batch, +E::outputs),
          totals_("basin::objective::totals", batch),
          log_shares_("basin::objective::log_shares", +E::outputs) {}

    /// Points of a step.
    Batch<Scalar, memory> batch() const { return {points_, {}, {}, {}}; }

    /// gradient (E::parameters) = dJ/dtheta at batch(). Asynchronous on exec.
    void gradient(Exec const& exec, MutualInformation const& options, E const& energy,
                  Step const& step, Scalar const*, Scalar* gradient) {
      using Points = tile::Borrowed<Rows>;
      energy::logits(exec, energy, Points(points_), Points(logits_));
      tile::for_each_tile<tuning>(exec, "basin::shares", 1,
                                  detail::ClassShares<Scalar, Points>{
                                      logits_, batch_, +E::outputs, options.weight, step,
                                      totals_.data(), log_shares_.data(), gradient_.weights()});
      gradient_.record(exec, energy.with_head(Head{log_shares_.data()}), batch_,
                       energy::FillPoints<Points>{points_}, layer::Inference{});
      gradient_.sum(exec, batch_, gradient);
    }

    auto columns() const {
      return std::array<Column<Scalar>, 1>{
          {{quantity::mutual_information, gradient_.energies(), nullptr, batch_}}};
    }

   private:
    int batch_;
    energy::ParameterGradient<Term, 0, Exec, tuning> gradient_;
    Rows points_;         // (batch, dimension)
    Rows logits_;         // (batch, outputs)
    Numbers totals_;      // (batch)
    Numbers log_shares_;  // (outputs)
  };
};

}  // namespace basin::objective

#endif
