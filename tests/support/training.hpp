// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_SUPPORT_TRAINING_HPP
#define TESTS_SUPPORT_TRAINING_HPP

#include <basin/layer/dropout.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/tanh.hpp>
#include <basin/objective/persistent_cd.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/train/trainer.hpp>

#include <vector>

namespace basin::test {

/// A network with awkward widths and every kind of stage.
using SmallNetwork = energy::Network<float, Vector<3>, layer::Dense<13>, layer::Silu,
                                     layer::Dropout<std::ratio<1, 5>>, layer::Dense<9>, layer::Tanh,
                                     layer::Dense<1>>;

using SmallObjective =
    objective::PersistentCd<sampler::Langevin<sampler::Decoupled, sampler::clip::PerElement>,
                            buffer::Replay<>>;

template <class Exec>
using SmallTrainer =
    train::Trainer<SmallNetwork, SmallObjective, optimizer::Adam, optimizer::Constant, Exec>;
// With a tuning of its own. Two aliases, because nvcc 13 loses a tuning that an alias names.
template <class Exec, tile::Tuning tuning>
using TunedTrainer = train::Trainer<SmallNetwork, SmallObjective, optimizer::Adam,
                                    optimizer::Constant, Exec, tuning>;

/// Uniform points, (rows, dimension).
inline Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace> uniform_points(int rows,
                                                                                    int dimension) {
  Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace> const points("points", rows,
                                                                             dimension);
  for (int n = 0; n < rows; ++n)
    for (int d = 0; d < dimension; ++d)
      points(n, d) = 2 * unit_uniform<float>(random_word({7, Purpose::data_noise}, d, n)) - 1;
  return points;
}

/// Options that exercise everything: a batch that fills no tile, noise, clipping, an average.
template <class Trainer>
typename Trainer::Options small_options(int steps = 7) {
  return {.objective  = {.sampler   = {.steps     = steps,
                                       .step_size = 0.05,
                                       .noise     = 0.1,
                                       .clip      = 0.5,
                                       .lower     = -1,
                                       .upper     = 1},
                         .buffer    = {.capacity = 101, .fresh = 0.1},
                         .energy_l2 = {.coefficient = 0.1, .ramp = 50}},
          .optimizer  = {.learning_rate = 3e-3, .beta1 = 0.5},
          .batch      = 37,
          .data_noise = {.standard_deviation = 0.01, .lower = -1, .upper = 1},
          .clip_norm  = 0.05,
          .ema_decay  = 0.9,
          .seed       = 5};
}

/// Contents of a View of any space, in order.
template <class View>
std::vector<typename View::non_const_value_type> contents(View const& view) {
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  std::vector<typename View::non_const_value_type> all(host.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = host.data()[i];
  return all;
}

}  // namespace basin::test

#endif
