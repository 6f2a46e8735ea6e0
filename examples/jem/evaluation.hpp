// SPDX-License-Identifier: Apache-2.0
// What is said of a trained network: as a classifier, as a detector of other images, under attack, as a
// source of images.
#ifndef EXAMPLES_JEM_EVALUATION_HPP
#define EXAMPLES_JEM_EVALUATION_HPP

#include <basin/metric/auroc.hpp>
#include <basin/metric/calibration.hpp>
#include <basin/metric/classification.hpp>
#include <basin/metric/frechet_distance.hpp>

#include "../copies.hpp"
#include "model.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace metric = basin::metric;

// Images of ten classes: those that train, those held out of them for choices, those that test.
struct Set {
  std::string name, source;
  Form form;
  Images train, held, test;
  Labels train_labels, held_labels, test_labels;
  std::vector<std::pair<std::string, Images>> others;  // by name
  std::vector<double> radii;                           // of attacks, units of x
};

struct Effort {
  int images = 10000, attacked = 500, attack_steps = 20, restarts = 3, tries = 100, samples = 1000,
      chain_steps = 100;

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    using basin::Field, basin::range::at_least;
    f(Field{"images", "1", "of each set that are scored, at most"}, self.images, at_least(16));
    f(Field{"attacked", "1", "test images that are attacked"}, self.attacked, at_least(1));
    f(Field{"attack_steps", "1", "of an attack"}, self.attack_steps, at_least(1));
    f(Field{"restarts", "1", "of an attack"}, self.restarts, at_least(1));
    f(Field{"tries", "1", "of random noise in place of an attack"}, self.tries, at_least(1));
    f(Field{"samples", "1", "that are compared with images"}, self.samples, at_least(20));
    f(Field{"chain_steps", "1", "of a sample"}, self.chain_steps, at_least(0));
  }
};

inline double rounded(double x) { return std::isfinite(x) ? std::round(1e5 * x) / 1e5 : x; }

// The calibration error of a classifier whose labels are drawn from its own probabilities, which is
// calibrated: mean of 100 draws, and what 95 of them do not exceed.
template <class P>
Json error_by_chance(P const& p, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> errors;
  Labels const drawn = basin::data::make_labels(p.extent(0));
  for (int draw = 0; draw < 100; ++draw) {
    for (std::size_t n = 0; n < p.extent(0); ++n) {
      double u = std::uniform_real_distribution<double>()(random);
      int y    = 0;
      while (y + 1 < static_cast<int>(p.extent(1)) && u >= p(n, y)) u -= p(n, y++);
      drawn(n) = y;
    }
    errors.push_back(metric::expected_calibration_error(p, drawn));
  }
  std::sort(errors.begin(), errors.end());
  double mean = 0;
  for (double const e : errors) mean += e / static_cast<double>(errors.size());
  return {{"mean", rounded(mean)}, {"95 of 100", rounded(errors[94])}};
}

template <class Logits>
Json classification(Logits const& logits, Labels const& labels, double temperature = 1) {
  auto const p = metric::softmax(logits, temperature);
  Json result{{"accuracy", rounded(metric::accuracy(p, labels))}};
  double nats = 0;
  for (std::size_t n = 0; n < labels.extent(0); ++n)
    nats -= std::log(std::max(p(n, labels(n)), 1e-300)) / static_cast<double>(labels.extent(0));
  result["cross_entropy"] = rounded(nats);
  result["brier"]         = rounded(metric::brier_score(p, labels));
  result["ece"]           = rounded(metric::expected_calibration_error(p, labels));
  result["ece_equal_mass"] =
      rounded(metric::expected_calibration_error(p, labels, {15, metric::Binning::equal_mass}));
  return result;
}

// Higher is more like the data.
struct ScoresOf {
  std::vector<double> density, confidence, flatness;  // -E(x), max p(y | x), -|dE/dx|
};
inline ScoresOf scores(Model const& model, Images const& x) {
  auto const logits = model.logits(x);
  auto const p      = metric::softmax(logits);
  ScoresOf all;
  for (std::size_t n = 0; n < x.extent(0); ++n) {
    double top = logits(n, 0), sum = 0, most = 0;
    for (std::size_t y = 1; y < logits.extent(1); ++y) top = std::max(top, double(logits(n, y)));
    for (std::size_t y = 0; y < logits.extent(1); ++y) {
      sum += std::exp(logits(n, y) - top);
      most = std::max(most, p(n, y));
    }
    all.density.push_back(top + std::log(sum));
    all.confidence.push_back(most);
  }
  for (float const s : model.steepness(x)) all.flatness.push_back(-s);
  return all;
}

inline Json detection(Model const& model, Set const& set, Effort const& effort) {
  auto const auroc = [](std::vector<double> const& a, std::vector<double> const& b) {
    return rounded(metric::auroc(std::span<double const>(a), std::span<double const>(b)));
  };
  Json result;
  auto const data = scores(model, first_rows(set.test, effort.images));
  for (auto const& [name, images] : set.others) {
    auto const other = scores(model, first_rows(images, effort.images));
    result[name] = {auroc(data.density, other.density), auroc(data.confidence, other.confidence),
                    auroc(data.flatness, other.flatness)};
  }
  return result;
}

inline Json attacks(Model const& model, Set const& set, Effort const& effort) {
  Images const x = first_rows(set.test, effort.attacked);
  Labels const y =
      Kokkos::subview(set.test_labels, std::pair<std::size_t, std::size_t>(0, x.extent(0)));
  auto const accuracy = [&](double radius, int steps, int restarts) {
    return rounded(metric::accuracy(model.logits(model.attack(x, y, radius, steps, restarts)), y));
  };
  Json result{
      {"images", x.extent(0)},       {"steps", effort.attack_steps},
      {"restarts", effort.restarts}, {"radii", set.radii},
      {"accuracy", Json::array()},   {"clean", rounded(metric::accuracy(model.logits(x), y))}};
  for (double const radius : set.radii)
    result["accuracy"].push_back(accuracy(radius, effort.attack_steps, effort.restarts));
  // Checks against masked gradients: none of these may be lower than it ought.
  result["twice the steps"] = accuracy(set.radii[1], 2 * effort.attack_steps, effort.restarts);
  result["random tries"]    = accuracy(set.radii[1], 0, effort.tries);
  result["radius 1"]        = accuracy(1, effort.attack_steps, effort.restarts);
  return result;
}

// Squared Frechet distances of features of 'features': test images against samples, against where these
// started, and against as many training images.
inline Json distances(Model const& features, Images const& samples, Images const& starts,
                      Set const& set) {
  int const count    = static_cast<int>(std::min(samples.extent(0), set.test.extent(0)));
  auto const of_test = features.features(first_rows(set.test, count));
  auto const to_test = [&](Images const& x) {
    return rounded(metric::frechet_distance(features.features(first_rows(x, count)), of_test));
  };
  return {{"images", count},
          {"features", of_test.extent(1)},
          {"samples", to_test(samples)},
          {"starts", to_test(starts)},
          {"training images", to_test(set.train)}};
}

#endif
