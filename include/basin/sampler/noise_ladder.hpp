// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_NOISE_LADDER_HPP
#define BASIN_SAMPLER_NOISE_LADDER_HPP

#include <basin/core/field.hpp>

#include <cmath>

namespace basin::sampler {

/// Noise deviations sigma_0 > sigma_1 > ... in a geometric sequence.
/// Source: Song and Ermon 2019, NeurIPS, section 4.2; ten levels from 1 to 0.01 there.
struct NoiseLadder {
  double first = 1;     ///< largest deviation, units of x
  double last  = 0.01;  ///< smallest, units of x; in (0, first)
  int levels   = 10;    ///< > 1

  /// log sigma_(i+1) - log sigma_i
  double log_ratio() const { return std::log(last / first) / (levels - 1); }
  double operator()(int level) const { return first * std::exp(level * log_ratio()); }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"first", "x", "largest standard deviation"}, self.first, range::above(0).finite());
    f(Field{"last", "x", "smallest standard deviation, in (0, first)"}, self.last);
    f(Field{"levels", "1", "number of standard deviations"}, self.levels, range::above(1));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::sampler::NoiseLadder";
    check_fields(who, *this);
    if (!(last > 0 && last < first))
      refuse(who, "last must be in (0, first) and first finite, got ", last, " and ", first);
  }
};

}  // namespace basin::sampler

#endif
