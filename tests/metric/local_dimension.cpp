// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/network.hpp>
#include <basin/layer/square.hpp>
#include <basin/metric/local_dimension.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::metric::hessian_spectra;
using basin::metric::local_dimensions;
using Catch::Matchers::Message;
using Catch::Matchers::WithinAbs;
using Spectra = Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace>;
using Points  = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

// E = (sum_d a_d x_d^2 - 1)^2 / (4 epsilon), least on an ellipsoid.
using Shell =
    basin::energy::Network<double, basin::Vector<3>, basin::layer::Dense<3>, basin::layer::Square,
                           basin::layer::Dense<1>, basin::layer::Square, basin::layer::Dense<1>>;
constexpr double epsilon = 0.05;

auto shell(std::vector<double> const& a) {
  return on_device<Exec, double>({1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0,  //
                                  a[0], a[1], a[2], -1, 1 / (4 * epsilon), 0});
}
Points rows(std::vector<double> const& values) {
  Points const to("points", values.size() / 3, 3);
  auto const host = Kokkos::create_mirror_view(to);
  std::copy(values.begin(), values.end(), host.data());
  Kokkos::deep_copy(to, host);
  return to;
}

TEST_CASE("the spectrum of second derivatives is that of a sphere, on it and off it",
          "[metric][local_dimension]") {
  auto const theta = shell({1, 1, 1});
  // More points than are evaluated at once: directions that turn, of radius 1, then 1.5.
  int constexpr count = 1500;
  std::vector<double> x;
  for (int n = 0; n < count; ++n) {
    double const r = n < count / 2 ? 1 : 1.5, u = std::cos(0.37 * n), s = std::sqrt(1 - u * u);
    x.insert(x.end(), {r * u, r * s * std::cos(2.1 * n), r * s * std::sin(2.1 * n)});
  }
  auto const spectra = hessian_spectra(Exec(), Shell(theta.data()), rows(x));
  REQUIRE(spectra.extent(0) == count);
  double error = 0;
  for (int n = 0; n < count; ++n) {
    // H = (|x|^2 - 1) / epsilon + 2 x x^T / epsilon
    double const square = n < count / 2 ? 1 : 2.25, flat = (square - 1) / epsilon;
    error = std::max({error, std::abs(spectra(n, 0) - flat), std::abs(spectra(n, 1) - flat),
                      std::abs(spectra(n, 2) - flat - 2 * square / epsilon)});
  }
  CHECK(error < 1e-11);
  auto const dimensions = local_dimensions(spectra, 1);
  CHECK(std::count(dimensions.begin(), dimensions.begin() + count / 2, 2) == count / 2);
  CHECK(std::count(dimensions.begin() + count / 2, dimensions.end(), 0) == count - count / 2);
  CHECK(local_dimensions(spectra, 1e3)[0] == 3);
}

TEST_CASE("the local dimension of an ellipsoid that is nearly flat in one direction counts it",
          "[metric][local_dimension]") {
  // At (1, 0, 0) H = diag(2, 0, 0) / epsilon; at the origin H = -diag(a) / epsilon: both signs count.
  auto const theta   = shell({1, 4, 0.01});
  auto const spectra = hessian_spectra(Exec(), Shell(theta.data()), rows({1, 0, 0, 0, 0, 0}));
  CHECK_THAT(spectra(0, 2), WithinAbs(40, 1e-12));
  CHECK_THAT(spectra(1, 0), WithinAbs(-80, 1e-12));
  CHECK_THAT(spectra(1, 2), WithinAbs(-0.2, 1e-12));
  CHECK(local_dimensions(spectra, 1) == std::vector<int>{2, 1});
  CHECK(local_dimensions(spectra, 0.1) == std::vector<int>{2, 0});
}

TEST_CASE("local dimensions refuse another dimension, a threshold of 0 and what is not finite",
          "[metric][local_dimension][refusal]") {
  auto const theta = shell({1, 1, 1});
  Shell const energy(theta.data());
  CHECK_THROWS_MATCHES(hessian_spectra(Exec(), energy, Points("points", 4, 2)),
                       std::invalid_argument,
                       Message("basin::metric::hessian_spectra: points has second extent 2, the "
                               "energy has dimension 3"));
  CHECK_THROWS_MATCHES(hessian_spectra(Exec(), energy, rows({1, 0, 0, NAN, 0, 0})),
                       std::invalid_argument,
                       Message("basin::metric::hessian_spectra: a second derivative at point 1 is "
                               "not finite"));
  CHECK_THROWS_MATCHES(local_dimensions(Spectra("spectra", 1, 1), 0), std::invalid_argument,
                       Message("basin::metric::local_dimensions: threshold must be > 0, got 0"));
}

}  // namespace
