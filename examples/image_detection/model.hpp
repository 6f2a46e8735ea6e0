// SPDX-License-Identifier: Apache-2.0
// What main.cpp asks of an energy of images.
#ifndef EXAMPLES_IMAGE_DETECTION_MODEL_HPP
#define EXAMPLES_IMAGE_DETECTION_MODEL_HPP

#include "../images.hpp"

#include <cstdint>
#include <functional>
#include <vector>

struct Training {
  long steps         = 1500;
  int batch          = 64;
  double rate        = 5e-3;  // of Adam
  bool with_cnn      = true;  // else the quadratic part of the energy alone
  std::uint64_t seed = 1;
};

struct Model {
  std::function<std::vector<float>(Images const&)> energies;  // (images)
  std::function<Images(Images const&)> slopes;                // dE/dy (images, 784)
  int parameters;
};

// An energy of the images with noise of deviation 1.
Model train(Images const& images, Training const& training);

#endif
