// SPDX-License-Identifier: Apache-2.0
// A run on several ranks keeps one folder, and goes on with another number of them.
#include <basin/mpi/ranks.hpp>
#include <basin/run/fit.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <fstream>
#include <iterator>
#include <memory>
#include <support/mpi.hpp>
#include <support/temporary_folder.hpp>
#include <support/training.hpp>

namespace {

using Exec    = BASIN_TEST_EXEC;
using Trainer = basin::test::SmallTrainer<Exec>;
using basin::mpi::Ranks;
using basin::run::Ending;
using basin::test::uniform_points;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

Trainer made(Ranks* ranks, int slices = 6) {
  auto options          = basin::test::small_options<Trainer>(3);
  options.monitor_every = 5;
  options.slices        = {.count = slices, .ranks = ranks};
  return Trainer(options, uniform_points(163, 3));
}

// A folder of all ranks, which rank 0 makes and removes.
class SharedFolder {
 public:
  SharedFolder() {
    std::string path;
    if (all_ranks().rank() == 0) {
      mine_ = std::make_unique<basin::test::TemporaryFolder>();
      path  = mine_->path();
    }
    path_ = basin::train::all_gather(all_ranks(), path)[0];
  }
  ~SharedFolder() { (void)all_ranks().any(false); }
  std::filesystem::path path() const { return path_; }

 private:
  std::unique_ptr<basin::test::TemporaryFolder> mine_;
  std::string path_;
};

std::string bytes(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A run on the first R ranks, to step 'steps', resumed if there is one.
void run_on(int R, std::filesystem::path const& folder, long steps) {
  Subset const some(R);
  if (some.holds_this()) {
    Ranks ranks(some.communicator());
    Trainer trainer = made(&ranks);
    CHECK(basin::run::fit(
              trainer, {.steps = steps, .out = folder, .resume = true, .checkpoint_steps = 10}) ==
          Ending::complete);
  }
  (void)all_ranks().any(false);
}

}  // namespace

TEST_CASE("a run that goes on with 1, 2, 3 and 4 ranks has the checkpoints of one that did not") {
  SharedFolder const folder;
  auto const whole = folder.path() / "whole", parts = folder.path() / "parts";
  run_on(1, whole, 50);
  int const ranks[] = {4, 3, 1, 2, 4};
  for (int i = 0; i < 5; ++i) run_on(ranks[i], parts, 10 * (i + 1));
  for (char const* const name : {"checkpoint-000000000040.h5", "checkpoint-000000000050.h5"}) {
    CHECK(bytes(whole / name).size() > 1000);
    CHECK(bytes(whole / name) == bytes(parts / name));
  }
}

TEST_CASE(
    "a signal that reaches one rank ends all at the same step, and so does rank 0's decision") {
  SharedFolder const folder;
  Ranks& ranks = all_ranks();
  std::atomic<int> stop{0};
  Trainer trainer = made(&ranks);
  int reports     = 0;
  auto const end  = basin::run::fit(trainer, {.steps = 1000, .out = folder.path() / "signal"},
                                    {.measure =
                                         [&](basin::train::Metrics const&) {
                                          if (++reports == 3 && ranks.rank() == 2) stop = 15;
                                        },
                                     .stop = &stop});
  CHECK(end == Ending::signaled);
  CHECK(trainer.steps_taken() == 16);  // after the step at hand
  CHECK(std::filesystem::exists(folder.path() / "signal" / "checkpoint-000000000016.h5"));

  int reported  = 0;
  Trainer other = made(&ranks);
  CHECK(basin::run::fit(other, {.steps = 1000, .out = folder.path() / "first"},
                        {.stop_when = [&](basin::train::Metrics const&) {
                          return ++reported == 2;
                        }}) == Ending::early);
  CHECK(other.steps_taken() == 10);
  CHECK(reported == (ranks.rank() == 0 ? 2 : 0));
}

TEST_CASE("what is wrong with the folder of a run is said on all ranks") {
  SharedFolder const folder;
  Ranks& ranks         = all_ranks();
  auto const out       = folder.path() / "run";
  auto const fitted_by = [&](int slices, bool resume) {
    Trainer trainer = made(&ranks, slices);
    return thrown_by(
        [&] { (void)basin::run::fit(trainer, {.steps = 5, .out = out, .resume = resume}); });
  };
  CHECK(fitted_by(6, false).empty());
  std::string const sentence =
      "has a run that got to step 5; write resume = true to continue it, or another folder";
  CHECK_THAT(fitted_by(6, false), EndsWith(sentence));
  CHECK_THAT(fitted_by(5, true),
             ContainsSubstring(
                 "is of a run of 6 slices, this program's has 5; write slices.count = 6, for "
                 "any number of ranks up to it"));
}
