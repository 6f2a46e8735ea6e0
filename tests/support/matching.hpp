// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_SUPPORT_MATCHING_HPP
#define TESTS_SUPPORT_MATCHING_HPP

#include <basin/energy/network.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/square.hpp>
#include <basin/objective/concepts.hpp>
#include <basin/sampler/start.hpp>

#include "support/columns.hpp"
#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>
#include <string_view>

// Flow and Energy Matching: models, pairs and points whose results are known.

namespace basin::test {

// V = w x^2 + b, grad V = beta x with beta = 2 w: the linear family.
using Line  = energy::Network<double, Vector<1>, layer::Square, layer::Dense<1>>;
using Small = energy::Network<double, Vector<3>, layer::Dense<5>, layer::Silu, layer::Dense<1>>;

inline constexpr double v = 1.7;

// The increasing map of N(0, v) to N(0, 1), which are then coupled in their order.
struct Increasing {
  using axis                 = sampler::start_axis;
  static constexpr auto rows = sampler::StartRows::batch;
  template <class Scalar>
  KOKKOS_FUNCTION void operator()(Stream const&, int, std::uint32_t, Scalar (&x)[4]) const {
    for (Scalar& xi : x) xi /= Kokkos::sqrt(Scalar(v));
  }
};

// An objective with its arrays, on fixed points.
template <class Exec, class E, class Objective,
          tile::Tuning tuning = tile::default_tuning<Exec, double, E::workspace_rows>()>
struct Fixture {
  using Bound   = objective::bound<Objective, E, Exec, tuning>;
  using Numbers = Kokkos::View<double*, Exec>;
  Objective options;
  Exec exec;
  Bound state;
  Numbers theta{"theta", E::parameters}, gradient{"gradient", E::parameters};

  Fixture(Objective const& o, std::vector<double> const& points, Exec const& where = Exec())
      : options(o),
        exec(where),
        state(where, o, int(points.size()) / (E::dimension - objective::conditions<Objective>), {},
              3) {
    auto const to   = state.batch().points;
    auto const host = Kokkos::create_mirror_view(to);
    std::copy(points.begin(), points.end(), host.data());
    Kokkos::deep_copy(to, host);
    set(parameters_of<E>(1));
  }
  double w() const { return on_host(theta)[0]; }
  void set(std::vector<double> const& values) {
    Kokkos::deep_copy(theta, on_device<Exec, double>(values));
  }
  void run(Step const& step) {
    state.gradient(exec, options, E(theta.data()), step, nullptr, gradient.data());
  }
  std::vector<double> operator()(std::uint64_t step) {
    run(step);
    exec.fence();
    return on_host(gradient);
  }
  double mean(std::string_view column) const { return mean_of<Exec>(state.columns(), column); }
  auto sources(std::uint64_t step) {
    (*this)(step);
    return state.last_sources();
  }
};

// Numbers with their negatives, of mean square v exactly.
inline std::vector<double> points_of_variance_v(int n) {
  std::vector<double> x = numbers(std::size_t(n) / 2, 3);
  double square         = 0;
  for (double u : x) square += u * u / double(x.size());
  for (double& u : x) u *= std::sqrt(v / square);
  for (int i = n / 2; i-- > 0;) x.push_back(-x[std::size_t(i)]);
  return x;
}

/// beta of a Line where the gradient in w is 0, which is linear in w: the mean over steps of two
/// values of it gives the root.
template <class Exec, class Objective>
double root(Objective const& options, std::vector<double> const& points, int steps) {
  Fixture<Exec, Line, Objective> at(options, points);
  double slope[2]{};
  for (int w = 0; w < 2; ++w) {
    at.set({double(w), 0.5});
    for (int k = 0; k < steps; ++k) slope[w] += at(std::uint64_t(k))[0];
  }
  return 2 * slope[0] / (slope[0] - slope[1]);
}

/// The increasing map of the uniform law to N(0, v), at the midpoints of n cells, by bisection.
inline std::vector<double> normal_quantiles(int n) {
  std::vector<double> x;
  for (int i = 0; i < n; ++i) {
    double low = -10, high = 10;
    for (int k = 0; k < 60; ++k) {
      double const middle                                                    = (low + high) / 2;
      (std::erfc(-middle / std::sqrt(2.0)) / 2 < (i + 0.5) / n ? low : high) = middle;
    }
    x.push_back(std::sqrt(v) * low);
  }
  return x;
}

/// Checks the gradient at two steps against central differences of loss(), of the step just taken.
template <class At, class Loss>
void check_gradient(At& at, Loss const& loss) {
  auto theta = on_host(at.theta);
  for (std::uint64_t const k : {0, 3}) {
    at.set(theta);
    auto const g = at(k);
    double error = 0;
    for (std::size_t i = 0; i < theta.size(); ++i) {
      auto const moved = [&](double by) {
        auto other = theta;
        other[i] += by;
        at.set(other);
        at(k);
        return loss();
      };
      error = std::max(error, std::abs(g[i] - (moved(step) - moved(-step)) / (2 * step)));
    }
    CHECK(largest(g) > 0.1);
    CHECK(error < tolerance * (1 + largest(g)));
  }
}

}  // namespace basin::test

#endif
