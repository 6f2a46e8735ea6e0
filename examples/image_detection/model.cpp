// SPDX-License-Identifier: Apache-2.0
#include "model.hpp"

#include <basin/energy/cnn.hpp>
#include <basin/layer/scale.hpp>
#include <basin/layer/square.hpp>
#include <basin/layer/sum.hpp>
#include <basin/objective/denoising_score_matching.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/run/fit.hpp>
#include <basin/train/trainer.hpp>

#include <cstdio>
#include <memory>
#include <ratio>
#include <vector>

namespace {

namespace layer = basin::layer;

// E(y) = |y|^2 / 2 + sum_k a_k (u_k.y + b_k)^2 + 256 CNN(y). The first two terms can be any
// Gaussian whose covariance is that of the noise, 1, and 256 directions more. The CNN has the
// layers of energy::Cnn<float, Image<28, 28>, 32, 64, 128>; the factor brings it to the size of
// energies. (SumPool sums pixels.)
template <int Channels>
using Block = basin::energy::EnergyBlock<Channels>;
using Cnn   = layer::Sequence<Block<32>, Block<64>, Block<128>, layer::MeanPool, layer::Dense<64>,
                              layer::Silu, layer::Dense<1>, layer::Scale<std::ratio<256>>>;
using Noise = layer::Sequence<layer::Square, layer::SumPool, layer::Scale<std::ratio<1, 2>>>;
using Quadratic =
    layer::Sequence<layer::Flatten, layer::Dense<256>, layer::Square, layer::Dense<1>>;

template <class... Parts>
std::optional<Model> fit(Images const& images, Training const& training,
                         basin::run::Options const& keep, nlohmann::ordered_json const& process,
                         basin::train::Ranks* ranks) {
  using Energy       = basin::energy::Network<float, basin::Image<28, 28>, layer::Sum<Parts...>>;
  using Trainer      = basin::train::Trainer<Energy, basin::objective::DenoisingScoreMatching,
                                             basin::optimizer::Adam, basin::optimizer::Cosine>;
  using Device       = Kokkos::View<float**, Kokkos::LayoutRight, typename Trainer::memory>;
  using Options      = typename Trainer::Options;
  auto const trainer = std::make_shared<Trainer>(
      Options{.objective = {.standard_deviation = 1},
              .optimizer = {.learning_rate = training.rate},
              .schedule  = {.period = keep.steps},
              .batch     = training.batch,
              .ema_decay = 0.99,
              .seed      = training.seed,
              .slices    = {.count = ranks ? ranks->count() : 1, .ranks = ranks}},
      images);
  auto const ending = basin::run::fit(*trainer, keep, {.progress = stderr, .process = process});
  if (basin::run::exit_status(ending) != 0) return {};
  return Model{[trainer](Images const& y) {
                 auto const e = trainer->energies(y);
                 return std::vector<float>(e.data(), e.data() + e.extent(0));
               },
               [trainer](Images const& y) {
                 Device const points("points", y.extent(0), 784),
                     slopes("slopes", y.extent(0), 784);
                 Kokkos::deep_copy(points, y);
                 Kokkos::DefaultExecutionSpace const exec;
                 basin::energy::gradients(exec, trainer->energy(), points, slopes);
                 exec.fence();
                 Images const result("slopes", y.extent(0), 784);
                 Kokkos::deep_copy(result, slopes);
                 return result;
               },
               Energy::parameters};
}

}  // namespace

std::optional<Model> train(Images const& images, Training const& training,
                           basin::run::Options const& keep, nlohmann::ordered_json const& process,
                           basin::train::Ranks* ranks) {
  return training.cnn ? fit<Cnn, Noise, Quadratic>(images, training, keep, process, ranks)
                      : fit<Noise, Quadratic>(images, training, keep, process, ranks);
}
