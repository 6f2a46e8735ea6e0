// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_SUPPORT_COMPOSED_HPP
#define TESTS_SUPPORT_COMPOSED_HPP

#include <basin/energy/analytic.hpp>
#include <basin/energy/evaluate.hpp>

#include "support/finite_difference.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace basin::test {

/// sum_d cos(x_d + d) + x_0 x_2 + slope x_1^2: no symmetry that an error could hide behind.
struct Waves {
  using scalar_type              = double;
  static constexpr int dimension = 3;
  double slope                   = 0.5;

  template <class V>
  KOKKOS_FUNCTION V operator()(V const (&x)[3], V (&dx)[3]) const {
    V e = x[0] * x[2] + x[1] * x[1] * slope;
    for (int d = 0; d < 3; ++d) {
      e     = e + cos(x[d] + V(double(d)));
      dx[d] = V(0.0) - sin(x[d] + V(double(d)));
    }
    dx[0] = dx[0] + x[2];
    dx[1] = dx[1] + x[1] * (2 * slope);
    dx[2] = dx[2] + x[0];
    return e;
  }
};
using WavesEnergy = energy::Analytic<Waves>;

/// E of Waves, on the host.
inline double waves(double const* x, double slope = 0.5) {
  return x[0] * x[2] + slope * x[1] * x[1] + std::cos(x[0]) + std::cos(x[1] + 1) +
         std::cos(x[2] + 2);
}

namespace detail {

template <class E, class Points, class Values>
struct CallTogether {
  using scalar_type                   = double;
  static constexpr int workspace_rows = E::workspace_rows;
  E energy;
  Points points, gradients;  // (n, dimension)
  Values values;             // (n)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, double* workspace, int tile) const {
    constexpr int T = Context::width;
    int const first = tile * T, count = static_cast<int>(points.extent(0));
    c.load_chains(points, first, count, +E::dimension, workspace + E::state_row * T);
    load_conditions(c, energy, workspace, first, count);
    energy.value_and_gradient(c, workspace);
    c.store_chains(workspace + E::gradient_row * T, first, count, +E::dimension, gradients);
    double const* const e = workspace + E::energy_row * T;
    Values const to       = values;
    c.each(+T, [=](int lane) {
      if (first + lane < count) to(first + lane) = e[lane];
    });
  }
};

}  // namespace detail

struct Evaluated {
  std::vector<double> energies;   // (n)
  std::vector<double> gradients;  // (n, dimension)
  double apart;                   // of both from one call, the largest difference
};

/// E and dE/dx of n states.
template <class Exec, class E>
Evaluated evaluate(E const& energy, std::vector<double> const& x) {
  using Points    = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
  using Values    = Kokkos::View<double*, Exec>;
  int const n     = static_cast<int>(x.size()) / E::dimension;
  auto const flat = on_device<Exec, double>(x);
  Points const points(flat.data(), n, E::dimension), g("gradients", n, E::dimension),
      both("both", n, E::dimension);
  Values const e("energies", n), value("values", n);
  energy::energies(Exec(), energy, points, e);
  energy::gradients(Exec(), energy, points, g);
  constexpr tile::Tuning tuning = tile::default_tuning<Exec, double, E::workspace_rows>();
  tile::for_each_tile<tuning>(Exec(), "together", tile::tiles(n, tuning.width),
                              detail::CallTogether<E, Points, Values>{energy, points, both, value});
  Evaluated all{on_host(e), on_host(g), 0};
  auto const values = on_host(value), slopes = on_host(both);
  for (std::size_t i = 0; i < values.size(); ++i)
    all.apart = std::max(all.apart, std::abs(values[i] - all.energies[i]));
  for (std::size_t i = 0; i < slopes.size(); ++i)
    all.apart = std::max(all.apart, std::abs(slopes[i] - all.gradients[i]));
  return all;
}

/// The largest error of the gradients, against central differences of the energies.
template <class Exec, class E>
double worst_difference(E const& energy, std::vector<double> const& x) {
  constexpr int D   = E::dimension;
  double const h    = 1e-5;
  auto const slopes = evaluate<Exec>(energy, x).gradients;
  double worst      = 0;
  for (std::size_t d = 0; d < std::size_t(D); ++d) {
    auto up = x, down = x;
    for (std::size_t i = d; i < x.size(); i += std::size_t(D)) up[i] += h, down[i] -= h;
    auto const above = evaluate<Exec>(energy, up).energies,
               below = evaluate<Exec>(energy, down).energies;
    for (std::size_t n = 0; n < above.size(); ++n)
      worst = std::max(worst,
                       std::abs((above[n] - below[n]) / (2 * h) - slopes[n * std::size_t(D) + d]));
  }
  return worst;
}

}  // namespace basin::test

#endif
