// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_LOCAL_DIMENSION_HPP
#define BASIN_METRIC_LOCAL_DIMENSION_HPP

#include <basin/core/check.hpp>
#include <basin/energy/derivatives.hpp>
#include <basin/metric/detail/arguments.hpp>

#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace basin::metric {

/// Eigenvalues of the second derivatives of E at points, by jets: the columns of each matrix are its
/// products with the axes, exact, and its symmetric part is decomposed on the host in double.
/// Allocates, and waits for exec.
///
/// \param points  (n, dimension of the energy)
/// \return (n, dimension), of each point in rising order, units of E / x^2
/// \throws std::invalid_argument if the second extent does not fit or a derivative is not finite
template <class Exec, class E, class Points>
Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> hessian_spectra(
    Exec const& exec, E const& energy, Points const& points) {
  using Scalar = typename E::scalar_type;
  using Rows   = Kokkos::View<Scalar**, Kokkos::LayoutRight, typename Exec::memory_space>;
  constexpr std::size_t D = E::dimension;
  constexpr int of_matrix = E::dimension;
  char const* who         = "basin::metric::hessian_spectra";
  energy::detail::check_points<E>(who, points);
  std::size_t const n       = points.extent(0),
                    at_once = std::clamp<std::size_t>(n, 1, D < 4096 ? 4096 / D : 1);
  Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> const spectra(
      "basin::metric::spectra", n, D);
  auto const at = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), points);
  // Each point once for every axis.
  Rows const x("basin::metric::points", at_once * D, D), u("basin::metric::axes", at_once * D, D),
      products("basin::metric::products", at_once * D, D);
  auto const x_of = Kokkos::create_mirror_view(x);
  auto const u_of = Kokkos::create_mirror_view(u);
  auto const h    = Kokkos::create_mirror_view(products);
  for (std::size_t r = 0; r < at_once * D; ++r) u_of(r, r % D) = 1;
  Kokkos::deep_copy(exec, u, u_of);
  for (std::size_t first = 0; first < n; first += at_once) {
    for (std::size_t r = 0; r < at_once * D; ++r)
      for (std::size_t d = 0; d < D; ++d) x_of(r, d) = at(std::min(first + r / D, n - 1), d);
    Kokkos::deep_copy(exec, x, x_of);
    energy::hessian_vector_products(exec, energy, x, u, products);
    Kokkos::deep_copy(exec, h, products);
    exec.fence(who);
    for (std::size_t i = first; i < std::min(n, first + at_once); ++i) {
      Eigen::MatrixXd matrix(of_matrix, of_matrix);
      for (int a = 0; a < of_matrix; ++a)
        for (int b = 0; b < of_matrix; ++b)
          matrix(a, b) = static_cast<double>(
              h((i - first) * D + static_cast<std::size_t>(a), static_cast<std::size_t>(b)));
      if (!matrix.allFinite()) refuse(who, "a second derivative at point ", i, " is not finite");
      Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> const solver((matrix + matrix.transpose()) / 2,
                                                                  Eigen::EigenvaluesOnly);
      for (int d = 0; d < of_matrix; ++d)
        spectra(i, static_cast<std::size_t>(d)) = solver.eigenvalues()(d);
    }
  }
  return spectra;
}

/// Local intrinsic dimension of what an energy has learned: the number of directions in which it is
/// flat, |lambda| < threshold, lambda the eigenvalues of its second derivatives.
///
/// Where the data lie near a manifold the energy is steep across it. The threshold has the units of E
/// / x^2: with V = temperature E as in Energy Matching, one of V is one of E times the temperature, and
/// sqrt(temperature / threshold) is the length below which a direction counts as across. Choose it on
/// points apart. Source: Balcerak et al. 2025, arXiv:2504.10612, and its code, with
/// thresholds of 3 and 2 at temperatures 0.1 and 0.01.
///
/// \param spectra    (n, dimension), see hessian_spectra
/// \param threshold  > 0
/// \return (n) in [0, dimension]
/// \throws std::invalid_argument if the threshold is not > 0
template <detail::Table Spectra>
std::vector<int> local_dimensions(Spectra const& spectra, double threshold) {
  if (!(threshold > 0))
    refuse("basin::metric::local_dimensions", "threshold must be > 0, got ", threshold);
  std::vector<int> flat(spectra.extent(0));
  for (std::size_t n = 0; n < flat.size(); ++n)
    for (std::size_t d = 0; d < spectra.extent(1); ++d)
      flat[n] += std::abs(static_cast<double>(spectra(n, d))) < threshold ? 1 : 0;
  return flat;
}

}  // namespace basin::metric

#endif
