// SPDX-License-Identifier: Apache-2.0
// Smoke: --data none --others none --out runs/jem --resume --steps 4 --sampling_steps 2
//
// A joint energy-based model of digits beside the same network trained as a classifier alone:
// accuracy, cross-entropy and calibration, and three scores that tell test images from others. Each
// is a run of its own, out/joint and out/classifier, with a reliability diagram for tools/plot.

#include <basin/basin.hpp>
#include <basin/run/command_line.hpp>
#include <basin/run/fit.hpp>

#include "images.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace {

namespace layer  = basin::layer;
namespace metric = basin::metric;
using Labels     = basin::data::Labels;

// [listing]
using Network = basin::energy::Classifier<float, basin::Vector<784>, layer::Dense<256>, layer::Silu,
                                          layer::Dense<256>, layer::Silu, layer::Dense<10>>;
using Sampler = std::remove_const_t<decltype(basin::sampler::presets::jem)>;
using Joint   = basin::objective::Joint<Sampler>;
using Trainer = basin::train::Trainer<Network, Joint, basin::optimizer::Adam>;

// log p(y | x) + log p(x): the gradient of a step is that of both.
Trainer joint_model(Images const& images, Labels const& labels) {
  return Trainer(
      {.objective  = {.sampler = basin::sampler::presets::jem, .energy_l2 = {.coefficient = 1e-3}},
       .optimizer  = {.learning_rate = 3e-4},
       .batch      = 128,
       .data_noise = {.standard_deviation = 0.03},
       .clip_norm  = 1,
       .ema_decay  = 0.999},
      images, labels);
}
// [/listing]

using Alone =
    basin::train::Trainer<Network, basin::objective::CrossEntropy, basin::optimizer::Adam>;
Alone classifier(Images const& images, Labels const& labels) {
  return Alone({.optimizer  = {.learning_rate = 3e-4},
                .batch      = 128,
                .data_noise = {.standard_deviation = 0.03},
                .clip_norm  = 1,
                .ema_decay  = 0.999},
               images, labels);
}

Labels read_labels(std::filesystem::path const& folder, char const* stem, Images const& images) {
  if (folder != "none") return basin::data::read_idx_labels(basin::data::find_idx(folder, stem));
  Labels const labels = basin::data::make_labels(images.extent(0));
  for (std::size_t n = 0; n < labels.extent(0); ++n) labels(n) = int(n % 10);
  return labels;
}

using Host = Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace>;

// What is computed of images: logits, and the scores "is as the data".
struct Evaluated {
  Host logits;                                       // (n, 10)
  std::vector<float> density, confidence, flatness;  // log p(x) + log Z, max p(y | x), -|dE/dx|
};
template <class AnyTrainer>
Evaluated evaluate(AnyTrainer& trainer, Images const& images) {
  using Device        = Kokkos::View<float**, Kokkos::LayoutRight, typename AnyTrainer::memory>;
  auto const energy   = trainer.energy();
  std::size_t const n = images.extent(0);
  Device const points("points", n, 784), logits("logits", n, 10), slopes("slopes", n, 784);
  Kokkos::deep_copy(points, images);
  Kokkos::DefaultExecutionSpace const exec;
  basin::energy::logits(exec, energy, points, logits);
  basin::energy::gradients(exec, energy, points, slopes);
  exec.fence();
  Evaluated all{Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), logits), {}, {}, {}};
  auto const slope    = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), slopes);
  auto const energies = trainer.energies(images);
  auto const p        = metric::softmax(all.logits);
  for (std::size_t i = 0; i < n; ++i) {
    double square = 0, most = 0;
    for (int d = 0; d < 784; ++d) square += slope(i, d) * slope(i, d);
    for (int y = 0; y < 10; ++y) most = std::max(most, p(i, y));
    all.density.push_back(-energies(i));
    all.confidence.push_back(float(most));
    all.flatness.push_back(float(-std::sqrt(square)));
  }
  return all;
}

struct Set {
  std::string name;
  Images images;
};

