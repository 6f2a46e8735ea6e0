// SPDX-License-Identifier: Apache-2.0
#include <basin/core/field_text.hpp>

#include "support/step_options.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace {

using basin::Field;

struct Ladder {
  std::vector<double> levels{1, 2};  // has no text
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"levels", "x", "of noise"}, self.levels);
  }
};
struct Outer {
  basin::test::StepOptions sampler{};
  Ladder ladder{};
  double clip        = std::numeric_limits<double>::infinity();
  std::uint64_t seed = 1;
  bool loud          = false;
  std::string out    = "here";
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("sampler", self.sampler);
    f.nested("ladder", self.ladder);
    f(Field{"clip", "1", "limit"}, self.clip, basin::range::above(0));
    f(Field{"seed", "1", "of all"}, self.seed);
    f(Field{"loud", "1", "or not"}, self.loud);
    f(Field{"out", "1", "folder"}, self.out);
  }
};

template <class Options>
std::vector<std::string> texts(Options const& options) {
  std::vector<std::string> all;
  basin::each_field(options,
                    [&](std::string const& path, Field const&, auto const& value, auto const&) {
                      all.push_back(path + "=" + basin::field_text(value));
                    });
  return all;
}

TEST_CASE("fields have texts, from which the same values come back", "[core][field]") {
  Outer options;
  CHECK(texts(options) == std::vector<std::string>{"sampler.steps=20", "sampler.step_size=0.1",
                                                   "clip=inf", "seed=1", "loud=false", "out=here"});
  auto const set = [&](char const* path, char const* text) {
    basin::set_field("who", options, path, text);
  };
  set("sampler.steps", "1e4");
  set("sampler.step_size", "0.30000000000000004");
  set("clip", "2");
  set("seed", "18446744073709551615");
  set("loud", "true");
  set("out", "a b");
  CHECK(options.sampler.steps == 10000);
  CHECK(options.sampler.step_size == 0.1 + 0.2);
  CHECK(options.seed == ~std::uint64_t(0));
  CHECK(texts(options) ==
        std::vector<std::string>{"sampler.steps=10000", "sampler.step_size=0.30000000000000004",
                                 "clip=2", "seed=18446744073709551615", "loud=true", "out=a b"});
  set("clip", "inf");
  CHECK(options.clip == std::numeric_limits<double>::infinity());
}

TEST_CASE("what does not exist or does not fit is refused with what may be", "[core][field]") {
  Outer options;
  auto const before  = texts(options);
  auto const refused = [&](char const* path, char const* text, char const* sentence) {
    CHECK_THROWS_WITH(basin::set_field("who", options, path, text), sentence);
    CHECK(texts(options) == before);
  };
  refused("sampler.step", "1",
          "who: there is no option 'sampler.step'; sampler has steps, step_size");
  refused("smapler.steps", "1",
          "who: there is no option 'smapler.steps'; there is sampler, clip, seed, loud, out");
  refused("sampler", "1",
          "who: there is no option 'sampler'; there is sampler, clip, seed, loud, out");
  refused("sampler.steps", "-1", "who: sampler.steps must be >= 0, got -1");
  refused("sampler.steps", "1.5", "who: sampler.steps must be a whole number, got '1.5'");
  refused("sampler.steps", "1e10", "who: sampler.steps must be a whole number, got '1e10'");
  refused("sampler.step_size", "inf", "who: sampler.step_size must be > 0 and finite, got inf");
  refused("sampler.step_size", "0.1x", "who: sampler.step_size must be a number, got '0.1x'");
  refused("seed", "-1", "who: seed must be a whole number >= 0, got '-1'");
  refused("loud", "yes", "who: loud must be true or false, got 'yes'");
}

}  // namespace
