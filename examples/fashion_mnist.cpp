// SPDX-License-Identifier: Apache-2.0
// Smoke: --data none --others none --out runs/fashion_mnist --resume --steps 4
//
// An MLP energy of images: persistent contrastive divergence on Fashion-MNIST, with the step rule
// of the UvA tutorial. Leaves its run, with what tools/plot draws, and prints a table.

#include <basin/basin.hpp>
#include <basin/run/command_line.hpp>
#include <basin/run/fit.hpp>
#include <basin/run/process.hpp>
#include <basin/run/validation.hpp>

#include "images.hpp"

#include <cstdio>
#include <filesystem>
#include <string>

namespace layer   = basin::layer;
namespace sampler = basin::sampler;

using Energy  = basin::energy::Network<float, basin::Image<28, 28>, layer::Dense<256>, layer::Silu,
                                       layer::Dense<256>, layer::Silu, layer::Dense<1>>;
using Sampler = std::remove_const_t<decltype(sampler::presets::uva)>;
using Objective = basin::objective::PersistentCd<Sampler>;
using Trainer   = basin::train::Trainer<Energy, Objective, basin::optimizer::Adam>;

int main(int argc, char** argv) {
  Folders from;
  basin::run::Options keep{.steps = 1500, .out = "out/fashion_mnist"};
  Trainer::Options options{
      .objective     = {.sampler = sampler::presets::uva, .energy_l2 = {.coefficient = 0.1}},
      .optimizer     = {.learning_rate = 1e-3, .beta1 = 0},
      .batch         = 128,
      .data_noise    = {.standard_deviation = 0.005, .lower = -1, .upper = 1},
      .clip_norm     = 0.1,
      .ema_decay     = 0.99,
      .monitor_every = 20};
  options.objective.sampler.steps = 30;
  basin::run::CommandLine line("Trains an MLP energy of 28x28 images and scores it.");
  line.add(from);
  line.add(keep);
  line.add(options);
  if (!line.parse(argc, argv)) return line.status();

  basin::run::Process const process;
  options.slices.ranks = process.ranks();
  try {
    Images const train = read_images(from.data, "train-images"),
                 test  = first_rows(read_images(from.data, "t10k-images"), 2000);
    double const peak  = basin::metric::fma_peak<float>(Kokkos::DefaultExecutionSpace());
    Images const noise = uniform_noise(2000, options.seed);
    Trainer trainer(options, train);
    std::printf("%d parameters, sampler temperature %.3g\n", Energy::parameters,
                options.objective.sampler.effective_temperature());
    double gap = 0, rate = 0, reports = 0;  // rate: steps/s, sum over reports
    auto const report = [&](basin::train::Metrics const& m) {
      gap = m["gap"], rate += m.steps_per_second, ++reports;
    };
    auto const ending = basin::run::fit(
        trainer, keep,
        {.progress = stderr,
         .measure  = basin::run::Validation(trainer, first_rows(test, 256), first_rows(noise, 256)),
         .report   = report,
         .process  = basin::run::describe_process(argc, argv, from)});
    if (basin::run::exit_status(ending) != 0 || !process.is_first())
      return basin::run::exit_status(ending);

    auto const samples     = trainer.sample(512, 256);
    Scores const e_test    = trainer.energies(test);
    Scores const e_samples = trainer.energies(samples);
    std::vector<std::pair<std::string, Scores>> sets{
        {"data", e_test}, {"samples", e_samples}, {"uniform noise", trainer.energies(noise)}};
    for (auto const& [name, images] : read_others(from))
      sets.emplace_back(name, trainer.energies(first_rows(images, 2000)));
    leave_images(keep.out, trainer, test, samples, 256, sets);

    std::printf("\n  %-34s %10.4f\n", "E(test data)", mean(e_test));
    std::printf("  %-34s %10.4f\n", "E(samples, 256 steps from noise)", mean(e_samples));
    std::printf("  %-34s %10.4f\n", "gap E(samples) - E(data)", mean(e_samples) - mean(e_test));
    std::printf("  %-34s %10.4f\n", "gap in training, last steps", gap);
    for (std::size_t s = 2; s < sets.size(); ++s)
      std::printf("  AUROC test against %-15s %10.4f\n", sets[s].first.c_str(),
                  auroc(e_test, sets[s].second));
    if (reports > 0) {
      double const flops =
          options.batch * (Energy::gradient_flops * options.objective.sampler.steps +
                           2 * Energy::parameter_gradient_flops);
      std::printf("  %-34s %10.1f\n", "training steps/s, as reported", rate / reports);
      std::printf("  %-34s %9.0f%%\n", "share of the machine's FMA peak",
                  100 * flops * rate / reports * 1e-9 / peak);
    }
    std::printf("\nkept in %s; tools/plot %s draws it\n", keep.out.c_str(), keep.out.c_str());
  } catch (std::exception const& e) {
    return process.failed(e);
  }
}
