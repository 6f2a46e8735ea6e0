// SPDX-License-Identifier: Apache-2.0
// What main.cpp and evaluation.hpp ask of a network, whatever its type.
#ifndef EXAMPLES_JEM_MODEL_HPP
#define EXAMPLES_JEM_MODEL_HPP

#include <basin/data/idx.hpp>
#include <basin/run/options.hpp>

#include "../images.hpp"

#include <Kokkos_Core.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

using Labels     = basin::data::Labels;
using Parameters = Kokkos::View<float*, Kokkos::HostSpace>;
using Json       = nlohmann::ordered_json;

// How log p(x) is trained, and what keeps it stable: each can be had alone.
struct Settings {
  double p_x        = 1;      // weight of log p(x); 0: a classifier alone
  double energy_l2  = 1e-3;   // weight of the mean squares of energies
  double step_size  = 1;      // of the chains
  double noise      = 0.01;   // of a step of the chains
  double rate       = 1e-3;   // of Adam
  bool from_trained = false;  // start from the parameters of the classifier alone
  bool growing      = false;  // K grows from a quarter to the whole in the first half
  bool of_classes   = false;  // fresh chains are draws of the Gaussians of the classes
  double clip       = 0;      // largest |dE/dx| of a pixel; 0: any
  double sharpness  = 0;      // length of the ascent, adaptive; 0: none
  bool rolls_back   = false;  // to the last report where it diverges, then half the step size

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    using basin::Field, basin::range::above, basin::range::at_least;
    f(Field{"p_x", "1", "weight of log p(x)"}, self.p_x, at_least(0).finite());
    f(Field{"energy_l2", "1 / E", "weight of the mean squares of energies"}, self.energy_l2,
      at_least(0).finite());
    f(Field{"step_size", "x^2 / E", "of the chains"}, self.step_size, above(0).finite());
    f(Field{"noise", "x", "of a step of the chains"}, self.noise, at_least(0).finite());
    f(Field{"rate", "theta", "of Adam"}, self.rate, above(0).finite());
    f(Field{"from_trained", "1", "start from the parameters of the classifier alone"},
      self.from_trained);
    f(Field{"growing", "1", "K grows from a quarter to the whole in the first half"}, self.growing);
    f(Field{"of_classes", "1", "fresh chains are draws of the Gaussians of the classes"},
      self.of_classes);
    f(Field{"clip", "E / x", "largest |dE/dx| of a pixel; 0: any"}, self.clip,
      at_least(0).finite());
    f(Field{"sharpness", "1", "length of the ascent, adaptive; 0: none"}, self.sharpness,
      at_least(0).finite());
    f(Field{"rolls_back", "1", "where it diverges, and halves the step size"}, self.rolls_back);
  }
};

// The same for all methods of a network.
struct Budget {
  int steps, batch, sampling_steps;  // of training, of a training step, K
  int share   = 1;                   // one in so many of what is attacked and sampled
  int labeled = 0;                   // rows of a step, where some rows have no label
};

struct Task {
  Images images;
  Labels labels;  // -1: none
  Settings settings;
  Budget budget;
  std::uint64_t seed;
  std::string folder;  // of this run alone
  Json process;
  Parameters start;  // of the classifier alone, where the settings ask for it
};

struct Trained {
  Parameters parameters;  // averaged
  std::string diverged;   // what the trainer said, or nothing
  int rollbacks = 0;
  long steps    = 0;
};

// A trained network.
struct Model {
  using Table = Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace>;
  std::function<Table(Images const&)> logits;    // (n, classes)
  std::function<Table(Images const&)> features;  // (n, width of the last hidden layer)
  std::function<std::vector<float>(Images const&)> steepness;  // |dE/dx|
  // Adversarial images in the ball of the largest difference of a pixel; steps = 0: random tries.
  std::function<Images(Images const&, Labels const&, double radius, int steps, int restarts)>
      attack;
  // Moves chains on E(x), or, with labels, on E(x, y).
  std::function<Images(Images const& starts, Labels const&, Settings const&, int steps,
                       std::uint64_t seed)>
      sample;
};

struct Network {
  Budget budget;
  int parameters;
  double decay;  // of the averaged parameters
  // Nothing where a signal came.
  std::function<std::optional<Trained>(Task const&)> train;
  std::function<Model(Parameters const&)> model;
};

// By name, those that are compiled in: mlp, 784-256-256-10; cnn, three blocks of convolution, group norm and
// SiLU; wide_resnet, of depth 10 and width 1, without norms, 32x32x3.
inline std::map<std::string, Network>& networks() {
  static std::map<std::string, Network> all;
  return all;
}

// Draws of the Gaussians fitted to the classes of a task, row n of class n modulo 10.
Images draws_of_classes(Images const& images, Labels const& labels, int count, std::uint64_t seed);

#endif
