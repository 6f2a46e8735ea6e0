// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/network.hpp>
#include <basin/layer/dropout.hpp>
#include <basin/layer/gelu.hpp>
#include <basin/layer/scale.hpp>
#include <basin/layer/silu.hpp>

#include "support/ask_all.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Vector;
using basin::energy::Network;
using basin::layer::Dense;
using basin::layer::Dropout;
using basin::layer::Gelu;
using basin::layer::Scale;
using basin::layer::Silu;
using basin::tile::Tuning;
using namespace basin::test;
using Half = Scale<std::ratio<1, 2>>;

// In double a shorter one, for the compiler's sake.
using Awkward =
    Network<float, Vector<5>, Half, Dense<13>, Silu, Dropout<>, Dense<3>, Gelu, Dense<1>>;
using AwkwardDouble = Network<double, Vector<5>, Dense<7>, Silu, Dense<1>>;

TEST_CASE("energies and gradients have the same bits in every tuning", "[energy][network]") {
  auto const theta   = parameters_of<Awkward>(1);
  auto const results = run_in_few_tunings<Exec, float>(
      [&]<Tuning tuning>() { return ask_all<Exec, Awkward, tuning>(theta); });
  CHECK(tunings_that_differ(results) == 0);
}

TEST_CASE("energies and gradients in double have the same bits in every tuning",
          "[energy][network]") {
  auto const theta   = parameters_of<AwkwardDouble>(1);
  auto const results = run_in_few_tunings<Exec, double>(
      [&]<Tuning tuning>() { return ask_all<Exec, AwkwardDouble, tuning>(theta); });
  CHECK(tunings_that_differ(results) == 0);
}

}  // namespace
