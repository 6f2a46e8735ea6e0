// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_TEMPERATURE_LADDER_HPP
#define BASIN_SAMPLER_TEMPERATURE_LADDER_HPP

#include <basin/core/check.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace basin::sampler {

/// The inverse temperatures of the rungs of a ladder, beta_0 = 1 > beta_1 > ... > 0.
struct TemperatureLadder {
  std::vector<double> betas{1};

  /// In a geometric sequence from 1 to the smallest one.
  /// \throws std::invalid_argument naming the argument and its value
  static TemperatureLadder geometric(int rungs, double smallest) {
    char const* who = "basin::sampler::TemperatureLadder::geometric";
    if (rungs < 2) refuse(who, "rungs must be >= 2, got ", rungs);
    if (!(smallest > 0 && smallest < 1)) refuse(who, "smallest must be in (0, 1), got ", smallest);
    TemperatureLadder ladder;
    for (int k = 1; k < rungs; ++k)
      ladder.betas.push_back(std::exp(std::log(smallest) * k / (rungs - 1)));
    return ladder;
  }

  int rungs() const { return static_cast<int>(betas.size()); }

  /// The sum of the rejections between neighboring rungs: about the same for every fine ladder of the
  /// same ends, the difficulty of the passage. Twice as many rungs are best (Syed et al. 2022, JRSS B
  /// 84, section 5.1).
  static double barrier(std::vector<double> const& rejections) {
    double sum = 0;
    for (double const r : rejections) sum += r;
    return sum;
  }

  /// A ladder of the same ends whose neighbors swap equally often, from the rejections measured with
  /// this one: beta_k where the cumulated rejection is k / (rungs - 1) of all of it, by linear
  /// interpolation (Syed et al. 2022, JRSS B 84, algorithm 2).
  /// \param rejections  (rungs - 1) mean rejection of the swaps of rungs k and k + 1, in [0, 1]
  /// \throws std::invalid_argument if they do not fit, or are all 0
  TemperatureLadder evened(std::vector<double> const& rejections, int new_rungs) const {
    char const* who = "basin::sampler::TemperatureLadder::evened";
    check();
    if (new_rungs < 2) refuse(who, "rungs must be >= 2, got ", new_rungs);
    if (rejections.size() + 1 != betas.size())
      refuse(who, "there are ", rejections.size(), " rejections, the ladder has ", betas.size(),
             " rungs");
    for (std::size_t k = 0; k < rejections.size(); ++k)
      if (!(rejections[k] >= 0 && rejections[k] <= 1))
        refuse(who, "rejections must be in [0, 1]; number ", k, " is ", rejections[k]);
    double const all = barrier(rejections);
    if (!(all > 0)) refuse(who, "no swap was rejected: fewer rungs do");
    TemperatureLadder ladder;
    double before     = 0;
    std::size_t place = 0;
    for (int k = 1; k < new_rungs - 1; ++k) {
      double const wanted = all * k / (new_rungs - 1);
      while (place + 1 < rejections.size() && before + rejections[place] < wanted)
        before += rejections[place++];
      double const share = (wanted - before) / rejections[place];
      ladder.betas.push_back(betas[place] + share * (betas[place + 1] - betas[place]));
    }
    ladder.betas.push_back(betas.back());
    return ladder;
  }

  /// \throws std::invalid_argument naming the rung and its value
  void check() const {
    char const* who = "basin::sampler::TemperatureLadder";
    if (betas.empty() || betas[0] != 1)
      refuse(who, "beta of the first rung must be 1, got ", betas.empty() ? 0 : betas[0]);
    for (std::size_t k = 1; k < betas.size(); ++k)
      if (!(betas[k] > 0 && betas[k] < betas[k - 1]))
        refuse(who, "betas must decrease and be > 0; those of rungs ", k - 1, " and ", k, " are ",
               betas[k - 1], " and ", betas[k]);
  }
};

}  // namespace basin::sampler

#endif
