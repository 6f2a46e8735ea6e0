// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SAMPLER_EXACT_MOMENTS_HPP
#define BASIN_TESTS_SAMPLER_EXACT_MOMENTS_HPP

#include <basin/energy/target/banana.hpp>
#include <basin/energy/target/double_well.hpp>
#include <basin/energy/target/eight_schools.hpp>
#include <basin/energy/target/funnel.hpp>
#include <basin/energy/target/gaussian.hpp>
#include <basin/energy/target/linear_regression.hpp>
#include <basin/energy/target/mixture.hpp>
#include <basin/energy/target/phi4.hpp>
#include <basin/energy/target/rastrigin.hpp>
#include <basin/sampler/adaptive_hamiltonian.hpp>
#include <basin/sampler/chees_hamiltonian.hpp>
#include <basin/sampler/dense_hamiltonian.hpp>
#include <basin/sampler/hamiltonian.hpp>
#include <basin/sampler/mala.hpp>
#include <basin/sampler/metropolis.hpp>
#include <basin/sampler/microcanonical.hpp>
#include <basin/sampler/start.hpp>

#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

// A target of each class whose means and variances are known: f(name, energy, mean, variance, unit, effort).
// unit: about the least standard deviation; effort: how many more steps than a Gaussian it takes to forget
// a start at N(0, 1).
namespace basin::test {

template <class Exec, class Scalar>
Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec> table_of(std::vector<double> const& values,
                                                           int columns) {
  Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec> const table(
      "table", values.size() / static_cast<std::size_t>(columns), columns);
  auto const host = Kokkos::create_mirror_view(table);
  std::transform(values.begin(), values.end(), host.data(),
                 [](double v) { return static_cast<Scalar>(v); });
  Kokkos::deep_copy(table, host);
  return table;
}
template <class Exec, class Scalar>
Kokkos::View<Scalar*, Exec> row_of(std::vector<double> const& values) {
  auto const table = table_of<Exec, Scalar>(values, 1);
  Kokkos::View<Scalar*, Exec> const row("row", values.size());
  Kokkos::deep_copy(row, Kokkos::subview(table, Kokkos::ALL, 0));
  return row;
}

template <class E, class F>
void with_formula(char const* name, E const& energy, double unit, int effort, F const& f) {
  f(
      name, energy, [&](int d) { return energy.formula.mean(d); },
      [&](int d) { return energy.formula.variance(d); }, unit, effort);
}

template <class Exec, class Scalar, class F>
void with_small_targets(F const& f) {
  namespace target  = energy::target;
  auto const factor = table_of<Exec, Scalar>({1.5, 0, -0.5, 0.75}, 2);
  auto const mean   = row_of<Exec, Scalar>({0.5, -1});
  with_formula("Gaussian", target::Gaussian<Scalar, 2, Exec>{{factor, mean}}, 0.7, 1, f);
  auto const means   = table_of<Exec, Scalar>({-1, 0, 1, 1, 1.5, -1}, 2);
  auto const weights = row_of<Exec, Scalar>({1, 2, 0.5});
  with_formula("mixture", target::Mixture<Scalar, 2, Exec>{{means, weights, 1}}, 1, 1, f);
  with_formula("banana",
               target::Banana<Scalar>{{.curvature = Scalar(0.1), .standard_deviation = 2}}, 0.8, 2,
               f);
  auto const rows    = table_of<Exec, Scalar>({1, 0.5, 1, -2, 1, 3}, 2);
  auto const answers = row_of<Exec, Scalar>({0.5, 1, -2});
  with_formula("regression", target::LinearRegression<Scalar, 2, Exec>{{rows, answers, 0.5, 2.0}},
               0.15, 1, f);
  // A barrier that each sampler passes, and a funnel whose fourth moments settle.
  with_formula("double well", target::DoubleWell<Scalar, 2>{{.barrier = 1}}, 0.5, 3, f);
  with_formula("Rastrigin", target::Rastrigin<Scalar, 2>{{.amplitude = Scalar(0.5)}}, 0.4, 3, f);
  with_formula("funnel", target::Funnel<Scalar, 3>{{.standard_deviation = Scalar(0.5)}}, 0.5, 2, f);
}
template <class Scalar, class F>
void with_large_targets(F const& f) {
  namespace target    = energy::target;
  double const square = target::free_field_mean_square<target::Lattice<4, 4>>(1);
  f(
      "lattice", target::Phi4<Scalar, 4, 4>{{.mass_square = 1, .coupling = 0}},
      [](int) { return 0.0; }, [=](int) { return square; }, 0.25, 2);
  target::EightSchoolsPosterior const of;
  auto const moments = [&](int d) {
    return d == 0 ? of.mu() : d == 1 ? of.log_tau() : of.eta(static_cast<std::size_t>(d - 2));
  };
  f(
      "eight schools", target::EightSchools<Scalar>{}, [&](int d) { return moments(d).mean; },
      [&](int d) { return moments(d).variance; }, 0.7, 10);
}

/// Means and variances over 2048 chains that start at N(0, 1), within four standard errors, that of a
/// variance from the fourth moment of the samples.
template <class Exec, class S, class E, class Mean, class Variance>
void check_moments(S const& sampler, std::string const& name, E const& energy, Mean const& mean,
                   Variance const& variance) {
  using Scalar        = typename E::scalar_type;
  int constexpr count = 2048, D = E::dimension;
  Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec> const x("x", count, D);
  sampler::start_chains<tile::default_tuning<Exec, Scalar>()>(
      Exec(), sampler::start::Gaussian{.standard_deviation = 1}, x, x, {.seed = 1});
  sampler::sample(Exec(), sampler, energy, x, {.seed = 2});
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), x);
  for (int d = 0; d < D; ++d) {
    double const expected = mean(d), square = variance(d);
    double first = 0, second = 0, fourth = 0;
    for (int i = 0; i < count; ++i) {
      double const off = static_cast<double>(host(i, d)) - expected;
      first += off / count;
      second += off * off / count;
      fourth += off * off * off * off / count;
    }
    CAPTURE(name, d, first, second, square);
    CHECK(std::abs(first) < 4 * std::sqrt(square / count));
    CHECK(std::abs(second - square) < 4 * std::sqrt((fourth - second * second) / count));
  }
}