struct Program {
  int sampling_steps = 20;
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(basin::Field{"sampling_steps", "steps", "of Langevin in a training step"},
      self.sampling_steps, basin::range::at_least(1));
  }
};

template <class AnyTrainer>
void report(char const* name, AnyTrainer& trainer, Images const& test, Labels const& labels,
            std::vector<Set> const& others, std::filesystem::path const& folder) {
  auto const all     = evaluate(trainer, test);
  auto const p       = metric::softmax(all.logits);
  auto const diagram = metric::reliability_diagram(p, labels);
  std::printf("\n%s\n  %-34s %8.4f\n  %-34s %8.4f\n  %-34s %8.4f\n  %-34s %8.4f\n", name,
              "accuracy", metric::accuracy(all.logits, labels), "cross-entropy, nats",
              metric::cross_entropy(all.logits, labels), "ECE, 15 bins of equal width",
              diagram.expected_calibration_error(), "Brier score", metric::brier_score(p, labels));
  std::printf("  AUROC of test images against     log p(x)  max p(y | x)  -|dE/dx|\n");
  Scores const e_test = trainer.energies(test);
  basin::run::Arrays arrays;
  arrays.add("energies/data", e_test);
  for (auto const& other : others) {
    auto const from  = evaluate(trainer, other.images);
    auto const score = [](auto const& a, auto const& b) {
      return metric::auroc(std::span(a), std::span(b));
    };
    std::printf("    %-28s %10.4f %13.4f %9.4f\n", other.name.c_str(),
                score(all.density, from.density), score(all.confidence, from.confidence),
                score(all.flatness, from.flatness));
    arrays.add("energies/" + other.name, trainer.energies(other.images));
  }
  Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> const bins(
      "bins", 3, diagram.confidence.size());
  for (std::size_t b = 0; b < diagram.confidence.size(); ++b) {
    bins(0, b) = diagram.confidence[b];
    bins(1, b) = diagram.accuracy[b];
    bins(2, b) = double(diagram.count[b]);
  }
  arrays.add(std::string("reliability/") + name, bins).write(folder);
}

// Trains in a folder of the run's. \return whether all steps are done
template <class AnyTrainer>
bool train(AnyTrainer& trainer, basin::run::Options keep, char const* folder,
           nlohmann::ordered_json const& process) {
  keep.out += std::string("/") + folder;
  auto const ending = basin::run::fit(trainer, keep, {.progress = stderr, .process = process});
  return basin::run::exit_status(ending) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  Folders from;
  Program program;
  basin::run::Options keep{.steps = 3000, .out = "out/jem"};
  basin::run::CommandLine line(
      "Trains a joint energy-based model and a classifier of 28x28 images of ten classes.");
  line.add(from);
  line.add(program);
  line.add(keep);
  if (!line.parse(argc, argv)) return line.status();
  Kokkos::ScopeGuard const kokkos;
  try {
    std::string const& data   = from.data;
    Images const train_images = read_images(data, "train-images"),
                 test         = read_images(data, "t10k-images");
    Labels const train_labels = read_labels(data, "train-labels", train_images);
    Labels const test_labels  = read_labels(data, "t10k-labels", test);
    std::vector<Set> sets{{"uniform noise", uniform_noise(int(test.extent(0)), 1)}};
    for (auto const& [name, images] : read_others(from)) sets.push_back({name, images});

    auto const process              = basin::run::describe_process(argc, argv, from, program);
    Trainer joint                   = joint_model(train_images, train_labels);
    joint.objective().sampler.steps = program.sampling_steps;
    Alone alone                     = classifier(train_images, train_labels);
    if (!train(joint, keep, "joint", process) || !train(alone, keep, "classifier", process))
      return basin::run::exit_status(basin::run::Ending::signaled);
    std::filesystem::path const out = keep.out;
    report("joint model", joint, test, test_labels, sets, out / "joint");
    report("the same network, classifier alone", alone, test, test_labels, sets,
           out / "classifier");
  } catch (std::exception const& e) {
    std::fprintf(stderr, "\n%s\n", e.what());
    return 1;
  }
}
