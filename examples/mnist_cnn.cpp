// SPDX-License-Identifier: Apache-2.0
// Smoke: --data none --others none --out runs/mnist_cnn --resume --steps 2 --objective.sampler.steps 2 --drawing_steps 9
//
// A convolutional energy of images, trained by persistent contrastive divergence with the recipe of
// the UvA deep learning tutorial 8, or with the network of the seed. Leaves its run, with what
// tools/plot draws, and prints a table of scores.

#include <basin/basin.hpp>
#include <basin/run/command_line.hpp>
#include <basin/run/fit.hpp>
#include <basin/run/process.hpp>

#include "images.hpp"

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace sampler = basin::sampler;

namespace {

using Sampler   = std::remove_const_t<decltype(sampler::presets::uva)>;
using Objective = basin::objective::PersistentCd<Sampler>;
template <class Energy>
using Trainer =
    basin::train::Trainer<Energy, Objective, basin::optimizer::Adam, basin::optimizer::StepDecay>;
using Options =
    basin::train::TrainerOptions<Objective, basin::optimizer::Adam, basin::optimizer::StepDecay>;

struct Program {
  std::string network = "uva";
  int drawing_steps   = 256;
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(basin::Field{"network", "1", "uva or seed"}, self.network);
    f(basin::Field{"drawing_steps", "steps", "of Langevin, of the samples drawn at last"},
      self.drawing_steps, basin::range::at_least(1));
  }
};

template <class Energy>
int run(Folders const& from, Program const& program, Options const& options,
        basin::run::Options const& keep, nlohmann::ordered_json const& process) {
  Images const train = read_images(from.data, "train-images"),
               test  = first_rows(read_images(from.data, "t10k-images"), 10000);
  Trainer<Energy> trainer(options, train);
  std::printf("%d parameters, %.3g million multiply-adds, sampler temperature %.3g\n",
              Energy::parameters, Energy::energy_flops * 0.5e-6,
              options.objective.sampler.effective_temperature());
  double gap = 0, rate = 0;
  auto const ending =
      basin::run::fit(trainer, keep,
                      {.progress = stderr,
                       .report  = [&](auto const& m) { gap = m["gap"], rate = m.steps_per_second; },
                       .process = process});
  if (basin::run::exit_status(ending) != 0 || options.slices.rank() > 0)
    return basin::run::exit_status(ending);

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
  auto const samples  = trainer.sample(512, program.drawing_steps);
  Scores const e_test = trainer.energies(test), slope_test = slopes(test);
  Scores const of_samples = trainer.energies(samples);
  std::vector<std::pair<std::string, Scores>> sets{{"data", e_test}, {"samples", of_samples}};
  std::printf("\n");
  row("E(test data)", mean(e_test));
  row("E(samples, " + std::to_string(program.drawing_steps) + " steps from noise)",
      mean(of_samples));
  row("gap in training, last report", gap);
  auto const compare = [&](std::string const& name, Images const& images) {
    sets.emplace_back(name, trainer.energies(images));
    row("AUROC of -E, test against " + name, auroc(e_test, sets.back().second));
    row("AUROC of -|dE/dx|, test against " + name, auroc(slope_test, slopes(images)));
  };
  compare("uniform noise", uniform_noise(10000, options.seed));
  for (auto const& [name, images] : read_others(from)) compare(name, first_rows(images, 10000));
  row("training steps/s, last report", rate);
  leave_images(keep.out, trainer, test, samples, program.drawing_steps, sets);
  std::printf("\nkept in %s; tools/plot %s draws it\n", keep.out.c_str(), keep.out.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Folders from;
  Program program;
  basin::run::Options keep{.steps = 6000, .out = "out/mnist_cnn"};
  Options options{
      .objective     = {.sampler = sampler::presets::uva, .energy_l2 = {.coefficient = 0.1}},
      .optimizer     = {.learning_rate = 1e-4, .beta1 = 0},
      .schedule      = {.every = 468, .decay = 0.97},  // an epoch of MNIST
      .batch         = 128,
      .data_noise    = {.standard_deviation = 0.005, .lower = -1, .upper = 1},
      .clip_norm     = 0.1,
      .ema_decay     = 0.999,
      .monitor_every = 20};
  basin::run::CommandLine line("Trains a convolutional energy of 28x28 images and scores it.");
  line.add(from);
  line.add(program);
  line.add(keep);
  line.add(options);
  if (!line.parse(argc, argv)) return line.status();
  basin::run::Process const session;
  options.slices.ranks = session.ranks();
  try {
    using Image        = basin::Image<28, 28>;
    auto const process = basin::run::describe_process(argc, argv, from, program);
    if (program.network == "uva")
      return run<basin::energy::UvaCnn<float, Image>>(from, program, options, keep, process);
    if (program.network == "seed")
      return run<basin::energy::Cnn<float, Image, 32, 64, 128>>(from, program, options, keep,
                                                                process);
    basin::refuse("mnist_cnn", "network must be uva or seed, got '", program.network, "'");
  } catch (std::exception const& e) {
    return session.failed(e);
  }
}
