// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/context.hpp>
#include <basin/tile/tuning.hpp>

#include <Kokkos_Core.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::tile::default_tuning;
using basin::tile::Tuning;

template <class E>
constexpr bool on_host = Kokkos::SpaceAccessibility<E, Kokkos::HostSpace>::accessible;

// What Context and Pack ask of a tuning.
constexpr bool is_sound(Tuning t) {
  bool const power_of_two = t.lanes > 0 && (t.lanes & (t.lanes - 1)) == 0;
  return power_of_two && t.rows > 0 && t.vectors > 0 && t.team >= 0 &&
         t.width % (t.lanes * t.vectors) == 0 && basin::tile::max_panel % (2 * t.lanes) == 0;
}

TEMPLATE_TEST_CASE("the tuning of a space can be used in it", "[tile][tuning]", float, double) {
  constexpr Tuning tuning = default_tuning<Exec, TestType>();
  STATIC_REQUIRE(is_sound(tuning));
  STATIC_REQUIRE((tuning.team == 0) == on_host<Exec>);

  constexpr Tuning host = default_tuning<Kokkos::DefaultHostExecutionSpace, TestType>();
  STATIC_REQUIRE(is_sound(host));
  STATIC_REQUIRE(host.team == 0);
  // Accumulators of the register block, two packs of x and a broadcast: in 16 registers, or 32.
#if defined(__AVX512F__)
  STATIC_REQUIRE(host.rows * host.vectors + 3 <= 32);
  STATIC_REQUIRE(host.lanes * sizeof(TestType) == 64);
  // A tile that would not fit the second cache is half as wide, with as many accumulators.
  constexpr Tuning narrow = default_tuning<Kokkos::DefaultHostExecutionSpace, TestType, 8193>();
  STATIC_REQUIRE(is_sound(narrow));
  STATIC_REQUIRE(2 * narrow.width == host.width);
  STATIC_REQUIRE(narrow.rows * narrow.vectors == host.rows * host.vectors);
  STATIC_REQUIRE(default_tuning<Kokkos::DefaultHostExecutionSpace, TestType, 8192>().width ==
                 host.width);
#else
  STATIC_REQUIRE(host.rows * host.vectors + 3 <= 16);
  STATIC_REQUIRE(host.lanes * sizeof(TestType) <= 32);
#endif
}

template <Tuning tuning>
constexpr int block = tuning.lanes* tuning.vectors;

TEST_CASE("a tuning is a template argument", "[tile][tuning]") {
  STATIC_REQUIRE(block<Tuning{16, 8, 6, 2, 0}> == 16);
}

}  // namespace
