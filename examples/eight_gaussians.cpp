// SPDX-License-Identifier: Apache-2.0
// Smoke: --out runs/eight_gaussians --resume --steps 60 --rungs 5
//
// A density in the plane: a small MLP energy learns eight Gaussians by persistent contrastive
// divergence. Leaves its run, with what tools/plot draws, and prints the log-likelihood of points held
// out, by quadrature and between two bounds by annealing.

#include <basin/basin.hpp>
#include <basin/data/synthetic.hpp>
#include <basin/run/arrays.hpp>
#include <basin/run/command_line.hpp>
#include <basin/run/fit.hpp>
#include <basin/run/process.hpp>
#include <basin/run/validation.hpp>

#include "log_partition.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace layer = basin::layer;

using Energy = basin::energy::Network<float, basin::Vector<2>, layer::Dense<128>, layer::Silu,
                                      layer::Dense<128>, layer::Silu, layer::Dense<1>>;

// Calibrated noise: the chain has temperature 1, so exp(-E) is the density that is learned.
using Sampler   = basin::sampler::Langevin<basin::sampler::Calibrated>;
using Buffer    = basin::buffer::Replay<basin::sampler::start::Uniform>;
using Objective = basin::objective::PersistentCd<Sampler, Buffer>;
using Trainer =
    basin::train::Trainer<Energy, Objective, basin::optimizer::Adam, basin::optimizer::Cosine>;

struct Program {
  int rungs = 1000;
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(basin::Field{"rungs", "1", "of annealed importance sampling"}, self.rungs,
      basin::range::at_least(1));
  }
};

int main(int argc, char** argv) {
  Program program;
  basin::run::Options keep{.steps = 5000, .out = "out/eight_gaussians"};
  Trainer::Options options{
      .objective = {.sampler   = {.steps = 40, .step_size = 0.01},
                    .buffer    = {.capacity = 8192, .start = {.lower = -4, .upper = 4}},
                    .energy_l2 = {.coefficient = 1e-3}},
      .optimizer = {.learning_rate = 1e-3},
      .schedule  = {.period = keep.steps, .floor = 0.01},  // another --steps: --schedule.period too
      .batch     = 256,
      .ema_decay = 0.99};
  basin::run::CommandLine line("Trains a 2-D energy on eight Gaussians.");
  line.add(program);
  line.add(keep);
  line.add(options);
  if (!line.parse(argc, argv)) return line.status();

  basin::run::Process const process;
  options.slices.ranks = process.ranks();
  try {
    std::uint64_t const seed = options.seed;
    auto const held_out      = basin::data::eight_gaussians(10000, seed + 2);
    Trainer trainer(options, basin::data::eight_gaussians(20000, seed));
    auto const ending =
        basin::run::fit(trainer, keep,
                        {.progress = stderr,
                         .measure  = basin::run::Validation(
                             trainer, Kokkos::subview(held_out, std::pair(0, 1000), Kokkos::ALL)),
                         .process = basin::run::describe_process(argc, argv, program)});
    if (basin::run::exit_status(ending) != 0 || !process.is_first())
      return basin::run::exit_status(ending);

    // E with the averaged parameters, as trainer.energies reads it. Its chains are draws by quadrature.
    auto const e = trainer.energies(held_out);
    double mean = 0, exact = 0;
    for (std::size_t i = 0; i < e.extent(0); ++i) {
      double const share = 1.0 / double(e.extent(0));
      mean += share * e(i);
      exact += share * basin::data::eight_gaussians_log_density(held_out(i, 0), held_out(i, 1));
    }
    auto const whole = integrate_plane(
        10, 1000, 512, seed, [&](auto const& points) { return trainer.energies(points); });
    auto const bracket = basin::sampler::log_partition(
        Kokkos::DefaultExecutionSpace(),
        basin::sampler::LogPartition{.rungs = program.rungs, .settling = 0, .deviation = 2.5},
        trainer.energy(), whole.draws, seed);
    std::printf(
        "log-likelihood of held-out points, in nats: %.3f by quadrature; annealed back at least "
        "%.3f +- %.3f, annealed at most %.3f +- %.3f; of their own density %.3f\n",
        -mean - whole.log_z, -mean - bracket.above.value, bracket.above.standard_error,
        -mean - bracket.below.value, bracket.below.standard_error, exact);

    // The density, chains that started from noise, and their way.
    int constexpr paths = 12, times = 60;
    Kokkos::View<float***, Kokkos::LayoutRight, Kokkos::HostSpace> const chains("chains", times,
                                                                                paths, 2);
    for (int t = 0; t < times; ++t) {
      auto const at =
          Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), trainer.sample(paths, t));
      std::copy_n(at.data(), at.size(), chains.data() + std::size_t(t) * at.size());
    }
    auto const samples = trainer.sample(2000, 1000);
    auto const shown   = basin::data::eight_gaussians(2000, seed + 1);
    basin::run::Arrays()
        .landscape(trainer, -4, 4)
        .add("landscape/log_z", whole.log_z)
        .add("landscape/data", shown)
        .add("landscape/samples", samples)
        .add("landscape/chains", chains)
        .add("energies/data", e)
        .add("energies/samples", trainer.energies(samples))
        .add("energies/two moons", trainer.energies(basin::data::two_moons(2000, seed)))
        .write(keep.out);
    std::printf("kept in %s; tools/plot %s draws it\n", keep.out.c_str(), keep.out.c_str());
  } catch (std::exception const& e) {
    return process.failed(e);
  }
}
