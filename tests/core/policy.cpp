// SPDX-License-Identifier: Apache-2.0
#include <basin/core/policy.hpp>

#include <catch2/catch_test_macros.hpp>

#include <concepts>

namespace {

struct start_axis {};
struct noise_axis {};
struct clip_axis {};

struct FromData {
  using axis = start_axis;
};
struct Fresh {
  using axis = start_axis;
};
struct Decoupled {
  using axis = noise_axis;
};
struct NoAxis {};

template <class... Policies>
using start = basin::pick<start_axis, Fresh, Policies...>;
template <class... Policies>
using noise = basin::pick<noise_axis, void, Policies...>;

TEST_CASE("a policy is found in any order", "[core][policy]") {
  STATIC_REQUIRE(std::same_as<start<FromData>, FromData>);
  STATIC_REQUIRE(std::same_as<start<FromData, Decoupled>, FromData>);
  STATIC_REQUIRE(std::same_as<start<Decoupled, FromData>, FromData>);
  STATIC_REQUIRE(std::same_as<noise<FromData, Decoupled>, Decoupled>);
  STATIC_REQUIRE(std::same_as<noise<Decoupled, FromData>, Decoupled>);
}

TEST_CASE("a policy that nobody writes has its default", "[core][policy]") {
  STATIC_REQUIRE(std::same_as<start<>, Fresh>);
  STATIC_REQUIRE(std::same_as<start<Decoupled>, Fresh>);
  STATIC_REQUIRE(std::same_as<noise<FromData>, void>);
}

TEST_CASE("policies of an axis are counted, and strangers are seen", "[core][policy]") {
  STATIC_REQUIRE(basin::policies_of<start_axis> == 0);
  STATIC_REQUIRE(basin::policies_of<start_axis, Decoupled> == 0);
  STATIC_REQUIRE(basin::policies_of<start_axis, FromData, Decoupled> == 1);
  STATIC_REQUIRE(basin::policies_of<start_axis, FromData, Decoupled, Fresh> == 2);
  STATIC_REQUIRE(basin::has_axis<FromData, noise_axis, start_axis>);
  STATIC_REQUIRE(!basin::has_axis<FromData, noise_axis, clip_axis>);
  STATIC_REQUIRE(!basin::has_axis<FromData>);
  STATIC_REQUIRE(basin::Policy<FromData>);
  STATIC_REQUIRE(!basin::Policy<NoAxis>);
  STATIC_REQUIRE(!basin::Policy<int>);
}

}  // namespace
