// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_AUGMENTED_HPP
#define BASIN_OBJECTIVE_AUGMENTED_HPP

#include <basin/augmentation/pipeline.hpp>
#include <basin/core/check.hpp>
#include <basin/objective/concepts.hpp>
#include <basin/objective/share.hpp>

namespace basin::objective {

/// An objective on rows of the data that are augmented: those of each step, anew, by draws of the step and
/// of the row's number in the batch. What is drawn from a buffer is that buffer's, see buffer::Replay.
///
///   using Objective = objective::Augmented<objective::PersistentCd<Sampler, Buffer>, Augmentation>;
///   Objective o{{.sampler = {.steps = 20}}, augmentation};
///
/// Its options are those of the objective, and 'augmentation'. Rows with labels keep them.
///
/// \tparam Objective  any objective
/// \tparam P          an augmentation::Pipeline of the data's shape
template <class Objective, class P>
struct Augmented : Objective {
  static_assert(
      has_axis<P, augmentation::augmentation_axis> && requires { typename P::shape; },
      "basin::objective::Augmented: the second argument is an augmentation of the data; "
      "write for example augmentation::Pipeline<Image<28, 28>, augmentation::Shift<2>>.");
  P augmentation{};

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested(
        "objective",
        static_cast<std::conditional_t<std::is_const_v<Self>, Objective const, Objective>&>(self));
    f.nested("augmentation", self.augmentation);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    Objective::check(batch);
    augmentation.check();
  }

  /// The part of a slice of the run: the objective's.
  Augmented share(int slice, int slices) const {
    Augmented mine                = *this;
    static_cast<Objective&>(mine) = share_of<Objective>(*this, slice, slices);
    return mine;
  }

  template <class E, class Exec, tile::Tuning tuning>
  class bind : public bound<Objective, E, Exec, tuning> {
    using base = bound<Objective, E, Exec, tuning>;
    static_assert(P::shape::size == E::dimension - objective::conditions<Objective>,
                  "basin::objective::Augmented: the shape of the augmentation is not that of the "
                  "data: they differ in size.");

   public:
    using Scalar = typename E::scalar_type;
    using memory = typename Exec::memory_space;
    using Points = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;

    bind(Exec const& exec, Augmented const& options, int batch, Dataset<Scalar, memory> const& data,
         std::uint64_t seed)
        : base(exec, options, batch, data, seed),
          seed_(seed),
          rows_("basin::objective::rows", batch, +P::shape::size),
          other_("basin::objective::augmented", batch, +P::shape::size) {}

    /// (batch) input for the data of a step, which is augmented.
    Batch<Scalar, memory> batch() const {
      auto input   = base::batch();
      input.points = rows_;
      return input;
    }
    /// (batch, dimension) the rows of the last step as the objective had them.
    Points augmented() const { return base::batch().points; }

    /// The gradient of the objective at augmented rows. Asynchronous on exec.
    void gradient(Exec const& exec, Augmented const& options, E const& energy, Step const& step,
                  Scalar const* own, Scalar* gradient) {
      augmentation::apply<tuning>(exec, options.augmentation, rows_, augmented(), other_,
                                  step.stream(seed_, Purpose::data_augmentation));
      base::gradient(exec, options, energy, step, own, gradient);
    }

   private:
    std::uint64_t seed_;
    Points rows_, other_;  // (batch, dimension)
  };
};

}  // namespace basin::objective

#endif
