// SPDX-License-Identifier: Apache-2.0
// Between its bounds lies the log Z of an energy whose normalizer is known.
#include <basin/sampler/log_partition.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cmath>
#include <numbers>

namespace {

using Exec   = BASIN_TEST_EXEC;
using Energy = basin::energy::Quadratic<double, 2>;
using Rows   = Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace>;
using basin::sampler::log_partition;

// Of E = 4 |x|^2 / 2 in two dimensions.
double const exact = std::log(2 * std::numbers::pi / 4);

TEST_CASE("log Z lies within the errors of its bounds, from exact draws and from chains",
          "[sampler][log_partition]") {
  Energy const energy{{.stiffness = 4}};
  // A lattice of quantiles: by the symmetry of E they have its law to first and second order.
  Rows const draws("draws", 64, 2);
  for (int n = 0; n < 64; ++n) {
    double const radius = std::sqrt(-2 * std::log((n / 8 + 0.5) / 8) / 4),
                 angle  = 2 * std::numbers::pi * (n % 8) / 8;
    draws(n, 0)         = radius * std::cos(angle);
    draws(n, 1)         = radius * std::sin(angle);
  }
  basin::sampler::LogPartition const options{
      .chains = 512, .rungs = 100, .settling = 20, .deviation = 1, .trajectory_length = 0.8};
  for (Rows const& starts : {draws, Rows("none", 0, 2)}) {
    auto const log_z = log_partition(Exec(), options, energy, starts, 1);
    CHECK(std::abs(log_z.below.value - exact) < 5 * log_z.below.standard_error);
    CHECK(std::abs(log_z.above.value - exact) < 5 * log_z.above.standard_error);
    CHECK(log_z.below.standard_error < 0.05);
    CHECK(log_z.above.standard_error < 0.05);
  }
}

TEST_CASE("log Z is a function of the seed, and of the starts on the way back alone",
          "[sampler][log_partition]") {
  Energy const energy{{.stiffness = 4}};
  basin::sampler::LogPartition const options{.chains = 40, .rungs = 5, .settling = 0};
  Rows const at_rest("at rest", 1, 2), none("none", 0, 2);
  auto const first   = log_partition(Exec(), options, energy, none, 7),
             same    = log_partition(Exec(), options, energy, none, 7),
             other   = log_partition(Exec(), options, energy, none, 8),
             given   = log_partition(Exec(), options, energy, at_rest, 7);
  auto settling      = options;
  settling.settling  = 5;
  auto const settled = log_partition(Exec(), settling, energy, at_rest, 7);
  CHECK(settled.below.value == given.below.value);
  CHECK(settled.above.value != given.above.value);
  CHECK(first.below.value == same.below.value);
  CHECK(first.above.value == same.above.value);
  CHECK(first.below.value != other.below.value);
  CHECK(first.below.value == given.below.value);
  CHECK(first.above.value != given.above.value);
}

TEST_CASE("log Z refuses options and starts that do not fit", "[sampler][log_partition]") {
  using Catch::Matchers::ContainsSubstring;
  Energy const energy{{.stiffness = 4}};
  CHECK_THROWS_WITH(log_partition(Exec(), {.chains = 1}, energy, Rows("none", 0, 2), 1),
                    ContainsSubstring("chains must be >= 2, got 1"));
  CHECK_THROWS_WITH(log_partition(Exec(), {}, energy, Rows("starts", 4, 3), 1),
                    ContainsSubstring("starts has second extent 3, the energy has dimension 2"));
}

}  // namespace
