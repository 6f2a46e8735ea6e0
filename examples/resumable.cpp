// SPDX-License-Identifier: Apache-2.0
// Smoke: --out runs/resumable --resume --steps 60 --monitor_every 20
//
// A run that lasts longer than a job: stop it (Ctrl-C, a job's time limit, kill -9) and start it again with --resume.
#include <basin/basin.hpp>
#include <basin/data/synthetic.hpp>
#include <basin/run/command_line.hpp>
#include <basin/run/fit.hpp>
#include <basin/run/process.hpp>
#include <basin/run/validation.hpp>

#include <cstdio>

namespace layer = basin::layer;

using Model     = basin::energy::Network<float, basin::Vector<2>, layer::Dense<64>, layer::Silu,
                                         layer::Dense<64>, layer::Silu, layer::Dense<1>>;
using Sampler   = basin::sampler::Langevin<basin::sampler::Calibrated>;
using Objective = basin::objective::PersistentCd<Sampler, basin::buffer::Replay<>>;
using Trainer   = basin::train::Trainer<Model, Objective, basin::optimizer::Adam>;

// [listing]
int main(int argc, char** argv) {
  Trainer::Options options{.objective = {.sampler   = {.steps = 20, .step_size = 0.01},
                                         .buffer    = {.capacity = 4096, .start = {-2, 2}},
                                         .energy_l2 = {.coefficient = 1e-3}},
                           .optimizer = {.learning_rate = 1e-3},
                           .batch     = 256};
  basin::run::Options run{.steps = 2000, .out = "out/moons"};
  basin::run::CommandLine line("Learns two moons, in a folder that keeps the run.");
  line.add(run);      // --steps, --out, --resume, --checkpoint_seconds, --best, ...
  line.add(options);  // --batch, --objective.sampler.steps, ..., or --config FILE
  if (!line.parse(argc, argv)) return line.status();

  basin::run::Process const process;
  options.slices.ranks = process.ranks();
  try {
    auto const held_out = basin::data::two_moons(1000, 2), other = basin::data::rings(1000, 3);
    Trainer trainer(options, basin::data::two_moons(10000, 1));
    auto const ending =
        basin::run::fit(trainer, run,
                        {.progress = stderr,
                         .measure  = basin::run::Validation(trainer, held_out, other),
                         .process  = basin::run::describe_process(argc, argv)});
    return basin::run::exit_status(ending);  // 75: the same command with --resume goes on
  } catch (std::exception const& error) {
    return process.failed(error);
  }
}
// [/listing]
