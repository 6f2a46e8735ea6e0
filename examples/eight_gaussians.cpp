// SPDX-License-Identifier: Apache-2.0
// Smoke: --out . --steps 60 --rungs 5
//
// A density in the plane: a small MLP energy learns eight Gaussians by persistent contrastive
// divergence. Leaves eight_gaussians.png: the data, and the learned energy with samples of it; prints the
// log-likelihood of points held out, by quadrature and between two bounds by annealing.

#include <basin/basin.hpp>
#include <basin/data/synthetic.hpp>
#include <basin/io/metrics_file.hpp>
#include <basin/io/npy.hpp>
#include <basin/io/plot.hpp>

#include "log_partition.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace layer = basin::layer;

using Energy = basin::energy::Network<float, basin::Vector<2>, layer::Dense<128>, layer::Silu,
                                      layer::Dense<128>, layer::Silu, layer::Dense<1>>;

// Calibrated noise: the chain has temperature 1, so exp(-E) is the density that is learned.
using Sampler   = basin::sampler::Langevin<basin::sampler::Calibrated>;
using Buffer    = basin::buffer::Replay<basin::sampler::start::Uniform>;
using Objective = basin::objective::PersistentCd<Sampler, Buffer>;
using Trainer =
    basin::train::Trainer<Energy, Objective, basin::optimizer::Adam, basin::optimizer::Cosine>;

int main(int argc, char** argv) {
  std::filesystem::path out = "out";
  long steps                = 5000;
  int rungs                 = 1000;
  std::uint64_t seed        = 1;
  CLI::App app("Trains a 2-D energy on eight Gaussians and draws it.");
  app.add_option("--out", out, "folder for what the run leaves")->capture_default_str();
  app.add_option("--steps", steps, "training steps")->capture_default_str();
  app.add_option("--rungs", rungs, "of annealed importance sampling")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seed", seed, "seed of everything random")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  Kokkos::ScopeGuard const kokkos;
  try {
    std::filesystem::create_directories(out);
    auto const data = basin::data::eight_gaussians(20000, seed);
    Trainer trainer({.objective     = {.sampler = {.steps = 40, .step_size = 0.01},
                                       .buffer = {.capacity = 8192, .start = {.lower = -4, .upper = 4}},
                                       .energy_l2 = {.coefficient = 1e-3}},
                     .optimizer     = {.learning_rate = 1e-3},
                     .schedule      = {.period = steps, .floor = 0.01},
                     .batch         = 256,
                     .ema_decay     = 0.99,
                     .seed          = seed,
                     .monitor_every = 100},
                    data);
    basin::io::MetricsFile metrics(out / "eight_gaussians.jsonl");
    trainer.fit({.steps = steps, .progress = stderr, .report = std::ref(metrics)});

    // Density up to a constant, drawn with chains that started from noise.
    int constexpr side = 360;
    basin::io::Rectangle const plane{-4, 4, -4, 4};
    auto const energies = trainer.energies(basin::io::pixel_centers(plane, side, side));
    float least         = energies(0);
    for (std::size_t i = 1; i < energies.extent(0); ++i) least = std::min(least, energies(i));
    auto landscape = basin::io::heat_map(energies, side, side,
                                         {.lower = least, .upper = least + 8, .contours = 8});
    auto samples   = landscape;
    basin::io::scatter(samples, plane, trainer.sample(2000, 1000));
    auto truth = basin::io::Picture(side, side);
    basin::io::scatter(truth, plane, basin::data::eight_gaussians(2000, seed + 1),
                       {.color = basin::io::black});
    basin::io::write_png(out / "eight_gaussians.png",
                         basin::io::beside({truth, landscape, samples}));
    auto const theta =
        Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), trainer.averaged_parameters());
    basin::io::write_npy(out / "eight_gaussians_parameters.npy", theta);

    // E with the averaged parameters, as trainer.energies reads it. Its chains are draws by quadrature.
    auto const held_out = basin::data::eight_gaussians(10000, seed + 2);
    auto const e        = trainer.energies(held_out);
    double mean = 0, exact = 0;
    for (std::size_t i = 0; i < e.extent(0); ++i) {
      double const share = 1.0 / double(e.extent(0));
      mean += share * e(i);
      exact += share * basin::data::eight_gaussians_log_density(held_out(i, 0), held_out(i, 1));
    }
    auto const whole = integrate_plane(
        10, 1000, 512, seed, [&](auto const& points) { return trainer.energies(points); });
    auto const bracket =
        bracket_log_partition(trainer.energy(), whole.draws,
                              {.rungs = rungs, .deviation = 2.5, .settling = 0, .seed = seed});
    std::printf(
        "log-likelihood of held-out points, in nats: %.3f by quadrature; annealed back at least "
        "%.3f +- %.3f, annealed at most %.3f +- %.3f; of their own density %.3f\n",
        -mean - whole.log_z, -mean - bracket.above.value, bracket.above.standard_error,
        -mean - bracket.below.value, bracket.below.standard_error, exact);
    std::printf("data | learned energy | samples: %s\n", (out / "eight_gaussians.png").c_str());
  } catch (std::exception const& e) {
    std::fprintf(stderr, "\n%s\n", e.what());
    return 1;
  }
}
