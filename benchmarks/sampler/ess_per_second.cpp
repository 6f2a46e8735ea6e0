// SPDX-License-Identifier: Apache-2.0
// Long: half a minute of compiler, for a question of speed alone
// Question: how many effective samples a second does a sampler that tunes itself give, of targets
// with known answers, and are the answers right? Beside other libraries: benchmarks/peers/ess.
// Smoke: --benchmark_filter=/mala/mlp/
#include "benchmarks/support/ess.hpp"

namespace {

using namespace basin::bench::ess;
using basin::sampler::AdaptiveHamiltonian;
using basin::sampler::CheesHamiltonian;
using basin::sampler::Microcanonical;

// MALA is Hamiltonian sampling with one leapfrog, and with scales as well.
template <class Target>
int add(Settings const& hmc, Settings const& mams, Settings const& mala) {
  auto const add_one = [](char const* sampler, auto run, Settings const& settings) {
    benchmark::RegisterBenchmark(
        (std::string("ess_per_second/") + sampler + "/" + Target::name).c_str(),
        [=](benchmark::State& state) { run(state, settings); })
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  };
  add_one("hmc", ess_per_second<AdaptiveHamiltonian, Target>, hmc);
  add_one("mams", ess_per_second<Microcanonical, Target>, mams);
  // Finds its length itself, from 1 on, with the acceptance of its authors.
  add_one("chees", ess_per_second<CheesHamiltonian, Target>, {64, hmc.draws, 1, 0.651});
  add_one("mala", ess_per_second<AdaptiveHamiltonian, Target>, mala);
  return 0;
}

// Chains, draws, length and acceptance of the best of a few runs of each.
int const gaussian = add<Gaussian>({64, 400, 8, 0.5}, {64, 400, 3.5, 0.7}, {64, 4000, 0, 0.574});
int const funnel   = add<Funnel>({64, 16000, 5, 0.9}, {64, 6000, 5, 0.8}, {64, 4000, 0, 0.574});
int const phi4     = add<Phi4>({64, 300, 4, 0.5}, {64, 250, 2, 0.7}, {64, 2000, 0, 0.574});
int const logistic =
    add<Logistic>({64, 500, 2.5, 0.45}, {64, 400, 1.25, 0.7}, {64, 1000, 0, 0.574});
int const mlp = add<Mlp>({64, 1000, 3.5, 0.4}, {64, 500, 1.75, 0.7}, {64, 2000, 0, 0.574});

}  // namespace
