// SPDX-License-Identifier: Apache-2.0
// A loop of a program's own that is interrupted and goes on is the loop that was not.
#include <basin/core/philox.hpp>
#include <basin/run/loop.hpp>

#include "support/temporary_folder.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <csignal>
#include <cstdint>
#include <fstream>
#include <string>

namespace {

using basin::run::Ending;
using basin::test::TemporaryFolder;
using Catch::Matchers::ContainsSubstring;

// A walk of chains: its place is a function of all steps.
struct Walk {
  Kokkos::View<double*, Kokkos::HostSpace> chains{"chains", 8};
  std::uint64_t taken    = 0;
  std::uint64_t raise_at = 0;  // that step is followed by SIGTERM

  void step() {
    for (std::size_t i = 0; i < chains.extent(0); ++i)
      chains(i) = 0.9 * chains(i) + basin::unit_uniform<double>(basin::random_word(
                                        {1, basin::Purpose::sampler_noise, taken}, 0, int(i)));
    if (++taken == raise_at) std::raise(SIGTERM);
  }
  std::uint64_t steps_taken() const { return taken; }
  template <basin::Archive A>
  void archive(A& a) {
    a("chains", chains);
    a("taken", taken);
  }
};
struct Program {
  int chains = 8;
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(basin::Field{"chains", "1", "side by side"}, self.chains);
  }
};
struct OtherWalk : Walk {};

basin::run::Options in(TemporaryFolder const& folder, long steps, bool resume = false) {
  return {.steps = steps, .out = folder / "run", .resume = resume, .checkpoint_steps = 7};
}

bool equal(Walk const& a, Walk const& b) {
  bool same = a.taken == b.taken;
  for (std::size_t i = 0; i < a.chains.extent(0); ++i) same = same && a.chains(i) == b.chains(i);
  return same;
}

TEST_CASE("a loop that stops at a signal or a limit and resumes has the bits of one that did not",
          "[run][loop]") {
  TemporaryFolder const folder;
  Walk whole;
  for (int i = 0; i < 40; ++i) whole.step();

  Walk first;
  first.raise_at = 16;
  CHECK(basin::run::loop(first, in(folder, 40)) == Ending::signaled);
  CHECK(first.taken == 16);
  Walk second;
  auto limited       = in(folder, 40, true);
  limited.time_limit = 1e-9;
  CHECK(basin::run::loop(second, limited) == Ending::out_of_time);
  CHECK(second.taken == 17);
  {
    // As after a kill: what came after the last checkpoint is lost, and done again.
    std::filesystem::remove(folder / "run/checkpoint-000000000017.h5");
  }
  Walk third;
  CHECK(basin::run::loop(third, in(folder, 40, true)) == Ending::complete);
  CHECK(equal(third, whole));
  Walk again;
  CHECK(basin::run::loop(again, in(folder, 40, true)) ==
        Ending::complete);  // nothing is left to do
  CHECK(equal(again, whole));
}

TEST_CASE("a loop refuses a folder of another run, work of another type, and a metric",
          "[run][loop]") {
  TemporaryFolder const folder;
  Walk walk;
  Program const program;
  char const* const command[] = {"walk"};
  CHECK(basin::run::loop(walk, in(folder, 10),
                         {.process = basin::run::describe_process(1, command, program)}) ==
        Ending::complete);
  std::ifstream file(folder / "run/run.json");
  auto const about = nlohmann::json::parse(file);
  CHECK(about["process"]["options"]["chains"] == 8);
  CHECK(about["run"]["steps"] == 10);
  CHECK(about["process"].contains("revision"));

  Walk fresh;
  CHECK_THROWS_WITH(basin::run::loop(fresh, in(folder, 20)),
                    ContainsSubstring("has a run that got to step 10; write resume = true"));
  OtherWalk other;
  CHECK_THROWS_WITH(basin::run::loop(other, in(folder, 20, true)),
                    ContainsSubstring("Walk, this program's is") && ContainsSubstring("OtherWalk"));
  CHECK(other.taken == 0);
  auto options = in(folder, 20, true);
  options.best = "energy";
  CHECK_THROWS_WITH(basin::run::loop(fresh, options),
                    ContainsSubstring("best is 'energy', and a loop has no metrics"));
  Walk shorter{.chains = Kokkos::View<double*, Kokkos::HostSpace>("chains", 7)};
  CHECK_THROWS_WITH(basin::run::loop(shorter, in(folder, 20, true)),
                    ContainsSubstring("work/chains"));
  CHECK(shorter.taken == 0);
}

}  // namespace
