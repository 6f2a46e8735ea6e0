// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/pack.hpp>
#include <basin/layer/dropout.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/tanh.hpp>

#include "support/packed.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Vector;
using basin::energy::Network;
using namespace basin::layer;
using namespace basin::test;
namespace tile = basin::tile;
using tile::Tuning;

using Vectors  = Network<float, Vector<5>, Dense<19>, Silu, Dropout<>, Dense<33>, Tanh, Dense<1>>;
using InDouble = Network<double, Vector<5>, Dense<7>, Silu, Dense<1>>;

// (Networks of images: pack_images.cpp.)
TEST_CASE("an energy with packed weights has the bits of one without", "[energy][pack]") {
  check_packed<Exec, Vectors, in_tiles<Exec>>();
  check_packed<Exec, InDouble, in_phases<Exec>>();
}

TEST_CASE("blocks of 3 rows do not read packed weights", "[energy][pack]") {
  if constexpr (is_host<Exec>)
    check_packed<Exec, InDouble, Tuning{8, 1, 3, 2, 2}>();
  else
    check_packed<Exec, InDouble, Tuning{8, 1, 3, 2, 64, tile::shared_memory<Exec>()}>();
}

TEST_CASE("copies are worth making on GPUs alone", "[energy][pack]") {
  constexpr Tuning tuning{16, 4, 4, 1, 64, tile::shared_memory<Exec>()};
  constexpr int together = basin::energy::packed_numbers<Vectors, tuning, Exec>();
  constexpr int phases   = basin::energy::packed_numbers<Vectors, layerwise(tuning), Exec>();
  STATIC_REQUIRE(together == 0);  // they fit the memory of a team
  if (is_host<Exec>) CHECK(phases == 0);
}

}  // namespace
