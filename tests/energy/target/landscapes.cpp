// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/target/ackley.hpp>
#include <basin/energy/target/double_well.hpp>
#include <basin/energy/target/rastrigin.hpp>

#include "energy/target/check.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <numbers>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
namespace target = basin::energy::target;
using Catch::Matchers::WithinAbs;

TEST_CASE("a double well has two wells and a barrier", "[energy][target][double_well]") {
  target::DoubleWell<double, 2> const well{{.barrier = 3, .stiffness = 2}};
  auto const e = energies_of<Exec>(well, {1, 0, -1, 0, 0, 0, 2, 1});
  CHECK(e == std::vector<double>{0, 0, 3, 28});
  CHECK(gradient_error<Exec>(well, numbers(2 * 20, 1, 2)) < tolerance);
  CHECK_THAT(log_integral<Exec>(well, 7, 400), WithinAbs(well.formula.log_partition(), 1e-12));
  CHECK(well.formula.variance(1) == 0.5);
  // Of a low barrier the quartic is left: <x^2> near sqrt(1 / h) Gamma(3/4) / Gamma(1/4), to sqrt h.
  target::DoubleWell<double> const flat{{.barrier = 1e-8}};
  CHECK_THAT(flat.formula.variance(0) * 1e-4,
             WithinAbs(std::tgamma(0.75) / std::tgamma(0.25), 1e-3));
}

TEST_CASE("Rastrigin's function is separable, with minima near integers",
          "[energy][target][rastrigin]") {
  target::Rastrigin<double, 2> const waves{{.amplitude = 3}};
  CHECK_THAT(energies_of<Exec>(waves, {0, 0})[0], WithinAbs(0, 1e-15));
  CHECK_THAT(energies_of<Exec>(waves, {0.5, 2})[0], WithinAbs(0.25 + 6 + 4, 1e-14));
  CHECK(gradient_error<Exec>(waves, numbers(2 * 20, 2, 3)) < tolerance);
  CHECK_THAT(log_integral<Exec>(waves, 7, 500), WithinAbs(waves.formula.log_partition(), 1e-12));
  // Without waves it is N(0, 1/2).
  target::Rastrigin<double, 2> const plain{{.amplitude = 0}};
  CHECK_THAT(plain.formula.log_partition(), WithinAbs(std::log(std::numbers::pi), 1e-14));
  CHECK_THAT(plain.formula.variance(0), WithinAbs(0.5, 1e-14));
}

TEST_CASE("Ackley's function has its least value at the origin", "[energy][target][ackley]") {
  target::Ackley<double, 3> const ackley;
  auto const e = energies_of<Exec>(ackley, {0, 0, 0, 1, 1, 1, 0.5, 0.5, 0.5});
  CHECK_THAT(e[0], WithinAbs(0, 1e-13));
  CHECK_THAT(e[1], WithinAbs(20 - 20 * std::exp(-0.2), 1e-13));
  CHECK_THAT(e[2], WithinAbs(20 + std::numbers::e - 20 * std::exp(-0.1) - std::exp(-1), 1e-13));
  CHECK(gradient_error<Exec>(ackley, numbers(3 * 20, 3, 3)) < 10 * tolerance);
  auto const origin = points_of<Exec>(ackley, {0, 0, 0}), g = points_of<Exec>(ackley, {1, 1, 1});
  basin::energy::gradients(Exec(), ackley, origin, g);
  CHECK(on_host(g) == std::vector<double>{0, 0, 0});
}

}  // namespace
