// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_ENERGY_TARGET_CHECK_HPP
#define BASIN_TESTS_ENERGY_TARGET_CHECK_HPP

#include <basin/energy/evaluate.hpp>

#include "support/finite_difference.hpp"

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
      error = std::max(error, std::abs(slopes[n * D + d] - (above[n] - below[n]) / (2 * step)));
  }
  return error / (1 + largest(slopes) + largest(energies_of<Exec>(energy, x)));
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
