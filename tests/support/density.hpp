// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_SUPPORT_DENSITY_HPP
#define TESTS_SUPPORT_DENSITY_HPP

#include <basin/energy/derivatives.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/square.hpp>
#include <basin/optimizer/adam.hpp>
#include <basin/train/trainer.hpp>

#include "benchmarks/support/counters.hpp"
#include "support/finite_difference.hpp"
#include "support/training.hpp"

#include <Eigen/Dense>

#include <cmath>
#include <random>

// Objectives that fit a density without samples of the model, on laws that are known.

namespace basin::test {

using Rows = Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace>;

/// E = w x^2 + b, the energy of a Gaussian about 0 with stiffness k = 2 w; theta = (w, b).
using Parabola = energy::Network<double, Vector<1>, layer::Square, layer::Dense<1>>;

/// n numbers whose mean is 0 and whose mean square is v exactly: quantiles of a normal law, scaled.
inline Rows numbers_of_variance(int n, double v) {
  Rows const rows("rows", n, 1);
  std::mt19937_64 bits(5);
  std::normal_distribution<double> normal;
  double square = 0;
  for (int i = 0; i < n; i += 2) {
    double const x = normal(bits);
    rows(i, 0)     = x;
    rows(i + 1, 0) = -x;
    square += 2 * x * x;
  }
  for (int i = 0; i < n; ++i) rows(i, 0) *= std::sqrt(v * n / square);
  return rows;
}

template <class Exec, class E, class Objective>
using CosineTrainer = train::Trainer<E, Objective, optimizer::Adam, optimizer::Cosine, Exec>;

/// A trainer that has taken so many steps with a rate that falls to 0.
template <class Exec, class E, class Objective>
auto trained(Objective const& objective, Rows const& data, long steps, double rate, int batch) {
  using T      = CosineTrainer<Exec, E, Objective>;
  auto trainer = std::make_unique<T>(typename T::Options{.objective = objective,
                                                         .optimizer = {.learning_rate = rate},
                                                         .schedule  = {.period = steps},
                                                         .batch     = batch,
                                                         .seed      = 3},
                                     data);
  trainer->fit({.steps = steps});
  return trainer;
}

/// k after training a Parabola on numbers of variance v.
template <class Exec, class Objective>
double stiffness(Objective const& objective, double v, long steps) {
  auto const trainer =
      trained<Exec, Parabola>(objective, numbers_of_variance(10000, v), steps, 0.02, 500);
  return 2 * on_host(trainer->parameters())[0];
}

/// Rows of a 5-dimensional Gaussian with correlations and variances between 0.2 and 3, and their
/// covariance as it came out.
struct Correlated {
  Rows rows{"rows", 20000, 5};
  Eigen::MatrixXd covariance;
  Correlated() {
    std::mt19937_64 bits(11);
    std::normal_distribution<double> normal;
    Eigen::MatrixXd mix(5, 5);
    for (int i = 0; i < 25; ++i) mix(i / 5, i % 5) = 0.35 * normal(bits);
    mix.diagonal() << 1.5, 1, 0.8, 0.6, 0.5;
    Eigen::MatrixXd x(20000, 5);
    for (int n = 0; n < x.rows(); ++n) {
      Eigen::VectorXd z(5);
      for (int d = 0; d < 5; ++d) z(d) = normal(bits);
      x.row(n) = mix * z;
    }
    x.rowwise() -= Eigen::RowVectorXd(x.colwise().mean());
    covariance = x.transpose() * x / double(x.rows());
    for (int n = 0; n < x.rows(); ++n)
      for (int d = 0; d < 5; ++d) rows(n, d) = x(n, d);
  }
};

/// E = sum_j a_j (w_j.x + b_j)^2 + c: any quadratic energy.
using Quadric =
    energy::Network<double, Vector<5>, layer::Dense<15>, layer::Square, layer::Dense<1>>;

/// Largest error of the second derivatives of the energy from the inverse of 'covariance', relative
/// to the largest of these.
template <class Exec, class T>
double precision_error(T& trainer, Eigen::MatrixXd const& covariance) {
  using Points = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
  std::vector<double> axes(25);
  for (std::size_t d = 0; d < 5; ++d) axes[6 * d] = 1;
  auto const u = on_device<Exec, double>(axes);
  Kokkos::View<double*, Exec> const h("H", 25);
  energy::hessian_vector_products(Exec(), trainer.energy(), Points("x", 5, 5),
                                  Points(u.data(), 5, 5), Points(h.data(), 5, 5));
  Eigen::MatrixXd const right = covariance.inverse();
  auto const found            = on_host(h);
  double error                = 0;
  for (int i = 0; i < 25; ++i)
    error = std::max(error, std::abs(found[std::size_t(i)] - right(i / 5, i % 5)));
  return error / right.cwiseAbs().maxCoeff();
}

// ---- laws of every such objective ------------------------------------------------------------

template <class Exec, class Objective, tile::Tuning tuning>
std::vector<float> after_steps(Objective const& objective, Exec const& exec = Exec()) {
  using T =
      train::Trainer<SmallNetwork, Objective, optimizer::Adam, optimizer::Constant, Exec, tuning>;
  T trainer({.objective = objective, .optimizer = {.learning_rate = 1e-3}, .batch = 37, .seed = 5},
            uniform_points(150, 3), exec);
  trainer.fit({.steps = 50});
  return contents(trainer.parameters());
}

/// Of tunings and numbers of threads, how many give other bits than the first.
template <class Exec, class Objective>
int differing_runs(Objective const& objective) {
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    // The usual one, which other tests compile too, and one that shares nothing with it.
    constexpr tile::Tuning usual =
        tile::default_tuning<Exec, float, SmallNetwork::workspace_rows>();
    auto const reference = after_steps<Exec, Objective, usual>(objective);
    auto const parts     = Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1});
    return (after_steps<Exec, Objective, tile::Tuning{8, 4, 4, 1, 1}>(objective) != reference) +
           (after_steps<Exec, Objective, usual>(objective, parts[0]) != reference);
  } else {
    return after_steps<Exec, Objective, tile::Tuning{8, 4, 4, 1, 64}>(objective) !=
           after_steps<Exec, Objective, tile::Tuning{16, 4, 4, 1, 128}>(objective);
  }
}

/// What 20 steps do after warm-up.
template <class Exec, class Objective>
bench::Tally tally(Objective const& objective) {
  using T = train::Trainer<SmallNetwork, Objective, optimizer::Adam, optimizer::Constant, Exec>;
  T trainer({.objective = objective, .optimizer = {.learning_rate = 1e-3}, .batch = 37},
            uniform_points(150, 3));
  for (int i = 0; i < 3; ++i) trainer.step();
  return bench::count(Exec(), 20, [&] { trainer.step(); });
}

}  // namespace basin::test

#endif
