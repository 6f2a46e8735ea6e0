// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/network.hpp>
#include <basin/layer/square.hpp>
#include <basin/sampler/hamiltonian.hpp>

#include "support/chain_law.hpp"
#include "support/finite_difference.hpp"
#include "support/there_and_back.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <numbers>
#include <string>
#include <vector>

namespace {

namespace layer = basin::layer;
using basin::sampler::Hamiltonian;
using Catch::Matchers::WithinAbs;
using Exec = BASIN_TEST_EXEC;
using namespace basin::test;

// T / k = 0.25. Leapfrogs alone, which keep |p|^2 / 2 + k (1 - h^2 k / 4) x^2 / 2, would give
// 0.25 / (1 - h^2 k / 4) = 0.368 here. Of 2^13 chains: four standard errors of 0.25 / 128.
TEST_CASE("Hamiltonian Monte Carlo has the law of the energy at a step where leapfrogs have not",
          "[sampler][hamiltonian]") {
  auto const law = law_of<Exec>(
      Hamiltonian{.steps = 40, .step_size = 0.8, .trajectory_length = 2, .temperature = 0.5}, 2,
      1 << 13);
  CHECK_THAT(law.variance, WithinAbs(0.25, 4 * 0.25 / 128));
  CHECK((law.columns[1] > 0.3 && law.columns[1] < 0.95));
  CHECK(law.columns[2] == 0);
}

// After a whole period every chain would be back at 3. With trajectories that differ the start is
// forgotten as the product of cos(2 pi u) over the Halton numbers u, of which several are near 0.
TEST_CASE("trajectories of one length do not resonate with a period", "[sampler][hamiltonian]") {
  auto const law = law_of<Exec>(
      Hamiltonian{.steps = 20, .step_size = 0.05, .trajectory_length = 2 * std::numbers::pi}, 1,
      1 << 12, 3);
  CHECK_THAT(law.mean, WithinAbs(0, 4.0 / 128));
  CHECK_THAT(law.variance, WithinAbs(1, 4.0 / 90));
}

TEST_CASE("short leapfrogs are always accepted, wild ones never, and they diverge",
          "[sampler][hamiltonian]") {
  auto const exact = law_of<Exec>(Hamiltonian{.step_size = 1e-3, .trajectory_length = 0.1}, 1, 999);
  CHECK(exact.columns[1] > 0.9999);
  CHECK(exact.columns[2] == 0);
  auto const wild = law_of<Exec>(Hamiltonian{.step_size = 1e3, .trajectory_length = 4e3}, 1, 999);
  CHECK(wild.columns[1] == 0);
  CHECK_THAT(wild.columns[2], WithinAbs(1, 1e-12));
  CHECK(wild.variance == 0);
}

// E = x_0^2 / 2 + 2 x_1^2 as a network whose gradient shares rows with its energy.
TEST_CASE("Hamiltonian Monte Carlo has the law of a network", "[sampler][hamiltonian]") {
  using Net        = basin::energy::Network<float, basin::Vector<2>, layer::Dense<2>, layer::Square,
                                            layer::Dense<1>>;
  auto const theta = on_device<Exec, float>({1, 0, 0, 2, 0, 0, .5, .5, 0});
  REQUIRE(theta.size() == Net::parameters);
  int constexpr n = 8192;
  Kokkos::View<float**, Kokkos::LayoutRight, Exec> const chains("chains", n, 2);
  basin::sampler::sample(Exec(), Hamiltonian{.steps = 30, .step_size = 0.5, .trajectory_length = 3},
                         Net(theta.data()), chains, {.seed = 1});
  auto const x = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), chains);
  double wide = 0, narrow = 0;
  for (int i = 0; i < n; ++i) {
    wide += double(x(i, 0)) * x(i, 0) / n;
    narrow += double(x(i, 1)) * x(i, 1) / n;
  }
  // Standard errors v sqrt(2 / 8192) = v / 64.
  CHECK_THAT(wide, WithinAbs(1, 4.0 / 64));
  CHECK_THAT(narrow, WithinAbs(0.25, 1.0 / 64));
}

TEST_CASE("Hamiltonian Monte Carlo has the same bits in every tuning", "[sampler][hamiltonian]") {
  CHECK(tunings_of_other_bits<Exec>(
            Hamiltonian{.steps = 5, .step_size = 0.6, .trajectory_length = 2}) == 0);
}

// |p|^2 / 2 of 4 coordinates has mean 2 T and variance 2 T^2; E is 36 at the start.
TEST_CASE("the Hamiltonian of a draw is that after its momenta are drawn",
          "[sampler][hamiltonian]") {
  int constexpr n = 1 << 14;
  Hamiltonian sampler{.steps = 1, .trajectory_length = 1.5, .temperature = 0.5};
  double const error = 4 * std::sqrt(2.0) * 0.5 / 128;
  CHECK_THAT(law_of<Exec>(sampler, 2, n, 3).columns[3], WithinAbs(36 + 2 * 0.5, error));
  // Of the last trajectory, once the start is forgotten: E has the law of |p|^2 / 2.
  sampler.steps = 40;
  CHECK_THAT(law_of<Exec>(sampler, 2, n, 3).columns[3], WithinAbs(4 * 0.5, error * std::sqrt(2.0)));
  sampler.steps = 0;
  CHECK_THAT(law_of<Exec>(sampler, 2, n, 3).columns[3], WithinAbs(36, 1e-9));
}

TEST_CASE("leapfrogs with turned momenta go back to where they began", "[sampler][hamiltonian]") {
  int constexpr n = 100;
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const chains("chains", n, 3);
  Kokkos::deep_copy(chains, 0.4);
  Kokkos::View<double*, Exec> const away("away", n), error("error", n);
  basin::sampler::sample(Exec(), ThereAndBack{}, basin::energy::Analytic<Quartic>{}, chains,
                         {.seed = 1}, {.columns = {away.data(), error.data()}});
  auto const errors = on_host(error), distances = on_host(away);
  CHECK(*std::max_element(errors.begin(), errors.end()) < 1e-24);
  // The median chain is at a distance of about 1 after the first half.
  CHECK(std::count_if(distances.begin(), distances.end(), [](double d) { return d > 0.5; }) > 50);
}

TEST_CASE("Hamiltonian refuses numbers that mean nothing, and says them",
          "[sampler][hamiltonian][refusal]") {
  std::string const who = "basin::sampler::Hamiltonian: ";
  CHECK_THROWS_WITH(Hamiltonian{.step_size = 0}.check(),
                    who + "step_size must be > 0 and finite, got 0");
  CHECK_THROWS_WITH(Hamiltonian{.trajectory_length = -1}.check(),
                    who + "trajectory_length must be > 0 and finite, got -1");
  CHECK_THROWS_WITH((Hamiltonian{.step_size = 1e-5, .trajectory_length = 1}.check()),
                    who +
                        "a trajectory has at most 65536 leapfrogs; trajectory_length is 1, "
                        "step_size is 1e-05");
  CHECK_NOTHROW(Hamiltonian{}.check());
}

}  // namespace
