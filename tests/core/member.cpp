// SPDX-License-Identifier: Apache-2.0
#include <basin/core/member.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {

BASIN_NAMES_MEMBER(NamesStep, step)

struct Function {
  void step() const;
};
struct Overloaded {
  void step();
  void step(int) const;
};
struct Template {
  template <class T>
  void step(T);
};
struct Value {
  static constexpr int step = 1;
};
struct Inherited : Function {};
struct None {
  void steps() const;
};
struct Final final {
  void step() const;
};

TEST_CASE("a member is named whatever its kind and signature", "[core][member]") {
  STATIC_REQUIRE(NamesStep<Function>);
  STATIC_REQUIRE(NamesStep<Overloaded>);
  STATIC_REQUIRE(NamesStep<Template>);
  STATIC_REQUIRE(NamesStep<Value>);
  STATIC_REQUIRE(NamesStep<Inherited>);
  STATIC_REQUIRE(!NamesStep<None>);
  // Of what nothing can inherit, and of what is no class, nothing is known.
  STATIC_REQUIRE(!NamesStep<Final>);
  STATIC_REQUIRE(!NamesStep<int>);
}

}  // namespace
