// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/target/phi4.hpp>
#include <basin/energy/target/xy.hpp>
#include <basin/metric/convergence.hpp>
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

TEST_CASE("neighbors of a periodic lattice", "[energy][target][lattice]") {
  using L = target::Lattice<3, 4>;
  // Site 7 is (1, 3): its neighbors (2, 3) and (1, 0), (0, 3) and (1, 2).
  CHECK(L::forward(7, 0) == 11);
  CHECK(L::forward(7, 1) == 4);
  CHECK(L::backward(7, 0) == 3);
  CHECK(L::backward(7, 1) == 6);
  CHECK(L::backward(0, 0) == 8);
  int wrong = 0;
  for (int site = 0; site < L::sites; ++site)
    for (int a = 0; a < 2; ++a) wrong += L::backward(L::forward(site, a), a) != site;
  CHECK(wrong == 0);
}

TEST_CASE("phi^4 is summed over sites and bonds", "[energy][target][phi4]") {
  target::Phi4<double, 2, 3, 2> const cube{{.mass_square = -1.5, .coupling = 0.75}};
  auto const x = numbers(12 * 17, 1, 2), e = energies_of<Exec>(cube, x);
  double error = 0;
  for (std::size_t n = 0; n < 17; ++n) {
    auto const phi = [&](int i, int j, int k) {
      return x[12 * n + static_cast<std::size_t>(i % 2 * 6 + j % 3 * 2 + k % 2)];
    };
    double sum = 0;
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 3; ++j)
        for (int k = 0; k < 2; ++k) {
          double const f = phi(i, j, k);
          sum += -1.5 * f * f + 0.75 * f * f * f * f + std::pow(phi(i + 1, j, k) - f, 2) +
                 std::pow(phi(i, j + 1, k) - f, 2) + std::pow(phi(i, j, k + 1) - f, 2);
        }
    error = std::max(error, std::abs(e[n] - sum));
  }
  CHECK(error < 1e-13 * largest(e));
  CHECK(gradient_error<Exec>(cube, x) < tolerance);
  CHECK(gradient_error<Exec>(target::Xy<double, 2, 3, 2>{{.coupling = 1.5}}, x) < tolerance);
}

TEST_CASE("a lattice has second derivatives, and the same bits in every tuning",
          "[energy][target][lattice]") {
  CHECK(trace_error<Exec>(target::Phi4<double, 2, 3>{{.mass_square = -1.5, .coupling = 0.75}},
                          numbers(6 * 17, 2, 2)) < tolerance);
  CHECK(tunings_of_other_bits<Exec>(target::Phi4<float, 3, 4>{{.coupling = 1}}, 1) == 0);
}

TEST_CASE("the free field is the Gaussian of its waves", "[energy][target][phi4]") {
  target::Phi4<double, 2> const pair{{.mass_square = 0.5}};
  using L = decltype(pair)::lattice;
  // S = 5/2 (a^2 + b^2) - 4 a b: <a^2> = 5 / (25 - 16).
  CHECK_THAT(target::free_field_mean_square<L>(0.5), WithinAbs(5 / 9.0, 1e-15));
  CHECK_THAT(log_integral<Exec>(pair, 12, 200),
             WithinAbs(target::free_field_log_partition<L>(0.5), 1e-12));
}

TEST_CASE("chains of phi^4 have the moments of its transfer matrix", "[energy][target][phi4]") {
  // Exact to the digits shown.
  target::Phi4<double, 4, 4> const action{{.mass_square = -4, .coupling = 8}};
  auto const of = expectations<Exec>(
      Hamiltonian{.steps = 1, .step_size = 0.12, .trajectory_length = 1}, action, 0.5, 512, 40, 250,
      3, [](double const* phi, double, double const*, double* f) {
        for (int i = 0; i < 16; ++i) {
          double const x = phi[i];
          f[0] += x * x / 16;
          f[1] += x * x * x * x / 16;
          f[2] += x *
                  (phi[target::Lattice<4, 4>::forward(i, 0)] +
                   phi[target::Lattice<4, 4>::forward(i, 1)]) /
                  32;
        }
      });
  double const exact[] = {0.14774621, 0.04437586, 0.05250344};
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(std::abs(of[k].estimate.mean - exact[k]) < 4 * of[k].estimate.error_of_mean);
    CHECK(of[k].estimate.error_of_mean < 0.005 * exact[k]);
    CHECK(of[k].r_hat < 1.02);
  }
  // 2 (4 + m^2) <phi^2> + 4 lambda <phi^4> - 8 <phi phi'> = 1
  CHECK_THAT(32 * exact[1] - 8 * exact[2], WithinAbs(1, 1e-6));
}

TEST_CASE("the XY ring has the partition function of its Bessel functions",
          "[energy][target][xy]") {
  // I_0(2), I_1(2), Abramowitz and Stegun table 9.8.
  CHECK_THAT(target::bessel_i(0, 2), WithinAbs(2.2795853023, 1e-10));
  CHECK_THAT(target::bessel_i(1, 2), WithinAbs(1.5906368546, 1e-10));
  target::Xy<double, 2> const pair{{.coupling = 0.75}};
  CHECK_THAT(log_integral<Exec>(pair, std::numbers::pi, 64),
             WithinAbs(target::xy_ring(2, 0.75).log_partition, 1e-12));
  double const h = 1e-5;
  for (int const sites : {2, 5, 64})
    CHECK_THAT(target::xy_ring(sites, 1.5).mean_cosine,
               WithinAbs((target::xy_ring(sites, 1.5 + h).log_partition -
                          target::xy_ring(sites, 1.5 - h).log_partition) /
                             (2 * h * sites),
                         1e-9));
  CHECK_THROWS_WITH(target::xy_ring(1, 1),
                    "basin::energy::target::xy_ring: sites must be >= 2, got 1");
}

}  // namespace
