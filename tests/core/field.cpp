// SPDX-License-Identifier: Apache-2.0
#include <basin/core/field.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace {

using basin::Field;
using basin::Range;
namespace range = basin::range;

struct Inner {
  int steps = 60;

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"steps", "1", "steps of a call"}, self.steps, range::closed(0, 1 << 20));
  }
  void check() const { basin::check_fields("test::Inner", *this); }
};

struct Nothing {};  // a policy

struct Outer {
  double rate        = 1e-4;
  long every         = 100;
  std::uint64_t seed = 1;
  Inner inner{};
  Nothing policy{};
  bool quick   = false;
  double lower = -std::numeric_limits<double>::infinity();

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"rate", "theta", "size of a step"}, self.rate, range::above(0).finite());
    f(Field{"every", "steps", "between two reports"}, self.every, range::at_least(1));
    f(Field{"seed", "1", "of all draws"}, self.seed);
    f.nested("inner", self.inner);
    f.nested("policy", self.policy);
    f(Field{"quick", "1", "whether to hurry"}, self.quick);
    f(Field{"lower", "x", "bound"}, self.lower);
  }
};
static_assert(basin::describes_all_fields<Inner>);
static_assert(basin::describes_all_fields<Outer>);
static_assert(!basin::HasFields<Nothing>);

struct Forgets {
  double rate = 1, other = 2;
  Inner inner{};
  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"rate", "1", ""}, self.rate);
    f.nested("inner", self.inner);
  }
};
static_assert(!basin::describes_all_fields<Forgets>);

TEST_CASE("ranges hold what they say", "[core][field]") {
  double const infinity = std::numeric_limits<double>::infinity(), none = std::nan("");
  auto const check = [&](Range r, std::string const& text, std::vector<double> inside,
                         std::vector<double> outside) {
    CAPTURE(text);
    CHECK(r.text() == text);
    for (double const x : inside) CHECK(r.contains(x));
    for (double const x : outside) CHECK(!r.contains(x));
  };
  check(range::any, "", {0, -infinity, infinity, none}, {});
  check(range::at_least(0), ">= 0", {0, 1, infinity}, {-1e-300, none});
  check(range::at_least(1e-37).finite(), ">= 1e-37 and finite", {1e-37, 1}, {0, infinity, none});
  check(range::above(0), "> 0", {1e-300, infinity}, {0, -1, none});
  check(range::right_open(0, 1), "in [0, 1)", {0, 0.999}, {1, -0.1, none});
  check(range::left_open(0, 1), "in (0, 1]", {1, 1e-9}, {0, 1.1, none});
  check(range::closed(0, 1), "in [0, 1]", {0, 1}, {-0.1, 1.1, none});
  check(range::any.finite(), "finite", {0, -1e300}, {infinity, -infinity, none});
}

TEST_CASE("options outside of their ranges are refused with name and value", "[core][field]") {
  auto const refused = [](Outer const& options, char const* sentence) {
    CHECK_THROWS_WITH(basin::check_fields("test::Outer", options), sentence);
  };
  CHECK_NOTHROW(basin::check_fields("test::Outer", Outer{}));
  refused({.rate = 0}, "test::Outer: rate must be > 0 and finite, got 0");
  refused({.rate = std::nan("")}, "test::Outer: rate must be > 0 and finite, got nan");
  refused({.every = 0}, "test::Outer: every must be >= 1, got 0");
  refused({.inner = {.steps = -1}}, "test::Inner: steps must be in [0, 1048576], got -1");
}

TEST_CASE("options are listed with their defaults", "[core][field]") {
  auto const rows = basin::describe_fields<Outer>();
  REQUIRE(rows.size() == 6);
  CHECK(rows[0].name == "rate");
  CHECK(rows[0].unit == "theta");
  CHECK(rows[0].range == "> 0 and finite");
  CHECK(rows[0].default_value == "0.0001");
  CHECK(rows[0].help == "size of a step");
  CHECK(rows[2].range.empty());
  CHECK(rows[3].name == "inner.steps");
  CHECK(rows[3].default_value == "60");
  CHECK(rows[4].default_value == "false");
  CHECK(rows[5].default_value == "-inf");
}

}  // namespace
