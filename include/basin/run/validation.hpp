// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_VALIDATION_HPP
#define BASIN_RUN_VALIDATION_HPP

#include <basin/core/check.hpp>
#include <basin/metric/auroc.hpp>
#include <basin/train/metrics.hpp>

#include <Kokkos_Core.hpp>

#include <cmath>
#include <cstddef>
#include <span>

namespace basin::run {

/// Hooks::measure of a set that is not trained on, on the averaged parameters if there are any: adds
/// "energy_validation" and its "energy_validation_deviation"; "energy_others" and "auroc_others", the
/// probability that a point of another set has the larger energy, where there is one.
///
/// \tparam Trainer  must outlive it
template <class Trainer, class Points>
class Validation {
 public:
  /// \param validation  (n, dimension) host or device View
  /// \param others      (m, dimension), for example of another law; 0 rows: none
  /// \throws std::invalid_argument if there are no rows
  Validation(Trainer& trainer, Points const& validation, Points const& others = {})
      : trainer_(&trainer), validation_(validation), others_(others) {
    if (validation.extent(0) == 0)
      refuse("basin::run::Validation", "validation has 0 rows, must have at least 1");
  }

  void operator()(train::Metrics& m) const {
    auto const inside = trainer_->energies(validation_);
    double sum = 0, squares = 0;
    double const n = static_cast<double>(inside.extent(0));
    for (std::size_t i = 0; i < inside.extent(0); ++i) sum += double(inside(i)) / n;
    for (std::size_t i = 0; i < inside.extent(0); ++i)
      squares += (double(inside(i)) - sum) * (double(inside(i)) - sum) / n;
    m.add({"energy_validation", "E", "mean E of the validation set"}, sum);
    m.add({"energy_validation_deviation", "E", "standard deviation of E over the validation set"},
          std::sqrt(squares));
    if (others_.extent(0) == 0) return;
    auto const outside = trainer_->energies(others_);
    double other       = 0;
    for (std::size_t i = 0; i < outside.extent(0); ++i)
      other += double(outside(i)) / static_cast<double>(outside.extent(0));
    m.add({"energy_others", "E", "mean E of the other set"}, other);
    m.add({"auroc_others", "1", "P(E(other) > E(validation))"},
          metric::auroc(span(outside), span(inside)));
  }

 private:
  template <class Energies>
  static auto span(Energies const& e) {
    return std::span<typename Energies::value_type const>(e.data(), e.extent(0));
  }

  Trainer* trainer_;
  Points validation_, others_;
};

}  // namespace basin::run

#endif
