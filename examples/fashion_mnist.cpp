// SPDX-License-Identifier: Apache-2.0
// Smoke: --data none --out . --steps 4
//
// An MLP energy of images: persistent contrastive divergence on Fashion-MNIST, with the step rule
// of the UvA tutorial. Leaves samples beside data, the metrics, the parameters, and a table.

#include <basin/basin.hpp>
#include <basin/io/metrics_file.hpp>
#include <basin/io/npy.hpp>
#include <basin/io/picture.hpp>

#include "images.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>

namespace layer   = basin::layer;
namespace sampler = basin::sampler;

using Energy  = basin::energy::Network<float, basin::Image<28, 28>, layer::Dense<256>, layer::Silu,
                                       layer::Dense<256>, layer::Silu, layer::Dense<1>>;
using Sampler = std::remove_const_t<decltype(sampler::presets::uva)>;
using Objective = basin::objective::PersistentCd<Sampler>;
using Trainer   = basin::train::Trainer<Energy, Objective, basin::optimizer::Adam>;

int main(int argc, char** argv) {
  std::filesystem::path data, mnist, out = "out";
  long steps = 1500;
  int batch = 128, sampling_steps = 30;
  double rate        = 1e-3;
  std::uint64_t seed = 1;
  CLI::App app("Trains an MLP energy of 28x28 images and scores it.");
  app.add_option("--data", data, "folder with the four files of Fashion-MNIST (or any like them)")
      ->required();
  app.add_option("--mnist", mnist, "folder with MNIST, scored as data from elsewhere")
      ->check(CLI::ExistingDirectory);
  app.add_option("--out", out, "folder for what the run leaves")->capture_default_str();
  app.add_option("--steps", steps, "training steps")->capture_default_str();
  app.add_option("--sampling-steps", sampling_steps, "Langevin steps of a training step")
      ->capture_default_str();
  app.add_option("--rate", rate, "rate of Adam")->capture_default_str();
  app.add_option("--batch", batch, "images of a training step")->capture_default_str();
  app.add_option("--seed", seed, "seed of everything random")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  Kokkos::ScopeGuard const kokkos;
  try {
    std::filesystem::create_directories(out);
    Images const train = read_images(data, "train-images"), test = read_images(data, "t10k-images");
    double const peak = basin::metric::fma_peak<float>(Kokkos::DefaultExecutionSpace());

    Sampler langevin = sampler::presets::uva;
    langevin.steps   = sampling_steps;
    Trainer trainer({.objective     = {.sampler = langevin, .energy_l2 = {.coefficient = 0.1}},
                     .optimizer     = {.learning_rate = rate, .beta1 = 0},
                     .batch         = batch,
                     .data_noise    = {.standard_deviation = 0.005, .lower = -1, .upper = 1},
                     .clip_norm     = 0.1,
                     .ema_decay     = 0.99,
                     .seed          = seed,
                     .monitor_every = 20},
                    train);
    std::printf("%d parameters, sampler temperature %.3g\n", Energy::parameters,
                langevin.effective_temperature());
    basin::io::MetricsFile metrics(out / "fashion_mnist.jsonl");
    Kokkos::Timer const timer;
    auto const last =
        trainer.fit({.steps = steps, .progress = stderr, .report = std::ref(metrics)});
    double const rate_of_steps = double(steps) / timer.seconds();

    auto const samples = trainer.sample(512, 256);
    auto const host    = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), samples);
    auto const grid    = [](auto const& images) {
      return basin::io::image_grid(Kokkos::subview(images, std::pair(0, 64), Kokkos::ALL), 28, 28,
                                      {.columns = 8, .scale = 2});
    };
    basin::io::write_png(out / "fashion_mnist.png", basin::io::beside({grid(test), grid(host)}));
    basin::io::write_npy(
        out / "fashion_mnist_parameters.npy",
        Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), trainer.averaged_parameters()));

    Images const noise     = uniform_noise(2000, seed);
    Scores const e_test    = trainer.energies(first_rows(test, 2000));
    Scores const e_samples = trainer.energies(samples);
    double const flops =
        batch * (Energy::gradient_flops * sampling_steps + 2 * Energy::parameter_gradient_flops);
    std::printf("\n  %-34s %10.4f\n", "E(test data)", mean(e_test));
    std::printf("  %-34s %10.4f\n", "E(samples, 256 steps from noise)", mean(e_samples));
    std::printf("  %-34s %10.4f\n", "gap E(samples) - E(data)", mean(e_samples) - mean(e_test));
    std::printf("  %-34s %10.4f\n", "gap in training, last step", last["gap"]);
    std::printf("  %-34s %10.4f\n", "AUROC test against uniform noise",
                auroc(e_test, trainer.energies(noise)));
    if (!mnist.empty())
      std::printf(
          "  %-34s %10.4f\n", "AUROC test against MNIST",
          auroc(e_test, trainer.energies(first_rows(read_images(mnist, "t10k-images"), 2000))));
    std::printf("  %-34s %10.1f\n", "training steps/s", rate_of_steps);
    std::printf("  %-34s %9.0f%%\n", "share of the machine's FMA peak",
                100 * flops * rate_of_steps * 1e-9 / peak);
    std::printf("\ndata | samples: %s\n", (out / "fashion_mnist.png").c_str());
  } catch (std::exception const& e) {
    std::fprintf(stderr, "\n%s\n", e.what());
    return 1;
  }
}
