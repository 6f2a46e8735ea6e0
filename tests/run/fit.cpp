// SPDX-License-Identifier: Apache-2.0
// A run that is interrupted, in whatever way, and goes on is the run that was not.
#include <basin/data/transform/standardize.hpp>
#include <basin/run/fit.hpp>
#include <basin/run/validation.hpp>

#include "support/temporary_folder.hpp"
#include "support/training.hpp"
#include "support/writer.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

using Exec    = BASIN_TEST_EXEC;
using Trainer = basin::test::SmallTrainer<Exec>;
using basin::run::Ending;
using basin::test::contents;
using basin::test::TemporaryFolder;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

Trainer make_trainer() {
  auto options          = basin::test::small_options<Trainer>(3);
  options.monitor_every = 5;
  return Trainer(options, basin::test::uniform_points(150, 3));
}
basin::run::Options in(TemporaryFolder const& folder, long steps, bool resume = false) {
  return {.steps = steps, .out = folder / "run", .resume = resume, .checkpoint_steps = 10};
}
std::vector<float> parameters_after(long steps) {
  Trainer trainer = make_trainer();
  trainer.fit({.steps = steps});
  return contents(trainer.parameters());
}
std::vector<std::string> lines(std::string const& path) {
  std::ifstream in(path);
  std::vector<std::string> all;
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

TEST_CASE("a run that stops at a signal or a limit and resumes has the bits of one that did not",
          "[run][fit]") {
  TemporaryFolder const folder;
  {
    Trainer first     = make_trainer();
    long reports      = 0;
    auto const report = [&](auto const&) {
      if (++reports == 3) std::raise(SIGTERM);  // after step 15
    };
    auto const ending = basin::run::fit(first, in(folder, 40), {.report = report});
    CHECK(ending == Ending::signaled);
    CHECK(basin::run::exit_status(ending) == 75);
    CHECK(first.steps_taken() == 16);  // the step at hand
  }
  {
    Trainer second     = make_trainer();
    auto options       = in(folder, 40, true);
    options.time_limit = 1e-9;
    CHECK(basin::run::fit(second, options) == Ending::out_of_time);
    CHECK(second.steps_taken() == 17);
  }
  Trainer third = make_trainer();
  CHECK(basin::run::fit(third, in(folder, 40, true)) == Ending::complete);
  CHECK(contents(third.parameters()) == parameters_after(40));
  CHECK(basin::run::Folder(folder / "run", 2).steps() == std::vector<std::uint64_t>{40, 30});

  auto const reports = lines(folder / "run" + "/metrics.jsonl");
  CHECK(reports.size() == 8);
  auto const table = lines(folder / "run" + "/metrics.csv");
  CHECK(table.size() == 9);
  CHECK_THAT(table.at(0), StartsWith("step,energy_data,energy_samples"));
  CHECK_THAT(table.at(4), StartsWith("20,"));

  Trainer again = make_trainer();  // nothing is left to do
  CHECK(basin::run::fit(again, in(folder, 40, true)) == Ending::complete);
  CHECK(contents(again.parameters()) == contents(third.parameters()));
}

TEST_CASE("a damaged checkpoint is skipped with a sentence", "[run][fit]") {
  TemporaryFolder const folder;
  Trainer first = make_trainer();
  basin::run::fit(first, in(folder, 20));
  std::string const newest = folder / "run" + "/checkpoint-000000000020.h5";
  std::string bytes        = basin::test::read_file(newest);
  bytes[bytes.size() / 2] ^= 1;
  basin::test::write_file(newest, bytes);
  std::FILE* const log = std::fopen((folder / "log").c_str(), "w");
  Trainer second       = make_trainer();
  basin::run::Hooks<Trainer> hooks;
  hooks.progress = log;
  CHECK(basin::run::fit(second, in(folder, 30, true), hooks) == Ending::complete);
  std::fclose(log);
  CHECK(contents(second.parameters()) == parameters_after(30));
  CHECK_THAT(basin::test::read_file(folder / "log"),
             ContainsSubstring("checkpoint-000000000020.h5' is damaged") &&
                 ContainsSubstring("taking the one before it") &&
                 ContainsSubstring("at step 10\n"));
}

TEST_CASE("a folder belongs to one run", "[run][fit]") {
  TemporaryFolder const folder;
  Trainer trainer = make_trainer();
  basin::run::fit(trainer, in(folder, 10));
  Trainer other = make_trainer();
  CHECK_THROWS_WITH(basin::run::fit(other, in(folder, 10)),
                    "basin::run::fit: '" + (folder / "run") +
                        "' has a run that got to step 10; write resume = true to continue it, or "
                        "another folder");
  basin::run::Folder const held(folder / "run", 1);
  CHECK_THROWS_WITH(basin::run::fit(other, in(folder, 10, true)),
                    "basin::run::Folder: '" + (folder / "run") +
                        "' is in use by another run; give each run a folder of its own");
  CHECK(other.steps_taken() == 0);
}

TEST_CASE("a checkpoint of another model is refused", "[run][fit]") {
  using Other = basin::train::Trainer<
      basin::energy::Network<float, basin::Vector<3>, basin::layer::Dense<13>, basin::layer::Silu,
                             basin::layer::Dropout<std::ratio<1, 5>>, basin::layer::Dense<9>,
                             basin::layer::Silu, basin::layer::Dense<1>>,
      basin::test::SmallObjective, basin::optimizer::Adam, basin::optimizer::Constant, Exec>;
  TemporaryFolder const folder;
  Trainer trainer = make_trainer();
  basin::run::fit(trainer, in(folder, 10));
  Other other(basin::test::small_options<Other>(3), basin::test::uniform_points(150, 3));
  auto const before = contents(other.parameters());
  CHECK_THROWS_WITH(basin::run::fit(other, in(folder, 20, true)),
                    StartsWith("basin::run::fit: the energy of ") &&
                        ContainsSubstring("basin::layer::Tanh") &&
                        ContainsSubstring(", this program's is "));
  CHECK(contents(other.parameters()) == before);
}

struct Reports {
  int count = 0;
  template <basin::Archive A>
  void archive(A& a) {
    a("count", count);
  }
};

TEST_CASE("objects of the program last with a run: its constants are those that were saved",
          "[run][fit]") {
  using basin::data::transform::Standardize;
  using basin::run::Kept;
  TemporaryFolder const folder;
  Standardize normalization{{{0.5, -1, 2}, {1, 2, 3}}};
  Reports reports;
  basin::run::Hooks<Trainer> hooks;
  hooks.measure = [&](auto&) { ++reports.count; };
  hooks.keep    = {Kept::constant("normalization", normalization), Kept::state("reports", reports)};
  Trainer first = make_trainer();
  basin::run::fit(first, in(folder, 10), hooks);
  CHECK(reports.count == 2);

  reports.count  = 0;
  Trainer second = make_trainer();
  basin::run::fit(second, in(folder, 20, true), hooks);
  CHECK(reports.count == 4);
  CHECK(contents(second.parameters()) == parameters_after(20));

  // Whoever loads the model has what to invert its samples with.
  auto const file = folder / "run" + "/checkpoint-000000000020.h5";
  Standardize loaded;
  basin::io::read_checkpoint(file).archive.load("user/normalization", loaded);
  CHECK(loaded.moments.mean == normalization.moments.mean);
  CHECK(loaded.moments.standard_deviation == normalization.moments.standard_deviation);

  Trainer third      = make_trainer();
  auto const before  = contents(third.parameters());
  auto const refused = [&](std::string const& sentence) {
    reports.count = 7;
    CHECK_THROWS_WITH(basin::run::fit(third, in(folder, 30, true), hooks), sentence);
    CHECK(reports.count == 7);
    CHECK(contents(third.parameters()) == before);
  };
  normalization.moments.standard_deviation[1] = 2.5;
  refused("basin::run::fit: 'user/normalization/standard_deviation' of '" + file +
          "' is 2 at 1, this program's 2.5; it is a constant of the run");
  normalization.moments = {{0.5, -1}, {1, 2}};
  refused("basin::run::fit: 'user/normalization/mean' of '" + file +
          "' has shape (3), this program's has (2); it is a constant of the run");
  normalization = loaded;
  hooks.keep    = {Kept::state("reports", reports)};
  refused("basin::run::fit: '" + file +
          "' has 'user/normalization/mean', this program keeps no object 'normalization'; write it "
          "in Hooks::keep");
  hooks.keep = {Kept::constant("normalization", normalization), Kept::state("reports", reports),
                Kept::constant("more", loaded)};
  refused("basin::MemoryArchive: 'user/more/mean' was not saved");
  hooks.keep = {Kept::state("reports", reports), Kept::state("reports", reports)};
  refused("basin::run::fit: Hooks::keep has the name 'reports' twice");
  CHECK_THROWS_WITH(Kept::state("a/b", reports),
                    "basin::run::Kept: a name has letters and no '/', got 'a/b'");
}

TEST_CASE("the best checkpoint is kept, and a run without patience ends", "[run][fit]") {
  TemporaryFolder const folder;
  Trainer trainer  = make_trainer();
  auto options     = in(folder, 100);
  options.best     = "score";
  options.patience = 3;
  basin::run::Hooks<Trainer> hooks;
  hooks.measure = [](basin::train::Metrics& m) {
    m.add({"score", "1", "best at step 10"}, std::abs(double(m.step) - 10));
  };
  CHECK(basin::run::fit(trainer, options, hooks) == Ending::early);
  CHECK(trainer.steps_taken() == 25);
  auto const best = basin::io::read_checkpoint(folder / "run" + "/best.h5");
  Trainer at_best = make_trainer();
  best.archive.load("run", at_best);
  CHECK(at_best.steps_taken() == 10);
  CHECK(contents(at_best.parameters()) == parameters_after(10));
  options.resume = true;
  Trainer again  = make_trainer();  // its patience is that of the run
  CHECK(basin::run::fit(again, options, hooks) == Ending::early);
  CHECK(again.steps_taken() == 25);
  options.best = "";
  CHECK_THROWS_WITH(
      basin::run::fit(again, options, hooks),
      "basin::run::fit: patience is 3 and there is no metric to wait for; write best");
}

TEST_CASE("a validation set and another set are measured at each report", "[run][validation]") {
  TemporaryFolder const folder;
  Trainer trainer    = make_trainer();
  auto const inside  = basin::test::uniform_points(20, 3),
             outside = basin::test::uniform_points(40, 3);
  for (std::size_t i = 0; i < outside.size(); ++i) outside.data()[i] *= 100;
  basin::train::Metrics last;
  basin::run::fit(trainer, in(folder, 10),
                  {.measure = basin::run::Validation(trainer, inside, outside),
                   .report  = [&](auto const& m) { last = m; }});
  auto const e = trainer.energies(inside), other = trainer.energies(outside);
  double mean = 0, square = 0, above = 0;
  for (int i = 0; i < 20; ++i) mean += double(e(i)) / 20;
  for (int i = 0; i < 20; ++i) square += (double(e(i)) - mean) * (double(e(i)) - mean) / 20;
  for (int i = 0; i < 20; ++i)
    for (int j = 0; j < 40; ++j) above += other(j) > e(i) ? 1.0 / 800 : 0;
  CHECK_THAT(last["energy_validation"], Catch::Matchers::WithinRel(mean, 1e-12));
  CHECK_THAT(last["energy_validation_deviation"],
             Catch::Matchers::WithinRel(std::sqrt(square), 1e-12));
  CHECK_THAT(last["auroc_others"], Catch::Matchers::WithinRel(above, 1e-12));
  CHECK(last["temperature"] == trainer.options().objective.sampler.effective_temperature());
  CHECK_THROWS_WITH(basin::run::Validation(trainer, basin::test::uniform_points(0, 3)),
                    "basin::run::Validation: validation has 0 rows, must have at least 1");
}

TEST_CASE("a run that diverges goes back to its files, and so does a resumed one", "[run][fit]") {
  TemporaryFolder const folder;
  auto const diverging = [] {
    auto options          = basin::test::small_options<Trainer>(3);
    options.monitor_every = 5;
    options.energy_limit  = 1e-9;  // passed at once
    return Trainer(options, basin::test::uniform_points(150, 3));
  };
  int called = 0;
  basin::run::Hooks<Trainer> hooks;
  hooks.rollbacks = 2;
  hooks.change    = [&](Trainer& t, int attempt) {
    called = attempt;
    t.objective().sampler.steps += 1;
  };
  Trainer trainer = diverging();
  CHECK_THROWS_AS(basin::run::fit(trainer, in(folder, 20), hooks), basin::train::Divergence);
  CHECK(called == 2);
  called         = 0;
  Trainer second = diverging();
  CHECK_THROWS_AS(basin::run::fit(second, in(folder, 20, true), hooks), basin::train::Divergence);
  CHECK(called == 2);  // the changes of the run before, and no further attempt
  CHECK(second.options().objective.sampler.steps == 5);
  Trainer third     = diverging();
  auto const before = contents(third.parameters());
  CHECK_THROWS_WITH(
      basin::run::fit(third, in(folder, 20, true)),
      EndsWith("changed by 2 rollbacks, and there is no Hooks::change to do so again"));
  CHECK(contents(third.parameters()) == before);
}

TEST_CASE("images and histograms of a report go to the event file of the run", "[run][fit]") {
  TemporaryFolder const folder;
  Trainer trainer = make_trainer();
  basin::run::Hooks<Trainer> hooks;
  hooks.events = [](basin::io::EventFile& events, basin::train::Metrics const& m) {
    events.histogram("histogram of the test", m.step, {1, 2, 3}, 3);
  };
  basin::run::fit(trainer, in(folder, 10), hooks);
  int found = 0;
  for (auto const& entry : std::filesystem::directory_iterator(folder / "run")) {
    std::string const name = entry.path().filename();
    if (!name.starts_with("events.out.tfevents.")) continue;
    std::string const bytes = basin::test::read_file(entry.path());
    for (std::size_t at = 0; (at = bytes.find("histogram of the test", at)) != std::string::npos;
         ++at)
      ++found;
  }
  CHECK(found == 2);  // at steps 5 and 10
}

}  // namespace
