// SPDX-License-Identifier: Apache-2.0
#include <basin/run/command_line.hpp>

#include "support/step_options.hpp"
#include "support/temporary_folder.hpp"
#include "support/writer.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <iostream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace {

using basin::Field;
using basin::run::CommandLine;
using basin::run::read_config;
using basin::test::TemporaryFolder;
using basin::test::write_file;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

struct Model {
  basin::test::StepOptions sampler{};
  double clip_norm = std::numeric_limits<double>::infinity();
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("sampler", self.sampler);
    f(Field{"clip_norm", "E / theta", "largest gradient"}, self.clip_norm, basin::range::above(0));
  }
};
struct Program {
  std::string out = "out";
  bool resume     = false;
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"out", "1", "folder"}, self.out);
    f(Field{"resume", "1", "continue"}, self.resume);
  }
};

struct Parsed {
  Model model;
  Program program;
  bool goes_on;
  int status;
  std::string out, err;
};

// What std::cout and stderr show while it lives.
Parsed parse(std::vector<std::string> const& words) {
  Parsed result{};
  CommandLine line("A program.");
  line.add(result.program);
  line.add(result.model);
  std::vector<char const*> argv{"program"};
  for (std::string const& word : words) argv.push_back(word.c_str());
  std::ostringstream out, err;
  auto* const cout = std::cout.rdbuf(out.rdbuf());
  auto* const cerr = std::cerr.rdbuf(err.rdbuf());
  result.goes_on   = line.parse(static_cast<int>(argv.size()), argv.data());
  std::cout.rdbuf(cout);
  std::cerr.rdbuf(cerr);
  result.status = line.status();
  result.out    = out.str();
  result.err    = err.str();
  return result;
}

TEST_CASE("the command line is over the config file is over the defaults", "[run][command_line]") {
  TemporaryFolder const folder;
  write_file(folder / "c.toml",
             "clip_norm = 2\nout = \"there\"\n[sampler]\nsteps = 1_000\nstep_size = inf\n");
  auto const bad = parse({"--config", folder / "c.toml"});
  CHECK_FALSE(bad.goes_on);  // a value of the file out of its range
  CHECK(bad.status == 2);
  CHECK(bad.err == (folder / "c.toml") + ": sampler.step_size must be > 0 and finite, got inf\n");
  auto const a = parse({"--config", folder / "c.toml", "--sampler.step_size", "0.5"});
  CHECK_FALSE(a.goes_on);
  write_file(folder / "c.toml", "clip_norm = 2\nout = \"there\"\nsampler.steps = 1_000\n");
  auto const b = parse({"--sampler.steps", "7", "--config", folder / "c.toml", "--resume"});
  CHECK(b.goes_on);
  CHECK(b.model.sampler.steps == 7);
  CHECK(b.model.clip_norm == 2);
  CHECK(b.model.sampler.step_size == 0.1);
  CHECK(b.program.out == "there");
  CHECK(b.program.resume);
  write_file(folder / "c.json",
             "{\"clip_norm\": \"inf\", \"resume\": true, \"sampler\": {\"step_size\": 0.25}}");
  auto const c = parse({"--config", folder / "c.json", "--resume=false"});
  CHECK(c.goes_on);
  CHECK(c.model.sampler.step_size == 0.25);
  CHECK_FALSE(c.program.resume);
}

TEST_CASE("help names each option with unit, range, default and meaning", "[run][command_line]") {
  auto const help = parse({"--help"});
  CHECK_FALSE(help.goes_on);
  CHECK(help.status == 0);
  CHECK_THAT(help.out, ContainsSubstring("--sampler.step_size [x^2]=0.1") &&
                           ContainsSubstring("of a step; > 0 and finite") &&
                           ContainsSubstring("--clip_norm [E / theta]=inf") &&
                           ContainsSubstring("--out=out") &&
                           ContainsSubstring("continue; default false") &&
                           ContainsSubstring("--config FILE"));
}

TEST_CASE("unknown flags and entries are refused", "[run][command_line]") {
  TemporaryFolder const folder;
  write_file(folder / "c.toml", "sampler.step = 7\n");
  auto const entry = parse({"--config", folder / "c.toml"});
  CHECK_FALSE(entry.goes_on);
  CHECK(entry.err == (folder / "c.toml") +
                         ": there is no option 'sampler.step'; sampler has steps, step_size\n");
  auto const bad = parse({"--sampler.step", "7"});
  CHECK_FALSE(bad.goes_on);
  CHECK(bad.status == 2);
  CHECK_THAT(bad.err + bad.out, ContainsSubstring("--sampler.step"));
}

TEST_CASE("a config file that is none is refused by name", "[run][config_file]") {
  TemporaryFolder const folder;
  auto const refused = [&](char const* name, char const* text, char const* sentence) {
    write_file(folder / name, text);
    CHECK_THROWS_WITH(read_config(folder / name),
                      StartsWith("basin::run::read_config: '" + (folder / name) + "' " + sentence));
  };
  refused("a.toml", "steps = = 3\n", "is no TOML: ");
  refused("a.toml", "steps = [1, 2]\n", "has an array or a date at 'steps'; an option is");
  refused("a.json", "{\"sampler\": {\"steps\": null}}", "has an array or null at 'sampler.steps'");
  refused("a.json", "[1]", "is no JSON object");
  refused("a.json", "{", "is no JSON: ");
  CHECK_THROWS_WITH(read_config(folder / "none.toml"),
                    "basin::run::read_config: '" + (folder / "none.toml") +
                        "' cannot be read: No such file or directory");
}

}  // namespace
