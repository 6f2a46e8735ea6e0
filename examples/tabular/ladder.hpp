// SPDX-License-Identifier: Apache-2.0
// Anomalies by a ladder of noise: for each of several views of a table, and each standard deviation
// sigma of the noise, an energy of the rows with that noise; their scores are pooled.
#ifndef EXAMPLES_TABULAR_LADDER_HPP
#define EXAMPLES_TABULAR_LADDER_HPP

#include <basin/sampler/noise_ladder.hpp>

#include "model.hpp"
#include "views.hpp"

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace ladder {

struct Options {
  std::vector<std::string> views;
  basin::sampler::NoiseLadder noise{.first = 2, .last = 0.775, .levels = 2};
  double steps = 20;  // of training, times the root of the number of rows; 500 to 5000
};

// E of all rows of all parts, one after the other, at one view and level.
struct Rung {
  std::string view;
  double standard_deviation;  // of the noise
  Scores energies;            // (rows)
};

struct Climb {
  std::vector<Rung> rungs;  // (views, levels)
  double seconds = 0;       // of training and scoring
};

// E of all rows of all parts by an energy that learns the training part with noise sigma, by
// denoising score matching. The rows with noise are brought to variance 1 again, so that the tail
// |x|^2 / 2 of the energy is right at each level. Columns of 0 fill the learner's.
inline Scores learned(Learner const& learner, std::vector<Rows> const& parts, double sigma,
                      Settings settings) {
  double const scale = 1 / std::sqrt(1 + sigma * sigma);
  std::vector<Rows> scaled;
  for (Rows const& part : parts) {
    scaled.emplace_back("rows", part.extent(0), learner.columns);
    for (std::size_t i = 0; i < part.extent(0); ++i)
      for (std::size_t j = 0; j < part.extent(1); ++j)
        scaled.back()(i, j) = static_cast<float>(scale * part(i, j));
  }
  settings.noise    = sigma * scale;
  Model const model = learner.train(Method::dsm, scaled.front(), settings);
  Scores energies;
  for (Rows const& part : scaled) {
    auto const e = model.energies(part);
    energies.insert(energies.end(), e.begin(), e.end());
  }
  return energies;
}

// Steps of training: some times the root of the number of rows, from 500 to 5000.
inline long steps(double times, std::size_t rows) {
  return std::clamp(static_cast<long>(times * std::sqrt(static_cast<double>(rows))), 500L, 5000L);
}

inline Climb climb(Learner const& learner, Options const& options, std::vector<Rows> const& parts,
                   Settings settings) {
  Climb result;
  settings.steps = steps(options.steps, parts.front().extent(0));
  Kokkos::Timer const timer;
  for (auto const& name : options.views) {
    auto const view = seen(views.at(name), parts);
    for (int level = 0; level < options.noise.levels; ++level) {
      double const sigma = options.noise(level);
      result.rungs.push_back({name, sigma, learned(learner, view, sigma, settings)});
    }
  }
  result.seconds = timer.seconds();
  return result;
}

// A row is as anomalous as in the view that surprises most; a view's surprise is that of the sum
// over its levels. (rows of all parts)
inline Scores pooled(Climb const& climb, std::size_t train) {
  std::map<std::string, std::vector<double>> of_view;
  for (Rung const& rung : climb.rungs) {
    auto const level = surprise({rung.energies.begin(), rung.energies.end()}, train);
    auto& sum        = of_view.try_emplace(rung.view, level.size(), 0.0).first->second;
    for (std::size_t i = 0; i < level.size(); ++i) sum[i] += level[i];
  }
  Scores result(climb.rungs.front().energies.size(), -HUGE_VALF);
  for (auto const& [view, sum] : of_view) {
    auto const score = surprise(sum, train);
    for (std::size_t i = 0; i < score.size(); ++i)
      result[i] = std::max(result[i], static_cast<float>(score[i]));
  }
  return result;
}

}  // namespace ladder

#endif
