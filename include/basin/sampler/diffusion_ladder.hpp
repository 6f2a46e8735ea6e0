// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_DIFFUSION_LADDER_HPP
#define BASIN_SAMPLER_DIFFUSION_LADDER_HPP

#include <basin/core/policy.hpp>
#include <basin/sampler/noise_ladder.hpp>

#include <cmath>
#include <concepts>
#include <limits>

namespace basin::sampler {

struct diffusion_axis {};

/// Levels t = 0, ..., T - 1 of a diffusion whose transitions are known, from the data to noise:
///
///   x_t = m_t x + s_t eps,  eps ~ N(0, I)
///
/// A user-defined ladder is a struct with
///
///   using axis = basin::sampler::diffusion_axis;
///   int levels() const;                // T > 1
///   double scale(int t) const;         // m_t > 0
///   double deviation(int t) const;     // s_t > 0, units of x
///   double start_deviation() const;    // of N(0, .) behind the last level, where sampling starts
///   void check() const;                // if it has options to validate
namespace ladder {

/// Noise is added: m_t = 1, and s_t are the deviations of a NoiseLadder, the smallest one first.
/// Sampling starts from N(0, s_(T-1)^2), so the data should have the mean 0. Source: Song et al.
/// 2021, arXiv:2011.13456, section 3.4, VE.
struct VarianceExploding {
  using axis = diffusion_axis;
  NoiseLadder noise{};

  int levels() const { return noise.levels; }
  double scale(int) const { return 1; }
  double deviation(int t) const { return noise(noise.levels - 1 - t); }
  double start_deviation() const { return noise.first; }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("noise", self.noise);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::sampler::ladder::VarianceExploding", *this); }
};

/// The variance of data of variance 1 is kept: m_t^2 = product of 1 - beta_i over i <= t stride,
/// s_t^2 = 1 - m_t^2, with beta_i linear from first_rate to last_rate. Sampling starts from N(0, I).
/// Source: Ho et al. 2020, arXiv:2006.11239, section 2; T and the rates are those of the code of Gao et
/// al. 2021, the even stride is ours.
struct VariancePreserving {
  using axis        = diffusion_axis;
  double first_rate = 1e-4;  ///< beta_0; in (0, 1)
  double last_rate  = 0.02;  ///< beta of the last time; in (0, 1)
  int times         = 1000;  ///< of the finest diffusion; > 1
  int stride        = 100;   ///< times between levels; >= 1
  int count         = 6;     ///< T; > 1

  int levels() const { return count; }
  double scale(int t) const {
    double sum = 0;
    for (int i = 0; i <= t * stride; ++i)
      sum += std::log1p(-(first_rate + (last_rate - first_rate) * i / (times - 1)));
    return std::exp(sum / 2);
  }
  double deviation(int t) const { return std::sqrt(1 - scale(t) * scale(t)); }
  double start_deviation() const { return 1; }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"first_rate", "1", "beta of the first time, < 1"}, self.first_rate,
      range::above(0).finite());
    f(Field{"last_rate", "1", "beta of the last time, < 1"}, self.last_rate,
      range::above(0).finite());
    f(Field{"times", "1", "times of the finest diffusion"}, self.times, range::above(1));
    f(Field{"stride", "1", "times between levels"}, self.stride, range::at_least(1));
    f(Field{"count", "1", "levels"}, self.count, range::above(1));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::sampler::ladder::VariancePreserving";
    check_fields(who, *this);
    if (!(first_rate < 1 && last_rate < 1))
      refuse(who, "first_rate and last_rate must be < 1, got ", first_rate, " and ", last_rate);
    if (static_cast<long>(count - 1) * stride >= times)
      refuse(who, "the last of ", count, " levels with stride ", stride, " is time ",
             static_cast<long>(count - 1) * stride, ", times is ", times);
  }
};

}  // namespace ladder

/// The requirements of a ladder as an error message.
template <class L>
struct check_ladder {
  static constexpr bool value = has_axis<L, diffusion_axis> && requires(L const& l) {
    { l.levels() } -> std::convertible_to<int>;
    { l.scale(0) } -> std::convertible_to<double>;
    { l.deviation(0) } -> std::convertible_to<double>;
    { l.start_deviation() } -> std::convertible_to<double>;
  };
  static_assert(value,
                "basin::sampler: a ladder is ladder::VarianceExploding, "
                "ladder::VariancePreserving, or a policy with 'using axis = "
                "basin::sampler::diffusion_axis', 'int levels() const', 'double scale(int t) "
                "const', 'double deviation(int t) const' and 'double start_deviation() const'.");
};

/// From level t to the next one: x_(t+1) = scale x_t + deviation eps. Behind the last level is the
/// noise that sampling starts from, of which x_t is independent: scale 0.
struct DiffusionStep {
  double scale = 0, deviation = 0;
};
template <class L>
DiffusionStep diffusion_step(L const& ladder, int t) {
  if (t == ladder.levels() - 1) return {0, ladder.start_deviation()};
  double const a = ladder.scale(t + 1) / ladder.scale(t), from = a * ladder.deviation(t);
  double const to = ladder.deviation(t + 1);
  return {a, std::sqrt((to - from) * (to + from))};
}

}  // namespace basin::sampler

#endif