/// Every sampler whose law is that of the energy. Those with an error of their own (Langevin, SGLD, BAOAB),
/// with a prior (elliptical slices), walls or a ladder are on laws that take it into account: in their own
/// tests.
template <class Exec>
struct EverySampler {
  template <class E, class Mean, class Variance>
  void operator()(std::string const& name, E const& energy, Mean const& mean,
                  Variance const& variance, double unit, int effort) const {
    using Scalar     = typename E::scalar_type;
    auto const check = [&](auto const& s, char const* who) {
      check_moments<Exec>(s, name + ", " + who, energy, mean, variance);
    };
    check(sampler::Mala{.steps = 200 * effort, .step_size = 0.15 * unit * unit}, "Mala");
    check(sampler::Metropolis{.steps = 400 * effort, .scale = 0.7 * unit}, "Metropolis");
    check(
        sampler::Hamiltonian{
            .steps = 30 * effort, .step_size = 0.4 * unit, .trajectory_length = 4 * unit},
        "Hamiltonian");
    // L: lower triangular, with correlations that the target has not.
    std::vector<double> factor(std::size_t(E::dimension) * E::dimension);
    for (int i = 0; i < E::dimension; ++i) {
      factor[std::size_t(i) * E::dimension + std::size_t(i)] = unit;
      if (i > 0) factor[std::size_t(i) * E::dimension + std::size_t(i - 1)] = 0.3 * unit;
    }
    auto const mass = table_of<Exec, Scalar>(factor, E::dimension);
    check(
        sampler::DenseHamiltonian<Scalar, Exec>{
            .steps = 30 * effort, .step_size = 0.3, .trajectory_length = 4, .mass = {mass}},
        "DenseHamiltonian");
    check(sampler::AdaptiveHamiltonian{.steps = 230 + 20 * effort, .adaptation = {.warmup = 200}},
          "AdaptiveHamiltonian");
    check(sampler::CheesHamiltonian{.steps = 230 + 20 * effort, .adaptation = {.warmup = 200}},
          "CheesHamiltonian");
    check(sampler::Microcanonical{.steps      = 230 + 20 * effort,
                                  .adaptation = {.warmup = 200, .target_acceptance = 0.9}},
          "Microcanonical");
  }
};

}  // namespace basin::test

#endif
