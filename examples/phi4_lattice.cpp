// SPDX-License-Identifier: Apache-2.0
// Scalar field theory on a periodic 6 x 6 lattice: a sampler that tunes itself, how far its chains can be
// trusted, and the free energy from that of the free field. Its folder keeps the run, and the draws as
// phi^2.npy and phi^4.npy, (draws, chains), for tools/plot_chains.
// Smoke: --out runs/phi4_lattice --resume --chains 64 --steps 20 --warmup 100 --rungs 20
#include <basin/basin.hpp>
#include <basin/io/npy.hpp>
#include <basin/metric/convergence.hpp>
#include <basin/run/command_line.hpp>
#include <basin/run/loop.hpp>

#include "all_ranks.hpp"

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
  Chains chains;                                                // (chains, sites)
  Kokkos::View<double***, Kokkos::LayoutRight, Exec> measured;  // (draws, chains, 2)
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

struct Program {
  int chains = 1024, warmup = 300, rungs = 500;
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(basin::Field{"chains", "1", "side by side"}, self.chains, basin::range::at_least(4));
    f(basin::Field{"warmup", "steps", "of the sampler before the first draw"}, self.warmup,
      basin::range::at_least(20));
    f(basin::Field{"rungs", "1", "of the annealing"}, self.rungs, basin::range::at_least(1));
  }
};

// A warm-up, then a draw of all chains in each step.
class Sampling {
 public:
  Sampling(Exec const& exec, Field const& field, int count, int warmup, int draws,
           std::uint64_t seed)
      : exec_(exec),
        field_(field),
        warmup_(warmup),
        chains_("chains", count, +Field::dimension),  // start at 0
        hmc_{.steps = warmup, .adaptation = {.warmup = warmup}},
        state_(exec, hmc_, count, +Field::dimension, seed),
        measured_("measured", draws, count, 2),
        stream_{.seed = seed} {}

  void step() {
    if (drawn_ == 0) advance(warmup_);
    advance(2);
    Kokkos::parallel_for("measure", Kokkos::RangePolicy<Exec>(exec_, 0, chains_.extent(0)),
                         Measure{chains_, measured_, static_cast<int>(drawn_)});
    ++drawn_;
  }
  std::uint64_t steps_taken() const { return drawn_; }

  template <basin::Archive A>
  void archive(A& a) {
    a("chains", chains_);
    a("sampler", state_);
    a("stream", stream_.step);
    a("measured", measured_);
    a("drawn", drawn_);
  }

  Chains const& chains() const { return chains_; }
  auto const& measured() const { return measured_; }

 private:
  void advance(int steps) {
    hmc_.steps = steps;
    sampler::sample(exec_, hmc_, state_, field_, chains_, stream_);
    stream_.step += static_cast<std::uint64_t>(steps);
  }

  Exec exec_;
  Field field_;
  int warmup_;
  Chains chains_;
  sampler::AdaptiveHamiltonian hmc_;
  sampler::state_of<sampler::AdaptiveHamiltonian, double, Exec> state_;
  Kokkos::View<double***, Kokkos::LayoutRight, Exec> measured_;  // (draws, chains, 2)
  basin::Stream stream_;
  std::uint64_t drawn_ = 0;
};

// Means of the weights of all ranks' chains.
auto mean_of(basin::run::Process const& process,
             Kokkos::View<double***, Kokkos::LayoutRight, Exec> const& weights) {
  auto const all = of_all_ranks(process, weights);
  return basin::log_mean_exp(Kokkos::View<double*, Exec>(all.data(), all.size()));
}

int run(Program const& program, basin::run::Options keep, nlohmann::ordered_json const& described,
        basin::run::Process const& process) {
  Exec const exec;
  Field const field{{.mass_square = -4, .coupling = 8}}, free{{.mass_square = 1}};
  int const count = chains_here(process, program.chains), warmup = program.warmup;
  std::filesystem::path const out = keep.out;
  auto const seed = [&](std::uint64_t of_one) { return seed_here(process, of_one); };

  keep.out = folder_here(process, keep.out);
  Sampling sampling(exec, field, count, warmup, static_cast<int>(keep.steps), seed(1));
  auto const ending = basin::run::loop(
      sampling, keep, {.progress = process.is_first() ? stderr : nullptr, .process = described});
  if (basin::train::any(process.ranks(), basin::run::exit_status(ending) != 0))
    return basin::run::exit_status(basin::run::Ending::signaled);
  auto const measured = of_all_ranks(process, sampling.measured());
  std::fputs(basin::metric::convergence_table({"phi^2", "phi^4"},
                                              basin::metric::convergence(exec, measured))
                 .c_str(),
             stdout);
  for (int k = 0; process.is_first() && k < 2; ++k)
    basin::io::write_npy(out / (k == 0 ? "phi^2.npy" : "phi^4.npy"),
                         Kokkos::subview(measured, Kokkos::ALL, Kokkos::ALL, k));
  std::printf("by the transfer matrix: phi^2 0.14405, phi^4 0.04260\n");

  // The partition function, relative to the free field's, which is known.
  sampler::AnnealedImportance<sampler::Hamiltonian> const anneal{
      .sampler = {.steps = 1, .step_size = 0.15, .trajectory_length = 1.5}, .rungs = program.rungs};
  Kokkos::View<double***, Kokkos::LayoutRight, Exec> const of_here("weights", 1, count, 1);
  Kokkos::View<double*, Exec> const weights(of_here.data(), count);
  double const of_free =
      target::free_field_log_partition<target::Lattice<6, 6>>(free.action.mass_square);
  sampler::anneal(exec, anneal, free, field, equilibrated(exec, free, count, warmup, seed(2)),
                  weights, {.seed = seed(3)});
  auto const up = mean_of(process, of_here);
  sampler::anneal(exec, anneal, field, free, sampling.chains(), weights, {.seed = seed(4)});
  auto const down = mean_of(process, of_here);
  std::printf("log Z from below %.3f +- %.3f, from above %.3f +- %.3f\n", of_free + up.value,
              up.standard_error, of_free - down.value, down.standard_error);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Program program;
  basin::run::Options keep{.steps = 100, .out = "out/phi4_lattice"};
  basin::run::CommandLine line(
      "Samples the phi^4 theory on a lattice and estimates its free energy.");
  line.add(program);
  line.add(keep);  // --steps: draws of each chain
  if (!line.parse(argc, argv)) return line.status();
  basin::run::Process const process;
  try {
    return run(program, keep, basin::run::describe_process(argc, argv, program), process);
  } catch (std::exception const& e) {
    return process.failed(e);
  }
}
