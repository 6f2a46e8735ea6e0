// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/target/eight_schools.hpp>
#include <basin/energy/target/logistic_regression.hpp>
#include <basin/sampler/hamiltonian.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

// Simulation-based calibration: parameters from the prior, data given them, draws from the posterior. The
// rank of the parameters among L independent draws is uniform on 0 ... L, if the sampler and the energy are
// right. Source: Talts et al. 2018, arXiv:1804.06788, theorem 1 and algorithm 2.

namespace {

using Exec       = BASIN_TEST_EXEC;
using Table      = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
using Row        = Kokkos::View<double*, Exec>;
namespace target = basin::energy::target;
using basin::sampler::Hamiltonian;
using basin::test::on_host;

int constexpr draws = 15;

// Pearson's statistic of ranks: of chi-square with L degrees of freedom.
double chi_square(std::vector<int> const& ranks) {
  std::vector<double> counts(draws + 1);
  for (int const r : ranks) counts[static_cast<std::size_t>(r)] += 1;
  double const expected = static_cast<double>(ranks.size()) / (draws + 1);
  double sum            = 0;
  for (double const count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}
// Chi-square with 15 degrees of freedom is above 37.7 with a probability of 1e-3.
double constexpr limit = 37.7;

// Row chain / draws: each data set has as many chains as there are draws.
struct OfDataSet {
  Table truth;  // (sets, 18)
  KOKKOS_FUNCTION double operator()(int chain, int d) const { return truth(chain / draws, d); }
};

// 512 data sets are the conditions of the chains of one energy: one kernel for all. The tail of tau's
// prior is Cauchy's; with a scale of 1 in place of 5 hardly a data set needs steps that are shorter.
TEST_CASE("ranks of eight schools are uniform", "[sampler][calibration]") {
  int constexpr sets = 512;
  target::EightSchoolsJoint<double> const joint{{.scale = 1}};
  Table const truth("truth", sets, 18), other("other", sets * draws, 18), x("x", sets * draws, 10);
  target::draw(Exec(), joint, truth, {.seed = 1});
  target::draw(Exec(), joint, other, {.seed = 2});
  Kokkos::deep_copy(x, Kokkos::subview(other, Kokkos::ALL, std::pair(0, 10)));
  target::EightSchoolsGiven<double, OfDataSet> const energy(joint, {truth});
  basin::sampler::sample(Exec(),
                         Hamiltonian{.steps = 120, .step_size = 0.25, .trajectory_length = 4},
                         energy, x, {.seed = 3});
  auto const known = on_host(truth), now = on_host(x);
  // mu, ln tau, eta_1, theta_1
  auto const functions = [](double const* at) {
    return std::vector<double>{at[0], at[1], at[2], at[0] + std::exp(at[1]) * at[2]};
  };
  std::vector<std::vector<int>> ranks(4, std::vector<int>(sets));
  for (std::size_t i = 0; i < std::size_t(sets) * draws; ++i) {
    auto const of_truth = functions(&known[18 * (i / draws)]), of_draw = functions(&now[10 * i]);
    for (std::size_t k = 0; k < 4; ++k) ranks[k][i / draws] += of_draw[k] < of_truth[k];
  }
  for (auto const& of : ranks) CHECK(chi_square(of) < limit);
}

// 1024 data sets one after the other, each with 15 chains, which are the draws.
TEST_CASE("ranks of logistic regression are uniform", "[sampler][calibration]") {
  int constexpr sets = 1024, rows = 12;
  double const prior = 1.5;
  Table const features("features", rows, 2), x("x", draws, 2);
  Row const labels("labels", rows);
  auto const f = Kokkos::create_mirror_view(features);
  for (int i = 0; i < rows; ++i) {
    f(i, 0) = 1;
    f(i, 1) = 3 * std::cos(1.0 + i * i);
  }
  Kokkos::deep_copy(features, f);
  // N(0, 1) and uniform numbers of a data set, as exact samples have them.
  auto const y = Kokkos::create_mirror_view(labels);
  std::vector<std::vector<int>> ranks(2);
  for (std::uint64_t set = 0; set < sets; ++set) {
    double b[2];
    target::Numbers<double>{{.seed = 5, .step = set}, 0}.normals(b);
    for (double& v : b) v *= prior;
    for (int i = 0; i < rows; ++i) {
      double const u =
          target::Numbers<double>{{.seed = 6, .step = set}, static_cast<std::uint32_t>(i)}
              .uniform();
      y(i) = u < 1 / (1 + std::exp(-(f(i, 0) * b[0] + f(i, 1) * b[1]))) ? 1 : 0;
    }
    Kokkos::deep_copy(labels, y);
    target::LogisticRegression<double, 2, Exec> const energy{{features, labels, prior}};
    Kokkos::deep_copy(x, 0);
    basin::sampler::sample(Exec(),
                           Hamiltonian{.steps = 40, .step_size = 0.5, .trajectory_length = 3},
                           energy, x, {.seed = 7, .step = set << 20});
    auto const now = on_host(x);
    for (std::size_t k = 0; k < 2; ++k) {
      int rank = 0;
      for (std::size_t i = k; i < now.size(); i += 2) rank += now[i] < b[k];
      ranks[k].push_back(rank);
    }
  }
  for (auto const& of : ranks) CHECK(chi_square(of) < limit);
}

}  // namespace
