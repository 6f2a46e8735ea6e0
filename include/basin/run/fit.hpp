// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_FIT_HPP
#define BASIN_RUN_FIT_HPP

#include <basin/core/check.hpp>
#include <basin/run/describe.hpp>
#include <basin/run/detail/cadence.hpp>
#include <basin/run/detail/shared.hpp>
#include <basin/run/folder.hpp>
#include <basin/run/kept.hpp>
#include <basin/run/metrics_files.hpp>
#include <basin/run/options.hpp>
#include <basin/run/stop_signals.hpp>
#include <basin/train/monitor.hpp>
#include <basin/train/options.hpp>
#include <basin/train/progress.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace basin::run {

/// What a program adds to a run. With several ranks, see train::Slices, 'measure' and 'change' are called on
/// all of them, the others on rank 0.
template <class Trainer>
struct Hooks {
  std::FILE* progress = nullptr;  ///< a line at each report and at what happens, for example stderr
  /// Adds entries to the metrics of a report, for example a Validation.
  std::function<void(train::Metrics&)> measure{};
  std::function<void(train::Metrics const&)> report{};     ///< after 'measure'
  std::function<bool(train::Metrics const&)> stop_when{};  ///< true ends the run
  /// Adds images and histograms to TensorBoard's file, after each report.
  std::function<void(io::EventFile&, train::Metrics const&)> events{};
  std::atomic<int> const* stop =
      nullptr;  ///< not 0: ends the run; null: signals do, see StopSignals
  /// Called after the rollback to the last checkpoint when the run diverges, with its number from 1 on,
  /// as of train::Rollback; empty: the error is passed on. A resumed run calls it again for each, and is
  /// refused without it if there were some.
  std::function<void(Trainer&, int)> change{};
  int rollbacks                  = 3;  ///< after which the error is passed on
  nlohmann::ordered_json process = describe_process(0, nullptr);  ///< for run.json
  /// Objects of the program that are kept in each checkpoint, as Kept::constant or Kept::state: the
  /// normalization of the data, for example.
  std::vector<Kept> keep{};
};

namespace detail {

// What of a run is not the trainer's, and lasts with it.
struct Watch {
  double best             = std::numeric_limits<double>::quiet_NaN();
  std::uint64_t best_step = 0, waited = 0, rollbacks = 0;

  template <Archive A>
  void archive(A& a) {
    a("best", best);
    a("best_step", best_step);
    a("waited", waited);
    a("rollbacks", rollbacks);
  }
  bool improves(double value, bool largest) const {
    return std::isnan(best) ? !std::isnan(value) : largest ? value > best : value < best;
  }
};

// What must be the same for a checkpoint to fit: slices, and types, which shapes alone do not tell apart.
inline void check_same_run(std::filesystem::path const& path, std::string const& saved,
                           nlohmann::ordered_json const& now, int slices) {
  auto const all  = nlohmann::ordered_json::parse(saved, nullptr, false);
  auto const was  = nlohmann::ordered_json::json_pointer("/options/slices/count");
  int const count = all.is_object() && all.contains(was) ? all[was].get<int>() : 1;
  if (count != slices)
    refuse("basin::run::fit", path, " is of a run of ", count, " slices, this program's has ",
           slices, "; write slices.count = ", count, ", for any number of ranks up to it");
  for (char const* const key : {"energy", "objective", "optimizer"}) {
    std::string const before = described(saved, key);
    if (before != now.at(key).get<std::string>())
      refuse("basin::run::fit", "the ", key, " of ", path, " is ", before, ", this program's is ",
             now.at(key).get<std::string>());
  }
}

}  // namespace detail

