// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/target/gaussian.hpp>
#include <basin/sampler/dense_hamiltonian.hpp>

#include "support/finite_difference.hpp"
#include "support/there_and_back.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace {

using basin::sampler::Hamiltonian;
using Catch::Matchers::WithinAbs;
using Exec   = BASIN_TEST_EXEC;
using Dense  = basin::sampler::DenseHamiltonian<double, Exec>;
using Chains = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using namespace basin::test;

// In coordinates z = x / 2 of unit mass a step h is one of 2 h: powers of two, so to the bit.
TEST_CASE("a dense mass that is diagonal has the bits of one that is not dense",
          "[sampler][dense_hamiltonian]") {
  Chains const plain("x", 37, 3), dense("x", 37, 3), factor("factor", 3, 3);
  auto const l = Kokkos::create_mirror_view(factor);
  Kokkos::deep_copy(l, 7);  // above the diagonal nothing is read
  for (int d = 0; d < 3; ++d)
    for (int e = 0; e <= d; ++e) l(d, e) = d == e ? 2 : 0;
  Kokkos::deep_copy(factor, l);
  basin::energy::Analytic<Quartic> const energy{};
  basin::sampler::sample(Exec(), Hamiltonian{.step_size = 0.2, .trajectory_length = 2}, energy,
                         plain, {.seed = 1});
  basin::sampler::sample(Exec(), Dense{.step_size = 0.1, .trajectory_length = 1, .mass = {factor}},
                         energy, dense, {.seed = 1});
  CHECK(on_host(plain) == on_host(dense));
  CHECK(on_host(plain)[5] != 0);
}

// The covariance L L^T of three numbers that are almost one: eigenvalues from 3e-5 to 3.
TEST_CASE("with the mass of a correlated Gaussian all directions are alike",
          "[sampler][dense_hamiltonian]") {
  int constexpr n = 1 << 14;
  Chains const chains("x", n, 3), factor("factor", 3, 3);
  Kokkos::View<double*, Exec> const mean("mean", 3), accepted("accepted", n);
  auto const l = Kokkos::create_mirror_view(factor);
  double const f[3][3]{{1, 0, 0}, {-1, 0.01, 0}, {1, 0.02, 0.006}};
  for (int d = 0; d < 3; ++d)
    for (int e = 0; e < 3; ++e) l(d, e) = f[d][e];
  Kokkos::deep_copy(factor, l);
  basin::energy::target::Gaussian<double, 3, Exec> const energy{{factor, mean}};
  Dense const sampler{
      .steps = 25, .step_size = 0.8, .trajectory_length = 3, .temperature = 2, .mass = {factor}};
  basin::sampler::sample(Exec(), sampler, energy, chains, {.seed = 1},
                         {.columns = {nullptr, accepted.data()}});
  double share = 0;
  for (double const a : on_host(accepted)) share += a / n;
  // As of a parabola of unit stiffness; with unit mass no leapfrog of this size is accepted.
  CHECK((share > 0.85 && share < 0.999));
  double moments[3][3]{};
  auto const x = on_host(chains);
  for (std::size_t i = 0; i < x.size(); i += 3)
    for (std::size_t d = 0; d < 3; ++d)
      for (std::size_t e = 0; e < 3; ++e) moments[d][e] += x[i + d] * x[i + e] / n;
  for (int d = 0; d < 3; ++d)
    for (int e = 0; e < 3; ++e) {
      auto const covariance = [&](int i, int j) {
        return 2 * (f[i][0] * f[j][0] + f[i][1] * f[j][1] + f[i][2] * f[j][2]);
      };
      double const error = std::sqrt(
          (covariance(d, d) * covariance(e, e) + covariance(d, e) * covariance(d, e)) / n);
      CHECK_THAT(moments[d][e], WithinAbs(covariance(d, e), 4 * error));
    }
  // The direction that is narrow: x_1 + x_0 has a variance of 2e-4.
  double narrow = 0;
  for (std::size_t i = 0; i < x.size(); i += 3) narrow += std::pow(x[i] + x[i + 1], 2) / n;
  CHECK_THAT(narrow, WithinAbs(2e-4, 4 * 2e-4 * std::sqrt(2.0 / n)));
}

TEST_CASE("DenseHamiltonian refuses what does not fit", "[sampler][dense_hamiltonian][refusal]") {
  Chains const chains("x", 2, 3), factor("factor", 3, 2);
  CHECK_THROWS_WITH(basin::sampler::sample(Exec(), Dense{.mass = {factor}},
                                           basin::energy::Analytic<Quartic>{}, chains, {}),
                    "basin::sampler::DenseHamiltonian: factor has shape (3, 2), it must be (3, 3)");
  CHECK_THROWS_WITH(Dense{.step_size = 0}.check(),
                    "basin::sampler::DenseHamiltonian: step_size must be > 0 and finite, got 0");
}

}  // namespace
