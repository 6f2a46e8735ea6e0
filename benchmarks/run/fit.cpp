// SPDX-License-Identifier: Apache-2.0
// Long: half a minute of compiler, for a question of speed alone
// Question: which share of a run do its reports and its checkpoints take, at their defaults?
#include <basin/run/fit.hpp>

#include "benchmarks/support/networks.hpp"

#include <filesystem>

namespace {

using Sampler   = basin::sampler::Langevin<basin::sampler::Calibrated>;
using Objective = basin::objective::PersistentCd<Sampler>;
using Trainer   = basin::train::Trainer<basin::bench::NetworkC, Objective, basin::optimizer::Adam>;

double seconds(auto&& work) {
  Kokkos::Timer const timer;
  work();
  return timer.seconds();
}

// An iteration is 10 training steps, a report and a checkpoint; each is timed by itself.
void fit(benchmark::State& state) {
  auto const folder = std::filesystem::temp_directory_path() / "basin_benchmark_fit";
  std::filesystem::remove_all(folder);
  Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace> const data("data", 1024, 784);
  for (std::size_t i = 0; i < data.size(); ++i) data.data()[i] = float(i % 97) / 48 - 1;
  Trainer::Options const options{.objective = {.sampler = {.steps = 60, .step_size = 1e-4}},
                                 .batch     = 128};
  basin::run::Options const keep{};
  Trainer trainer(options, data);
  basin::run::Folder const kept(folder, keep.keep);
  basin::run::MetricsFiles files(folder, 0);
  trainer.fit({.steps = 10});
  double step = 0, report = 0, save = 0;
  for (auto _ : state) {
    step += seconds([&] {
      for (int i = 0; i < 10; ++i) trainer.step();
      Kokkos::fence("benchmark");
    });
    report += seconds([&] { files(trainer.metrics()); });
    save += seconds([&] {
      basin::MemoryArchive archive;
      archive.save("run", trainer);
      kept.save(trainer.steps_taken(), archive, basin::run::describe(trainer).dump());
    });
  }
  auto const n                       = double(state.iterations());
  state.counters["step_ms"]          = 1e3 * step / n / 10;
  state.counters["report_ms"]        = 1e3 * report / n;
  state.counters["checkpoint_ms"]    = 1e3 * save / n;
  state.counters["report_share"]     = report / n / (options.monitor_every * step / n / 10);
  state.counters["checkpoint_share"] = save / n / keep.checkpoint_seconds;
  std::filesystem::remove_all(folder);
}
BENCHMARK(fit)
    ->Name("run_fit/784-256-256-1/b128/k60")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
