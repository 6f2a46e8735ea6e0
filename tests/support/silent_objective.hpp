// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_SUPPORT_SILENT_OBJECTIVE_HPP
#define TESTS_SUPPORT_SILENT_OBJECTIVE_HPP

#include <basin/core/philox.hpp>
#include <basin/objective/batch.hpp>
#include <basin/tile/tuning.hpp>

#include <array>

namespace basin::test {

/// An objective that takes all that a batch can hold, and whose gradient is 0.
///
/// \tparam conditions_taken  of a row; 0: none
template <bool takes_labels, int conditions_taken = 0, bool takes_weights = false>
struct Silent {
  void check(int) const {}

  template <class E, class Exec, tile::Tuning tuning>
  class bind {
    using Scalar = typename E::scalar_type;
    using memory = typename Exec::memory_space;
    using Batch  = objective::Batch<Scalar, memory>;
    // Kokkos' constructors are explicit in some versions.
    using Points  = decltype(Batch::points);
    using Labels  = decltype(Batch::labels);
    using Weights = decltype(Batch::weights);

   public:
    bind(Exec const&, Silent const&, int batch, objective::Dataset<Scalar, memory> const& given,
         std::uint64_t)
        : given_(given),
          batch_{.points = Points("points", batch, +E::dimension),
                 .labels = Labels("labels", takes_labels ? batch : 0),
                 .conditions =
                     Points("conditions", conditions_taken > 0 ? batch : 0, conditions_taken),
                 .weights = Weights("weights", takes_weights ? batch : 0)} {}

    Batch batch() const { return batch_; }
    /// The data of the constructor.
    objective::Dataset<Scalar, memory> const& given() const { return given_; }

    void gradient(Exec const& exec, Silent const&, E const&, Step const&, Scalar const*,
                  Scalar* gradient) const {
      using Numbers = Kokkos::View<Scalar*, memory, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
      Kokkos::deep_copy(exec, Numbers(gradient, +E::parameters), Scalar(0));
    }

    /// The mean label, of a part of the batch.
    auto columns() const {
      return std::array{objective::Column<Scalar>{
          {"label", "1", "mean label of the first three"}, nullptr, batch_.labels.data(), 3}};
    }

   private:
    objective::Dataset<Scalar, memory> given_;
    Batch batch_;
  };
};

/// As Silent<false>, without a column.
struct Mute {
  void check(int) const {}
  template <class E, class Exec, tile::Tuning tuning>
  class bind : public Silent<false>::bind<E, Exec, tuning> {
    using base   = typename Silent<false>::template bind<E, Exec, tuning>;
    using Scalar = typename E::scalar_type;

   public:
    bind(Exec const& exec, Mute const&, int batch,
         objective::Dataset<Scalar, typename Exec::memory_space> const& data, std::uint64_t seed)
        : base(exec, {}, batch, data, seed) {}
    void gradient(Exec const& exec, Mute const&, E const& energy, Step const& step,
                  Scalar const* own, Scalar* gradient) const {
      base::gradient(exec, {}, energy, step, own, gradient);
    }
    auto columns() const { return std::array<objective::Column<Scalar>, 0>{}; }
  };
};

}  // namespace basin::test

#endif