/// Trainer::fit for runs that last: keeps checkpoints, metrics and what ran in a folder, resumes, and
/// ends in order at a signal or a time limit.
///
/// With several ranks rank 0 alone writes, and all read: who resumes may have another number of them. A
/// signal that reaches any of them, and rank 0's clock, end all at the same step.
///
/// In the folder: checkpoint-<step>.h5, best.h5, metrics.jsonl, metrics.csv, events.out.tfevents.* for
/// TensorBoard, and run.json with options, types, command and machine. Whoever resumes with the same
/// options gets the bits of the run that was not interrupted.
///
/// \throws std::invalid_argument if an option does not fit, the folder has a run that is not to be
///         resumed, or a checkpoint is of another model or has other constants of the program; the
///         trainer and all kept objects are then unchanged
/// \throws std::runtime_error if the folder cannot be written or is in use
/// \throws train::Divergence after the last rollback
template <class Trainer>
Ending fit(Trainer& trainer, Options const& options,
           Hooks<std::type_identity_t<Trainer>> const& hooks = {}) {
  char const* who = "basin::run::fit";
  options.check();
  detail::check_names(hooks.keep);
  auto const end = static_cast<std::uint64_t>(options.steps);

  detail::Shared const shared(trainer.options().slices.ranks);
  std::optional<Folder> folder;  // on rank 0
  shared.on_first([&] { folder.emplace(options.out, options.keep); });
  std::FILE* const log = shared.is_first() ? hooks.progress : nullptr;
  detail::Watch watch;
  auto const load = [&](std::uint64_t step, io::Checkpoint const& checkpoint) {
    std::string const path = Folder::checkpoint_in(options.out, step);
    shared.all_or_none([&] {
      detail::check_same_run(path, checkpoint.description, describe(trainer),
                             trainer.options().slices.count);
      // All are checked before the first is loaded: whichever is refused, all stay whole.
      for (Kept const& kept : hooks.keep) kept.check(path, checkpoint.archive);
      detail::check_all_kept(path, checkpoint.archive, hooks.keep);
      checkpoint.archive.check("run", trainer);
      detail::Watch was;
      checkpoint.archive.load("watch", was);
      if (was.rollbacks > 0 && !hooks.change)
        refuse(who, "'", path, "' is of a run that was changed by ", was.rollbacks,
               " rollbacks, and there is no Hooks::change to do so again");
    });
    checkpoint.archive.load("watch", watch);
    for (Kept const& kept : hooks.keep) kept.load(checkpoint.archive);
    checkpoint.archive.load("run", trainer);
  };
  auto const newest = [&] { return detail::newest(shared, folder, options.out, log, trainer); };
  if (options.resume) {
    if (auto const last = newest()) {
      load(last->first, last->second);
      for (std::uint64_t i = 1; i <= watch.rollbacks && hooks.change; ++i)
        hooks.change(trainer, static_cast<int>(i));
      if (log)
        std::fprintf(log, "resumes '%s' at step %llu\n", options.out.c_str(),
                     static_cast<unsigned long long>(trainer.steps_taken()));
    }
  } else {
    shared.on_first([&] { folder->check_new(who); });
  }

  std::optional<MetricsFiles> files;  // on rank 0
  shared.on_first([&] {
    nlohmann::ordered_json about = describe(trainer);
    about["run"]                 = options_json(options);
    about["process"]             = hooks.process;
    about["ranks"]               = shared.count();
    folder->write_description(about.dump(2) + "\n");
    files.emplace(folder->path(), trainer.steps_taken());
  });

  auto const archive = [&] {
    MemoryArchive all;
    all.save("run", trainer);
    all.save("watch", watch);
    for (Kept const& kept : hooks.keep) kept.save(all);
    return shared.gathered(std::move(all));
  };
  detail::Cadence cadence(options, trainer.steps_taken());
  auto const save = [&] {
    MemoryArchive const all = archive();
    shared.on_first([&] { folder->save(trainer.steps_taken(), all, describe(trainer).dump()); });
    cadence.set_saved(trainer.steps_taken());
  };
  if (cadence.saved() == 0) save();  // so that a run that is killed early can be resumed too

  auto const has_patience = [&] {
    return options.patience == 0 || watch.waited < static_cast<std::uint64_t>(options.patience);
  };
  bool early = !has_patience();
  train::FitOptions part{.stop = hooks.stop};
  part.report = [&](train::Metrics const& trained) {
    train::Metrics m = trained;
    if constexpr (requires { trainer.options().objective.sampler.effective_temperature(); })
      m.add({"temperature", "1", "of the chains, by the options of the sampler"},
            trainer.options().objective.sampler.effective_temperature());
    shared.all_or_none([&] {
      if (hooks.measure) hooks.measure(m);
    });
    bool has_improved = false;
    shared.on_first([&] {
      (*files)(m);
      if (hooks.events) hooks.events(files->events(), m);
      if (hooks.report) hooks.report(m);
      has_improved =
          !options.best.empty() && watch.improves(m[options.best], options.best_is_largest);
      early = hooks.stop_when && hooks.stop_when(m);
    });
    if (!options.best.empty()) {
      if (shared.any(has_improved)) {
        watch.best = m[options.best], watch.best_step = m.step, watch.waited = 0;
        MemoryArchive const all = archive();
        shared.on_first(
            [&] { io::write_checkpoint(folder->best(), all, describe(trainer).dump()); });
      } else {
        ++watch.waited;
      }
    }
    early = shared.any(early) || !has_patience();
    if (log) train::print_progress(log, m, end, early || m.step == end);
    if (shared.any(shared.is_first() && cadence.is_due(m.step)) || m.step == end) save();
  };
  part.stop_when = [&](train::Metrics const&) { return early; };
  std::optional<StopSignals> signals;
  if (part.stop == nullptr) {
    signals.emplace();
    part.stop = &StopSignals::flag();
  }
  while (!early && trainer.steps_taken() < end) {
    part.steps   = static_cast<long>(end - trainer.steps_taken());
    part.seconds = std::max(0.0, options.time_limit - cadence.seconds());
    try {
      trainer.fit(part);
      break;
    } catch (train::Divergence const& error) {
      if (!hooks.change || watch.rollbacks >= static_cast<std::uint64_t>(hooks.rollbacks)) throw;
      std::uint64_t const rollbacks = watch.rollbacks + 1;
      auto const last               = newest();
      load(last->first, last->second);
      watch.rollbacks = rollbacks;
      shared.on_first([&] { files->cut(trainer.steps_taken()); });
      if (log)
        std::fprintf(log, "\n%s Rollback %llu to step %llu.\n", error.what(),
                     static_cast<unsigned long long>(rollbacks),
                     static_cast<unsigned long long>(trainer.steps_taken()));
      hooks.change(trainer, static_cast<int>(rollbacks));
      save();  // the change is part of the run
    }
  }
  if (trainer.steps_taken() != cadence.saved()) save();
  if (trainer.steps_taken() >= end) return Ending::complete;
  if (early) return Ending::early;
  return shared.any(part.stop->load() != 0) ? Ending::signaled : Ending::out_of_time;
}

}  // namespace basin::run

#endif
