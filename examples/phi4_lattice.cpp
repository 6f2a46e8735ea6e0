// SPDX-License-Identifier: Apache-2.0
// Scalar field theory on a periodic 6 x 6 lattice: a sampler that tunes itself, how far its chains can be
// trusted, and the free energy from that of the free field. With --out the draws are left as phi^2.npy and
// phi^4.npy, (draws, chains), for tools/plot_chains.
// Smoke: --out . --chains 64 --draws 20 --warmup 100 --rungs 20
#include <basin/basin.hpp>
#include <basin/io/npy.hpp>
#include <basin/metric/convergence.hpp>

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdio>
#include <filesystem>

namespace {

namespace target  = basin::energy::target;
namespace sampler = basin::sampler;
using Exec        = Kokkos::DefaultExecutionSpace;
using Field       = target::Phi4<double, 6, 6>;
using Chains      = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

// phi^2 and phi^4, means over the sites of each chain.
struct Measure {
  Chains chains;                           // (chains, sites)
  Kokkos::View<double***, Exec> measured;  // (draws, chains, 2)
  int draw;
  KOKKOS_FUNCTION void operator()(int n) const {
    double square = 0, fourth = 0;
    for (int i = 0; i < Field::dimension; ++i) {
      double const phi2 = chains(n, i) * chains(n, i);
      square += phi2 / Field::dimension;
      fourth += phi2 * phi2 / Field::dimension;
    }
    measured(draw, n, 0) = square;
    measured(draw, n, 1) = fourth;
  }
};

// Chains that have the law of an energy, up to what a warm-up and as many steps again leave.
Chains equilibrated(Exec const& exec, Field const& field, int count, int warmup,
                    std::uint64_t seed) {
  Chains const chains("chains", count, +Field::dimension);
  sampler::AdaptiveHamiltonian const hmc{.steps = 2 * warmup, .adaptation = {.warmup = warmup}};
  sampler::state_of<sampler::AdaptiveHamiltonian, double, Exec> state(exec, hmc, count,
                                                                      +Field::dimension, seed);
  sampler::sample(exec, hmc, state, field, chains, {.seed = seed});
  return chains;
}

int run(int argc, char** argv) {
  int count = 1024, draws = 100, warmup = 300, rungs = 500;
  std::filesystem::path out;
  CLI::App app("Samples the phi^4 theory on a lattice and estimates its free energy.");
  app.add_option("--chains", count, "chains")->capture_default_str()->check(CLI::Range(4, 100000));
  app.add_option("--draws", draws, "draws of each chain")
      ->capture_default_str()
      ->check(CLI::Range(4, 100000));
  app.add_option("--warmup", warmup, "trajectories of the warm-up")
      ->capture_default_str()
      ->check(CLI::Range(20, 100000));
  app.add_option("--rungs", rungs, "steps of the annealing")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--out", out, "folder for the draws");
  CLI11_PARSE(app, argc, argv);

  Exec const exec;
  Field const field{{.mass_square = -4, .coupling = 8}}, free{{.mass_square = 1}};

  Chains const chains("chains", count, +Field::dimension);  // start at 0
  sampler::AdaptiveHamiltonian hmc{.steps = warmup, .adaptation = {.warmup = warmup}};
  sampler::state_of<sampler::AdaptiveHamiltonian, double, Exec> state(exec, hmc, count,
                                                                      +Field::dimension, 1);
  basin::Stream stream{.seed = 1};
  auto const advance = [&](int steps) {
    hmc.steps = steps;
    sampler::sample(exec, hmc, state, field, chains, stream);
    stream.step += static_cast<std::uint64_t>(steps);
  };
  advance(warmup);
  Kokkos::View<double***, Exec> const measured("measured", draws, count, 2);
  for (int draw = 0; draw < draws; ++draw) {
    advance(2);
    Kokkos::parallel_for("measure", Kokkos::RangePolicy<Exec>(exec, 0, count),
                         Measure{chains, measured, draw});
  }
  std::fputs(basin::metric::convergence_table({"phi^2", "phi^4"},
                                              basin::metric::convergence(exec, measured))
                 .c_str(),
             stdout);
  if (!out.empty()) {
    std::filesystem::create_directories(out);
    for (int k = 0; k < 2; ++k)
      basin::io::write_npy(out / (k == 0 ? "phi^2.npy" : "phi^4.npy"),
                           Kokkos::subview(measured, Kokkos::ALL, Kokkos::ALL, k));
  }
  std::printf("by the transfer matrix: phi^2 0.14405, phi^4 0.04260\n");

  // The partition function, relative to the free field's, which is known.
  sampler::AnnealedImportance<sampler::Hamiltonian> const anneal{
      .sampler = {.steps = 1, .step_size = 0.15, .trajectory_length = 1.5}, .rungs = rungs};
  Kokkos::View<double*, Exec> const weights("weights", count);
  double const of_free =
      target::free_field_log_partition<target::Lattice<6, 6>>(free.action.mass_square);
  sampler::anneal(exec, anneal, free, field, equilibrated(exec, free, count, warmup, 2), weights,
                  {.seed = 3});
  auto const up = basin::log_mean_exp(weights);
  sampler::anneal(exec, anneal, field, free, chains, weights, {.seed = 4});
  auto const down = basin::log_mean_exp(weights);
  std::printf("log Z from below %.3f +- %.3f, from above %.3f +- %.3f\n", of_free + up.value,
              up.standard_error, of_free - down.value, down.standard_error);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Kokkos::ScopeGuard const kokkos(argc, argv);
  return run(argc, argv);
}
