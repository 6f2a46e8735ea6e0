// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_CROSS_ENTROPY_HPP
#define BASIN_OBJECTIVE_CROSS_ENTROPY_HPP

#include <basin/core/check.hpp>
#include <basin/core/field.hpp>
#include <basin/energy/classifier.hpp>
#include <basin/energy/fill.hpp>
#include <basin/energy/parameter_gradient.hpp>
#include <basin/objective/columns.hpp>
#include <basin/objective/concepts.hpp>

#include <array>

namespace basin::objective {

namespace detail {

// The cross-entropy of labels, smoothed by s.
template <int classes>
energy::head::CrossEntropy smoothed(int const* labels, double s) {
  return {{labels}, 1 - s, s / classes};
}

}  // namespace detail

/// The cross-entropy of a classifier:
///
///   J = mean_n -log p(y_n | x_n),  p(y | x) = exp f_y(x) / sum_z exp f_z(x)
///
/// over the batch, whose labels y are in [0, classes). Trained alone, the energy is a classifier;
/// with a generative term it is a joint energy-based model, see objective::Joint.
struct CrossEntropy {
  double smoothing = 0;  ///< s of the labels: the target is 1 - s at y plus s / classes everywhere

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"smoothing", "1", "of the labels"}, self.smoothing, range::right_open(0, 1));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int) const { check_fields("basin::objective::CrossEntropy", *this); }

  template <class E, class Exec, tile::Tuning tuning>
  class bind {
    static_assert(
        requires { requires E::outputs > 1; },
        "basin::objective::CrossEntropy: the energy is no classifier; write "
        "energy::Classifier<Scalar, Shape, Layers...>, whose last layer has a logit for "
        "each class.");
    using Scalar = typename E::scalar_type;
    using memory = typename Exec::memory_space;
    using Term   = decltype(std::declval<E const&>().with_head(energy::head::CrossEntropy{}));

   public:
    /// \throws std::invalid_argument naming the row of a label that is not in [0, classes)
    bind(Exec const&, CrossEntropy const&, int batch, Dataset<Scalar, memory> const& data,
         std::uint64_t seed)
        : batch_(batch),
          seed_(seed),
          gradient_(batch),
          points_("basin::objective::points", batch, +E::dimension),
          labels_("basin::objective::labels", batch) {
      gradient_.set_weights(batch, Scalar(1) / static_cast<Scalar>(batch));
      auto const labels = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), data.labels);
      for (std::size_t n = 0; n < labels.extent(0); ++n)
        if (labels(n) < 0 || labels(n) >= E::outputs)
          refuse("basin::objective::CrossEntropy", "labels must be in [0, ", +E::outputs,
                 "), the number of logits; labels(", n, ") is ", labels(n));
    }

    /// Points and labels of a step.
    Batch<Scalar, memory> batch() const { return {points_, labels_, {}, {}}; }

    /// gradient (E::parameters) = dJ/dtheta at batch(). Asynchronous on exec.
    void gradient(Exec const& exec, CrossEntropy const& options, E const& energy, Step const& step,
                  Scalar const*, Scalar* gradient) {
      using Points = tile::Borrowed<decltype(points_)>;
      gradient_.record(
          exec, energy.with_head(detail::smoothed<E::outputs>(labels_.data(), options.smoothing)),
          batch_, energy::FillPoints<Points>{points_}, step.stream(seed_, Purpose::dropout));
      gradient_.sum(exec, batch_, gradient);
    }

    auto columns() const {
      return std::array<Column<Scalar>, 1>{
          {{quantity::loss, gradient_.energies(), nullptr, batch_}}};
    }

   private:
    int batch_;
    std::uint64_t seed_;
    energy::ParameterGradient<Term, 0, Exec, tuning> gradient_;
    Kokkos::View<Scalar**, Kokkos::LayoutRight, memory> points_;  // (batch, dimension)
    Kokkos::View<int*, memory> labels_;                           // (batch)
  };
};

}  // namespace basin::objective

#endif
