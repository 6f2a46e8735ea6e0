// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_ENERGY_TARGET_CHECK_HPP
#define BASIN_TESTS_ENERGY_TARGET_CHECK_HPP

#include <basin/energy/derivatives.hpp>
#include <basin/energy/evaluate.hpp>

#include "support/finite_difference.hpp"
#include "support/tunings.hpp"

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

// Energies whose answers are known.
namespace basin::test {

template <class Exec>
using Points = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

/// (n, dimension) on the device.
template <class Exec, class E>
Points<Exec> points_of(E const&, std::vector<double> const& x) {
  Points<Exec> const points("points", x.size() / E::dimension, +E::dimension);
  auto const host = Kokkos::create_mirror_view(points);
  std::copy(x.begin(), x.end(), host.data());
  Kokkos::deep_copy(points, host);
  return points;
}

template <class Exec, class E>
std::vector<double> energies_of(E const& energy, std::vector<double> const& x) {
  Kokkos::View<double*, Exec> const e("e", x.size() / E::dimension);
  energy::energies(Exec(), energy, points_of<Exec>(energy, x), e);
  return on_host(e);
}

/// The larger of both; NaN if one is.
inline double worse(double a, double b) { return a > b || std::isnan(a) ? a : b; }

/// The largest |dE/dx - central difference of E| / (1 + the largest |E| and |dE/dx|).
template <class Exec, class E>
double gradient_error(E const& energy, std::vector<double> const& x) {
  auto const D = static_cast<std::size_t>(E::dimension);
  auto const g = points_of<Exec>(energy, x);
  energy::gradients(Exec(), energy, points_of<Exec>(energy, x), g);
  auto const slopes = on_host(g);
  double error      = 0;
  for (std::size_t d = 0; d < D; ++d) {
    auto up = x, down = x;
    for (std::size_t i = d; i < x.size(); i += D) {
      up[i] += step;
      down[i] -= step;
    }
    auto const above = energies_of<Exec>(energy, up), below = energies_of<Exec>(energy, down);
    for (std::size_t n = 0; n < above.size(); ++n)
      error = worse(error, std::abs(slopes[n * D + d] - (above[n] - below[n]) / (2 * step)));
  }
  return error / (1 + largest(slopes) + largest(energies_of<Exec>(energy, x)));
}

/// The largest |tr H - sum of central differences of dE/dx| / (1 + the largest trace).
template <class Exec, class E>
double trace_error(E const& energy, std::vector<double> const& x) {
  auto const D = static_cast<std::size_t>(E::dimension);
  Kokkos::View<double*, Exec> const traces("traces", x.size() / D);
  energy::hessian_traces(Exec(), energy, points_of<Exec>(energy, x), traces);
  auto const found = on_host(traces);
  auto const slope = [&](std::vector<double> const& at) {
    auto const g = points_of<Exec>(energy, at);
    energy::gradients(Exec(), energy, points_of<Exec>(energy, at), g);
    return on_host(g);
  };
  std::vector<double> sums(found.size());
  for (std::size_t d = 0; d < D; ++d) {
    auto up = x, down = x;
    for (std::size_t i = d; i < x.size(); i += D) {
      up[i] += step;
      down[i] -= step;
    }
    auto const above = slope(up), below = slope(down);
    for (std::size_t n = 0; n < sums.size(); ++n)
      sums[n] += (above[n * D + d] - below[n * D + d]) / (2 * step);
  }
  double error = 0;
  for (std::size_t n = 0; n < sums.size(); ++n) error = worse(error, std::abs(found[n] - sums[n]));
  return error / (1 + largest(found));
}

/// Tunings in which energies or gradients of 37 states have other bits.
template <class Exec, class E>
int tunings_of_other_bits(E const& energy, double size) {
  using Scalar     = typename E::scalar_type;
  using Table      = Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec>;
  int constexpr n  = 37;
  auto const x     = numbers(static_cast<std::size_t>(n * E::dimension), 7, size);
  auto const state = on_device<Exec, Scalar>(x);
  Table const points(state.data(), n, +E::dimension);
  return tunings_that_differ(run_in_few_tunings<Exec, Scalar>([&]<tile::Tuning tuning>() {
    Kokkos::View<Scalar*, Exec> const e("e", n);
    Table const g("g", n, +E::dimension);
    energy::energies<tuning>(Exec(), energy, points, e);
    energy::gradients<tuning>(Exec(), energy, points, g);
    auto result     = on_host(e);
    auto const more = on_host(g);
    result.insert(result.end(), more.begin(), more.end());
    return result;
  }));
}

/// ln of the integral of exp(-E) over the square [-a, a]^2, by the trapezoidal rule with n^2 points:
/// of a smooth E that is large on the edge, exact to rounding.
template <class Exec, class E>
double log_integral(E const& energy, double a, int n) {
  static_assert(E::dimension == 2);
  std::vector<double> x;
  double const h = 2 * a / n;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      x.push_back(-a + h * i);
      x.push_back(-a + h * j);
    }
  double sum = 0;
  for (double const e : energies_of<Exec>(energy, x)) sum += std::exp(-e);
  return std::log(h * h * sum);
}

}  // namespace basin::test

#endif
