// SPDX-License-Identifier: Apache-2.0
// Smoke: --data none --other none --out . --steps 2 --sampling-steps 2 --drawing-steps 2
//
// A convolutional energy of images, trained by persistent contrastive divergence with the recipe of
// the UvA deep learning tutorial 8, or with the network of the seed. Leaves samples beside data,
// the curve of the energies, the metrics, the parameters, and a table of scores.

#include <basin/basin.hpp>
#include <basin/io/line_chart.hpp>
#include <basin/io/metrics_file.hpp>
#include <basin/io/npy.hpp>
#include <basin/io/picture.hpp>

#include "images.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace sampler = basin::sampler;

namespace {

struct Options {
  std::filesystem::path data, out = "out";
  std::vector<std::filesystem::path> others;
  std::string network = "uva";
  long steps          = 6000;
  int sampling_steps = 60, drawing_steps = 256;
  double rate = 1e-4, penalty = 0.1, average = 0.999;
  std::uint64_t seed = 1;
};

template <class Energy>
void run(Options const& o) {
  using Sampler   = std::remove_const_t<decltype(sampler::presets::uva)>;
  using Objective = basin::objective::PersistentCd<Sampler>;
  using Trainer =
      basin::train::Trainer<Energy, Objective, basin::optimizer::Adam, basin::optimizer::StepDecay>;
  std::filesystem::create_directories(o.out);
  std::string const name = "mnist_cnn_" + o.network;
  Images const train     = read_images(o.data, "train-images"),
               test      = read_images(o.data, "t10k-images");

  Sampler langevin = sampler::presets::uva;
  langevin.steps   = o.sampling_steps;
  long const epoch = std::max(1l, long(train.extent(0)) / 128);
  Trainer trainer({.objective     = {.sampler = langevin, .energy_l2 = {.coefficient = o.penalty}},
                   .optimizer     = {.learning_rate = o.rate, .beta1 = 0},
                   .schedule      = {.every = epoch, .decay = 0.97},
                   .batch         = 128,
                   .data_noise    = {.standard_deviation = 0.005, .lower = -1, .upper = 1},
                   .clip_norm     = 0.1,
                   .ema_decay     = o.average,
                   .seed          = o.seed,
                   .monitor_every = 20},
                  train);
  std::printf("%d parameters, %.3g million multiply-adds, sampler temperature %.3g\n",
              Energy::parameters, Energy::energy_flops * 0.5e-6, langevin.effective_temperature());

  basin::io::MetricsFile metrics(o.out / (name + ".jsonl"));
  basin::io::Line on_data{{}, {}, "E(data)", {31, 119, 180}},
      on_samples{{}, {}, "E(samples)", {214, 39, 40}};
  auto const report = [&](basin::train::Metrics const& m) {
    metrics(m);
    on_data.x.push_back(double(m.step));
    on_data.y.push_back(m["energy_data"]);
    on_samples.x.push_back(double(m.step));
    on_samples.y.push_back(m["energy_samples"]);
  };
  Kokkos::Timer const timer;
  auto const last      = trainer.fit({.steps = o.steps, .progress = stderr, .report = report});
  double const seconds = timer.seconds();

  auto const samples = trainer.sample(512, o.drawing_steps);
  auto const host    = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), samples);
  auto const grid    = [](auto const& images) {
    return basin::io::image_grid(Kokkos::subview(images, std::pair(0, 64), Kokkos::ALL), 28, 28,
                                    {.columns = 8, .scale = 2});
  };
  basin::io::write_png(o.out / (name + ".png"), basin::io::beside({grid(test), grid(host)}));
  if (on_data.x.size() > 1)
    basin::io::write_png(o.out / (name + "_energies.png"),
                         basin::io::line_chart({on_data, on_samples}));
  basin::io::write_npy(
      o.out / (name + "_parameters.npy"),
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), trainer.averaged_parameters()));

  auto const row = [](std::string const& what, double value) {
    std::printf("  %-40s %10.4f\n", what.c_str(), value);
  };
  // |dE/dx|^2 of images.
  auto const slopes = [&](Images const& images) {
    using Exec   = Kokkos::DefaultExecutionSpace;
    auto const n = images.extent(0);
    auto const x = Kokkos::create_mirror_view_and_copy(Exec(), images);
    Kokkos::View<float**, Kokkos::LayoutRight, Exec> const g("gradients", n, 784);
    basin::energy::gradients(Exec(), trainer.energy(), x, g);
    auto const from = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), g);
    Scores const squares("squares", n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t d = 0; d < 784; ++d) squares(i) += from(i, d) * from(i, d);
    return squares;
  };
  Images const tested = first_rows(test, 10000);
  Scores const e_test = trainer.energies(tested), slope_test = slopes(tested);
  std::printf("\n");
  row("E(test data)", mean(e_test));
  row("E(samples, " + std::to_string(o.drawing_steps) + " steps from noise)",
      mean(trainer.energies(samples)));
  row("gap in training, last " + std::to_string(20) + " steps", last["gap"]);
  auto const compare = [&](std::string const& name, Images const& images) {
    row("AUROC of -E, test against " + name, auroc(e_test, trainer.energies(images)));
    row("AUROC of -|dE/dx|, test against " + name, auroc(slope_test, slopes(images)));
  };
  compare("uniform noise", uniform_noise(10000, o.seed));
  for (auto const& other : o.others)
    compare(other.filename().string(), first_rows(read_images(other, "t10k-images"), 10000));
  row("training steps/s", double(o.steps) / seconds);
  std::printf("\ndata | samples: %s\n", (o.out / (name + ".png")).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  CLI::App app("Trains a convolutional energy of 28x28 images and scores it.");
  app.add_option("--data", o.data, "folder with the four files of MNIST (or any like them)")
      ->required();
  app.add_option("--other", o.others, "folders with images from elsewhere, to be told apart");
  app.add_option("--out", o.out, "folder for what the run leaves")->capture_default_str();
  app.add_option("--network", o.network, "uva or seed")
      ->check(CLI::IsMember({"uva", "seed"}))
      ->capture_default_str();
  app.add_option("--steps", o.steps, "training steps")->capture_default_str();
  app.add_option("--sampling-steps", o.sampling_steps, "Langevin steps of a training step")
      ->capture_default_str();
  app.add_option("--drawing-steps", o.drawing_steps, "Langevin steps of the samples drawn at last")
      ->capture_default_str();
  app.add_option("--rate", o.rate, "rate of Adam")->capture_default_str();
  app.add_option("--penalty", o.penalty, "coefficient of E^2")->capture_default_str();
  app.add_option("--average", o.average, "decay of the averaged parameters")->capture_default_str();
  app.add_option("--seed", o.seed, "seed of everything random")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  Kokkos::ScopeGuard const kokkos;
  try {
    using Image = basin::Image<28, 28>;
    if (o.network == "uva")
      run<basin::energy::UvaCnn<float, Image>>(o);
    else
      run<basin::energy::Cnn<float, Image, 32, 64, 128>>(o);
  } catch (std::exception const& e) {
    std::fprintf(stderr, "\n%s\n", e.what());
    return 1;
  }
}
