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

// What Context and Simd ask of a tuning.
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
  // Accumulators of the register block, two vectors of x and a broadcast: in 16 registers, or 32.
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

// Of a tuning and those that are made of it: matrix units take 8 chains or more, in vectors of two or
// more; a tile of jets takes no more memory than one of values.
constexpr bool are_sound(Tuning t) {
  using basin::tile::Precision;
  using basin::tile::Strategy;
  bool sound = is_sound(t) && is_sound(basin::tile::narrow_tuning(t));
  for (int order : {1, 2}) {
    Tuning const jets = basin::tile::jet_tuning(t, order);
    sound             = sound && is_sound(jets) &&
            (jets.strategy == Strategy::layerwise || jets.width * (order + 1) <= t.width ||
             t.team == 0);
  }
  for (Precision p : {Precision::tf32, Precision::bf16}) {
    Tuning const reduced = basin::tile::with_precision(t, p);
    Tuning const narrow  = basin::tile::narrow_tuning(reduced);
    bool const on_units  = t.team == 0 || (reduced.lanes > 1 && narrow.lanes > 1 &&
                                          reduced.width % (4 * reduced.lanes) == 0 &&
                                          narrow.width % (4 * narrow.lanes) == 0);
    sound                = sound && is_sound(reduced) && is_sound(narrow) && on_units &&
            is_sound(basin::tile::jet_tuning(reduced, 1)) &&
            is_sound(basin::tile::jet_tuning(reduced, 2));
  }
  return sound;
}

TEST_CASE("a GPU has tiles of as many chains as its near memory holds, down to one",
          "[tile][tuning]") {
  using basin::tile::block_tuning;
  using basin::tile::Strategy;
  STATIC_REQUIRE(are_sound(default_tuning<Exec, float>()));
  constexpr int shared = 64 * 1024, numbers = shared / 4;
  STATIC_REQUIRE(block_tuning<float>(numbers / 16, shared).width == 16);
  STATIC_REQUIRE(block_tuning<float>(numbers / 16 + 1, shared).width == 8);
  STATIC_REQUIRE(block_tuning<float>(numbers / 4, shared).width == 4);
  STATIC_REQUIRE(block_tuning<float>(numbers / 4 + 1, shared).width == 2);
  STATIC_REQUIRE(block_tuning<float>(numbers, shared).width == 1);
  STATIC_REQUIRE(block_tuning<float>(numbers, shared).strategy == Strategy::fused);
  STATIC_REQUIRE(block_tuning<float>(numbers + 1, shared).strategy == Strategy::layerwise);
  // A block that leaves no room for another has twice the threads.
  STATIC_REQUIRE(block_tuning<float>(numbers / 32, shared).team == 256);
  STATIC_REQUIRE(block_tuning<float>(numbers / 32 + 1, shared).team == 512);
  for (int rows : {1, numbers / 16, numbers / 8, numbers / 4, numbers / 2, numbers, numbers + 1}) {
    CAPTURE(rows);
    CHECK(are_sound(block_tuning<float>(rows, shared)));
    CHECK(is_sound(block_tuning<double>(rows, shared)));
  }
}

template <Tuning tuning>
constexpr int block = tuning.lanes * tuning.vectors;

TEST_CASE("a tuning is a template argument", "[tile][tuning]") {
  STATIC_REQUIRE(block<Tuning{16, 8, 6, 2, 0}> == 16);
}

}  // namespace
