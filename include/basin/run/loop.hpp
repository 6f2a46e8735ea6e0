// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_RUN_LOOP_HPP
#define BASIN_RUN_LOOP_HPP

#include <basin/core/archive.hpp>
#include <basin/core/check.hpp>
#include <basin/run/describe.hpp>
#include <basin/run/detail/cadence.hpp>
#include <basin/run/folder.hpp>
#include <basin/run/options.hpp>
#include <basin/run/stop_signals.hpp>

#include <nlohmann/json.hpp>

#include <atomic>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace basin::run {

namespace detail {

struct AnyArchive {
  static constexpr bool loads = false;
  template <class T>
  void operator()(std::string_view name, T&& thing);
};

}  // namespace detail

/// What run::loop repeats: a sampling, or a training that calls Trainer::gradient and update itself.
template <class Work>
concept Repeatable = requires(Work& work, detail::AnyArchive& archive) {
  work.step();
  { work.steps_taken() } -> std::convertible_to<std::uint64_t>;
  work.archive(archive);
};

/// What a program adds to a loop.
struct LoopHooks {
  std::FILE* progress = nullptr;  ///< a line when it resumes, for example stderr
  std::atomic<int> const* stop =
      nullptr;  ///< not 0: ends the run; null: signals do, see StopSignals
  nlohmann::ordered_json process = describe_process(0, nullptr);  ///< for run.json
};

/// Calls work.step() until steps_taken() is options.steps, and keeps it in a folder as run::fit keeps a
/// training: checkpoints of work.archive at the cadence of the options and at the end, resume, a lock, an
/// end in order at a signal or the time limit, run.json. A checkpoint is taken between two steps; what
/// steps enqueue on a device must be of the default execution space, or fenced.
///
/// \param work  steps_taken() is that of a new one; set by its archive where the run resumes
/// \throws std::invalid_argument if an option does not fit, the folder has a run that is not to be
///         resumed, or a checkpoint is of other work or other shapes
/// \throws std::runtime_error if the folder cannot be written or is in use
template <class Work>
Ending loop(Work& work, Options const& options, LoopHooks const& hooks = {}) {
  static_assert(
      Repeatable<Work>,
      "basin::run::loop: the work lacks step(), steps_taken() or archive(a); write for "
      "example template <basin::Archive A> void archive(A& a) { a(\"chains\", chains); }.");
  char const* who = "basin::run::loop";
  options.check();
  if (!options.best.empty())
    refuse(who, "best is '", options.best, "', and a loop has no metrics; leave it empty");
  auto const end = static_cast<std::uint64_t>(options.steps);

  Folder const folder(options.out, options.keep);
  std::string const type = type_text<Work>();
  if (options.resume) {
    if (auto const newest = folder.newest(hooks.progress)) {
      std::string const before = described(newest->second.description, "work");
      if (before != type)
        refuse(who, "the work of ", folder.checkpoint(newest->first), " is ", before,
               ", this program's is ", type);
      newest->second.archive.load("work", work);
      if (hooks.progress)
        std::fprintf(hooks.progress, "resumes '%s' at step %llu\n", options.out.c_str(),
                     static_cast<unsigned long long>(work.steps_taken()));
    }
  } else {
    folder.check_new(who);
  }
  nlohmann::ordered_json const about{{"basin", version_text()},
                                     {"work", type},
                                     {"run", options_json(options)},
                                     {"process", hooks.process}};
  folder.write_description(about.dump(2) + "\n");

  detail::Cadence cadence(options, work.steps_taken());
  auto const save = [&] {
    MemoryArchive all;
    all.save("work", work);
    cadence.set_saved(work.steps_taken());
    folder.save(work.steps_taken(), all, about.dump());
  };
  std::optional<StopSignals> signals;
  std::atomic<int> const* stop = hooks.stop;
  if (stop == nullptr) {
    signals.emplace();
    stop = &StopSignals::flag();
  }
  bool out_of_time = false;
  while (work.steps_taken() < end && stop->load() == 0 && !out_of_time) {
    work.step();
    out_of_time = cadence.seconds() >= options.time_limit;
    if (cadence.is_due(work.steps_taken())) save();
  }
  if (work.steps_taken() != cadence.saved()) save();
  return work.steps_taken() >= end ? Ending::complete
         : out_of_time             ? Ending::out_of_time
                                   : Ending::signaled;
}

}  // namespace basin::run

#endif
