// SPDX-License-Identifier: Apache-2.0
// Smoke: --rows streamed.npy --window 5000 --block 500 --out runs/streamed --resume --steps 60 --monitor_every 20
//
// A set that memory need not hold: a NumPy file that another thread reads while the run trains. A file that is not there is
// written first, so that the program runs by itself.
#include <basin/basin.hpp>
#include <basin/data/synthetic.hpp>
#include <basin/io/npy_rows.hpp>
#include <basin/run/command_line.hpp>
#include <basin/run/fit.hpp>
#include <basin/run/process.hpp>

#include <cstdio>
#include <filesystem>
#include <string>

namespace layer = basin::layer;

using Model     = basin::energy::Network<float, basin::Vector<2>, layer::Dense<64>, layer::Silu,
                                         layer::Dense<64>, layer::Silu, layer::Dense<1>>;
using Sampler   = basin::sampler::Langevin<basin::sampler::Calibrated>;
using Objective = basin::objective::PersistentCd<Sampler, basin::buffer::Replay<>>;
using Trainer   = basin::train::Trainer<Model, Objective, basin::optimizer::Adam>;

struct Set {
  std::string rows = "moons.npy";
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(basin::Field{"rows", "1", "NumPy file of (rows, 2) floats"}, self.rows);
  }
};

// [listing]
int main(int argc, char** argv) {
  Trainer::Options options{.objective = {.sampler   = {.steps = 20, .step_size = 0.01},
                                         .buffer    = {.capacity = 4096, .start = {-2, 2}},
                                         .energy_l2 = {.coefficient = 1e-3}},
                           .optimizer = {.learning_rate = 1e-3},
                           .batch     = 256};
  basin::run::Options run{.steps = 2000, .out = "out/streamed"};
  basin::train::RowStreamOptions parts;
  Set set;
  basin::run::CommandLine line("Learns the rows of a file that is read while it trains.");
  line.add(set);
  line.add(parts);  // --window, --block: rows at hand, rows that are read together
  line.add(run);
  line.add(options);
  if (!line.parse(argc, argv)) return line.status();

  basin::run::Process const process;
  options.slices.ranks = process.ranks();
  try {
    if (!std::filesystem::exists(set.rows))
      basin::io::write_npy(set.rows, basin::data::two_moons(20000, 1));
    Trainer trainer(options, basin::train::RowStream(basin::io::NpyRows(set.rows), parts));
    auto const ending = basin::run::fit(
        trainer, run, {.progress = stderr, .process = basin::run::describe_process(argc, argv)});
    return basin::run::exit_status(ending);
  } catch (std::exception const& error) {
    return process.failed(error);
  }
}
// [/listing]
