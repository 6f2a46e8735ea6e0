// SPDX-License-Identifier: Apache-2.0
// The listing of the README.

#include <basin/basin.hpp>
#include <basin/data/synthetic.hpp>

#include <cstdio>

namespace layer = basin::layer;

using Model     = basin::energy::Network<float, basin::Vector<2>,  // E(x): R^2 -> R
                                         layer::Dense<64>, layer::Silu, layer::Dense<64>, layer::Silu,
                                         layer::Dense<1>>;
using Sampler   = basin::sampler::Langevin<basin::sampler::Calibrated>;
using Objective = basin::objective::PersistentCd<Sampler, basin::buffer::Replay<>>;
using Trainer   = basin::train::Trainer<Model, Objective, basin::optimizer::Adam>;

int main(int argc, char** argv) {
  Kokkos::ScopeGuard const kokkos(argc, argv);
  auto const moons = basin::data::two_moons(10000, 1);  // (10000, 2)
  Trainer::Options const options{
      .objective = {.sampler   = {.steps = 20, .step_size = 0.01, .temperature = 1},
                    .buffer    = {.capacity = 4096, .start = {-2, 2}},
                    .energy_l2 = {.coefficient = 1e-3}},
      .optimizer = {.learning_rate = 1e-3},
      .batch     = 256,
      .seed      = 1};
  Trainer trainer(options, moons);
  trainer.fit({.steps = 500, .progress = stderr});
  auto const samples  = trainer.sample(1000, 200);  // (1000, 2), on the device
  auto const energies = trainer.energies(samples);  // (1000), on the host
  std::printf("%d parameters, E of the first sample %.3f\n", Model::parameters, energies(0));
}
