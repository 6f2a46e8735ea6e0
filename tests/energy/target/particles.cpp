// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/target/double_well_particles.hpp>
#include <basin/energy/target/lennard_jones.hpp>
#include <basin/sampler/hamiltonian.hpp>

#include "energy/target/chains.hpp"
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
using basin::sampler::Hamiltonian;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

TEST_CASE("double wells are summed over pairs", "[energy][target][particles]") {
  target::DoubleWellParticles<double> const dw4;
  // Three sides of 4 and two others of a right angle: a square of side 4 has diagonals 4 sqrt 2.
  double const off = 4 * (std::numbers::sqrt2 - 1);
  double const e   = 2 * (0.9 * std::pow(off, 4) - 4 * off * off);
  CHECK_THAT(energies_of<Exec>(dw4, {1, 1, 5, 1, 5, 5, 1, 5})[0], WithinAbs(e, 1e-12));
  CHECK(gradient_error<Exec>(dw4, numbers(8 * 17, 1, 4)) < tolerance);
  // At one place a pair has a cusp, and no NaN.
  auto const x = points_of<Exec>(dw4, {1, 1, 1, 1, 5, 5, 1, 5}),
             g = points_of<Exec>(dw4, on_host(x));
  basin::energy::gradients(Exec(), dw4, x, g);
  int finite = 0;
  for (double const slope : on_host(g)) finite += std::isfinite(slope);
  CHECK(finite == 8);
}

TEST_CASE("a tether and a center are springs", "[energy][target][particles]") {
  // No pairs: particles at 0, 1, 5 with center 2, squares 4 + 1 + 9 about it.
  target::DoubleWellParticles<double, 3, 1> springs{
      .pair = {.quadratic = 0, .quartic = 0}, .tether = 3, .center = 5};
  CHECK_THAT(energies_of<Exec>(springs, {0, 1, 5})[0],
             WithinAbs(3 * 14 / 2.0 + 5 * 3 * 4 / 2.0, 1e-13));
  springs.pair = {};
  CHECK(gradient_error<Exec>(springs, numbers(3 * 17, 2, 4)) < tolerance);
}

TEST_CASE("thirteen Lennard-Jones particles are least as an icosahedron",
          "[energy][target][particles]") {
  // One in the middle of twelve at (0, +-1, +-golden) s and their rotations. E(s) = a / s^12 - b /
  // s^6 is -b^2 / 4 a at the best s; -44.326801 of Hoare and Pal 1971.
  double const golden = std::numbers::phi;
  auto const cluster  = [&](double s) {
    std::vector<double> x(39, 0.0);
    std::size_t i = 3;
    for (int axis = 0; axis < 3; ++axis)
      for (double const one : {-1.0, 1.0})
        for (double const other : {-golden, golden}) {
          x[i + static_cast<std::size_t>((axis + 1) % 3)] = one * s;
          x[i + static_cast<std::size_t>((axis + 2) % 3)] = other * s;
          i += 3;
        }
    return x;
  };
  target::LennardJones<double, 13> const lj;
  double const at1 = energies_of<Exec>(lj, cluster(1))[0],
               at2 = energies_of<Exec>(lj, cluster(0.5))[0];
  double const a = (at2 - 64 * at1) / (4096 - 64), b = a - at1;  // at1 = a - b, at2 = 4096 a - 64 b
  double const best = std::pow(2 * a / b, 1 / 6.0);
  CHECK_THAT(energies_of<Exec>(lj, cluster(best))[0], WithinAbs(-44.326801, 1e-6));
  auto const x = points_of<Exec>(lj, cluster(best)), g = points_of<Exec>(lj, cluster(best));
  basin::energy::gradients(Exec(), lj, x, g);
  CHECK(largest(on_host(g)) < 1e-11);
  // Depth and distance are units; a cluster that is not at rest has the slope of differences.
  target::LennardJones<double, 13> const far{
      .pair = {.depth = 2, .distance = 3}, .tether = 0.5, .center = 0.25};
  auto moved         = cluster(2.5 * best);
  auto const shifted = numbers(39, 3, 0.3);
  for (std::size_t i = 0; i < 39; ++i) moved[i] += shifted[i];
  CHECK(gradient_error<Exec>(far, moved) < tolerance);
  CHECK_THAT(
      energies_of<Exec>(target::LennardJones<double, 13>{.pair = {.depth = 2, .distance = 3}},
                        cluster(3 * best))[0],
      WithinRel(-2 * 44.326801, 1e-7));
}

TEST_CASE("clusters have second derivatives, and the same bits in every tuning",
          "[energy][target][particles]") {
  CHECK(trace_error<Exec>(target::DoubleWellParticles<double, 3>{.tether = 1, .center = 2},
                          numbers(6 * 17, 4, 4)) < tolerance);
  CHECK(tunings_of_other_bits<Exec>(target::DoubleWellParticles<float, 5>{.tether = 1}, 4) == 0);
}

TEST_CASE("a cluster of any number of particles", "[energy][target][particles]") {
  // A chain of 200 particles at distance 1 in float: neighbors -1, next ones 2^-12 - 2^-5, ...
  target::LennardJones<float, 200, 1> const lj;
  Kokkos::View<float**, Kokkos::LayoutRight, Exec> const x("x", 3, 200);
  auto const host = Kokkos::create_mirror_view(x);
  for (int n = 0; n < 3; ++n)
    for (int i = 0; i < 200; ++i) host(n, i) = static_cast<float>(i);
  Kokkos::deep_copy(x, host);
  Kokkos::View<float*, Exec> const e("e", 3);
  basin::energy::energies(Exec(), lj, x, e);
  double sum = 0;
  for (int r = 1; r < 200; ++r) sum += (200 - r) * (std::pow(r, -12) - 2 * std::pow(r, -6));
  for (float const value : on_host(e)) CHECK_THAT(value, WithinRel(sum, 1e-6));
}

TEST_CASE("chains of DW4 have its mean energy, and the virial of its shapes",
          "[energy][target][particles]") {
  // -22.536(4) by Metropolis; <x dE/dx> = 6, the coordinates less those of the center.
  target::DoubleWellParticles<double> const dw4{.center = 1};
  auto const of = expectations<Exec>(
      Hamiltonian{.steps = 8, .step_size = 0.04, .trajectory_length = 1}, dw4, 2, 512, 30, 150, 2,
      [](double const* x, double e, double const* dx, double* f) {
        double middle[2] = {};
        for (int i = 0; i < 8; ++i) middle[i % 2] += x[i] / 4;
        // Without the spring of the center.
        f[0] = e - 2 * (middle[0] * middle[0] + middle[1] * middle[1]);
        for (int i = 0; i < 8; ++i) f[1] += (x[i] - middle[i % 2]) * dx[i];
      });
  CHECK(of[0].r_hat < 1.02);
  CHECK(std::abs(of[0].estimate.mean + 22.536) <
        4 * std::hypot(of[0].estimate.error_of_mean, 0.004));
  CHECK(of[0].estimate.error_of_mean < 0.05);
  CHECK(std::abs(of[1].estimate.mean - 6) < 4 * of[1].estimate.error_of_mean);
  CHECK(of[1].estimate.error_of_mean < 0.2);
}

}  // namespace
