// SPDX-License-Identifier: Apache-2.0
// Compiled once for each number of columns, which is COLUMNS.
#include "model.hpp"

#include <basin/basin.hpp>

#include "energy.hpp"

#include <algorithm>
#include <memory>

namespace {

namespace objective = basin::objective;
namespace optimizer = basin::optimizer;

using Sampler = basin::sampler::Langevin<basin::sampler::Calibrated>;
using Buffer  = basin::buffer::Replay<basin::sampler::start::Gaussian>;
using Pcd     = objective::PersistentCd<Sampler, Buffer>;
using Dsm     = objective::DenoisingScoreMatching;
using Ssm     = objective::SlicedScoreMatching<objective::form::VarianceReduced>;
using Nce     = objective::NoiseContrastive<objective::noise::Gaussian>;

// Weights decay as much as a Gaussian prior on them would ask for: in proportion to 1 / rows.
template <class Objective>
Model fit(Objective const& objective, double noise, Rows const& rows, Settings const& settings) {
  using Trainer    = basin::train::Trainer<Energy, Objective, optimizer::AdamW, optimizer::Cosine>;
  auto const count = static_cast<int>(rows.extent(0));
  Kokkos::Timer const timer;
  auto const trainer = std::make_shared<Trainer>(
      typename Trainer::Options{.objective  = objective,
                                .optimizer  = {.learning_rate = 3e-3, .decay = 100.0 / count},
                                .schedule   = {.period = settings.steps, .floor = 0.01},
                                .batch      = std::min(128, count),
                                .data_noise = {.standard_deviation = noise},
                                .ema_decay  = 0.99,
                                .seed       = settings.seed},
      rows);
  trainer->fit({.steps = settings.steps});
  Model model{.energies =
                  [trainer](Rows const& points) {
                    auto const e = trainer->energies(points);
                    return std::vector<float>(e.data(), e.data() + e.extent(0));
                  },
              .parameters = trainer->averaged_parameters(),
              .seconds    = timer.seconds()};
  if constexpr (Trainer::objective_type::parameters > 0)
    model.log_z = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(),
                                                      trainer->objective_parameters())(0);
  return model;
}

// All four learn the law of the rows with this noise: denoising score matching by what it is, the
// others by noise on their data.
Model train(Method method, Rows const& rows, Settings const& settings) {
  double const noise = settings.noise;
  switch (method) {
    case Method::pcd:
      return fit(Pcd{.sampler = {.steps = 20, .step_size = 0.02}, .buffer = {.capacity = 4096}},
                 noise, rows, settings);
    case Method::dsm:
      return fit(Dsm{.standard_deviation = noise}, 0, rows, settings);
    case Method::ssm:
      return fit(Ssm{}, noise, rows, settings);
    default:
      return fit(Nce{.noise = {.ridge = noise * noise}, .ratio = 8}, noise, rows, settings);
  }
}

bool const entered = trainers().emplace(COLUMNS, train).second;

}  // namespace
