// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_GAP_HPP
#define BASIN_TRAIN_GAP_HPP

#include <basin/train/metrics.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

namespace basin::train {

/// "a, b or c"
inline std::string alternatives(std::vector<char const*> const& all) {
  std::string text;
  for (std::size_t i = 0; i < all.size(); ++i)
    (text += i == 0 ? "" : i + 1 < all.size() ? ", " : " or ") += all[i];
  return text;
}

/// The size of the gap in the reports of a run, to see one that runs away: samples that no longer
/// follow the energy, as where a potential has become too steep for the sampler's steps.
///
///   typical = exp(mean log(unit + |gap|)) - unit,   unit = max(1, D / 2)
///
/// over the reports so far. The unit is the energy of D coordinates at temperature 1 (equipartition,
/// 1/2 each): gaps below it are no matter how small before. The mean of logarithms neither forgets
/// a long calm nor follows a few large reports. Nothing runs away before ten reports.
class GapHistory {
 public:
  /// \param dimension  D of the energy
  explicit GapHistory(int dimension) : unit_(dimension > 2 ? dimension / 2.0 : 1) {}

  /// The typical |gap| so far; 0 without reports.
  double typical() const {
    return reports_ == 0 ? 0 : unit_ * std::expm1(sum_ / static_cast<double>(reports_));
  }

  /// Whether unit + |gap| is more than limit times the typical one.
  bool runs_away(double gap, double limit) const {
    return reports_ >= 10 && unit_ + std::abs(gap) > limit * (unit_ + typical());
  }

  void add(double gap) {
    sum_ += std::log1p(std::abs(gap) / unit_);
    ++reports_;
  }

  /// Lists what must be saved.
  template <class Archive>
  void archive(Archive& a) {
    a("sum", sum_);
    a("reports", reports_);
  }

 private:
  double unit_;
  double sum_            = 0;  // of log(1 + |gap| / unit)
  std::uint64_t reports_ = 0;
};

/// The error message for a gap that runs away.
inline std::string runaway(Metrics const& m, GapHistory const& history, double limit,
                           std::vector<char const*> const& advice) {
  std::ostringstream sentence;
  sentence << "basin::train::Trainer: the gap between samples and data runs away before step "
           << m.step << ", it is " << m["gap"] << " and has been " << history.typical()
           << " so far, gap_limit is " << limit << "; E(data) = " << m["energy_data"]
           << ", E(samples) = " << m["energy_samples"] << ". Try " << alternatives(advice) << ".";
  return sentence.str();
}

}  // namespace basin::train

#endif
