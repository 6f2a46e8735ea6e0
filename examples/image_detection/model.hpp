// SPDX-License-Identifier: Apache-2.0
// What main.cpp asks of an energy of images.
#ifndef EXAMPLES_IMAGE_DETECTION_MODEL_HPP
#define EXAMPLES_IMAGE_DETECTION_MODEL_HPP

#include <basin/run/options.hpp>
#include <basin/train/ranks.hpp>

#include "../images.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

struct Training {
  int batch          = 64;
  double rate        = 5e-3;  // learning rate of Adam
  bool cnn           = true;
  std::uint64_t seed = 1;

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(basin::Field{"batch", "1", "images of a training step"}, self.batch,
      basin::range::at_least(1));
    f(basin::Field{"learning_rate", "1", "of Adam"}, self.rate, basin::range::above(0));
    f(basin::Field{"cnn", "1", "the network; else the quadratic part of the energy alone"},
      self.cnn);
    f(basin::Field{"seed", "1", "of everything random"}, self.seed);
  }
};

struct Model {
  std::function<std::vector<float>(Images const&)> energies;  // (images)
  std::function<Images(Images const&)> slopes;                // dE/dy (images, 784)
  int parameters;
};

// An energy of the images with noise of deviation 1, by a run in a folder of its own, of as many slices as
// ranks; none: it was interrupted.
std::optional<Model> train(Images const& images, Training const& training,
                           basin::run::Options const& keep, nlohmann::ordered_json const& process,
                           basin::train::Ranks* ranks);

#endif
