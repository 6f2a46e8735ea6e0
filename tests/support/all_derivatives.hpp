// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_ALL_DERIVATIVES_HPP
#define BASIN_TESTS_SUPPORT_ALL_DERIVATIVES_HPP

#include <basin/objective/denoising_score_matching.hpp>

#include "support/finite_difference.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace basin::test {

/// E and dE/dx at points that fill the last tile of no tuning.
template <class Exec, tile::Tuning tuning, class Net>
std::vector<std::vector<typename Net::scalar_type>> values_and_gradients(Net const& net) {
  using Scalar            = typename Net::scalar_type;
  using M                 = Model<Exec, Net>;
  std::size_t constexpr n = 37, D = Net::dimension;
  auto const x = on_device<Exec, Scalar>(numbers(n * D, 2));
  typename M::Array const e("e", n), dx("dx", n * D);
  energy::energies<tuning>(Exec(), net, M::points(x), e);
  energy::gradients<tuning>(Exec(), net, M::points(x), M::points(dx));
  return {on_host(e), on_host(dx)};
}

/// Whatever kernels of a tuning compute of a network, at points that fill the last tile of no
/// tuning, by kind: E, dE/dx, H u, u.grad E, u.H u, and the parameter gradients of E, of u.H u / 2
/// and of denoising score matching, whose jets go on from products of values.
template <class Exec, tile::Tuning tuning, class Net>
std::vector<std::vector<typename Net::scalar_type>> all_derivatives(Net const& net) {
  using Scalar            = typename Net::scalar_type;
  using M                 = Model<Exec, Net>;
  using Points            = typename M::Points;
  std::size_t constexpr n = 37, D = Net::dimension;
  int constexpr count = static_cast<int>(n);
  auto const x        = on_device<Exec, Scalar>(numbers(n * D, 2)),
             u        = on_device<Exec, Scalar>(numbers(n * D, 3));
  Points const points = M::points(x), directions = M::points(u);
  using Array = typename M::Array;
  Array const product("Hu", n * D), first("first", n), second("second", n);
  constexpr tile::Tuning one = tile::jet_tuning(tuning, 1), two = tile::jet_tuning(tuning, 2);
  tile::for_each_tile<one>(Exec(), "test", tile::tiles(count, one.width),
                           energy::detail::HessianProductTile<Net, Points, Points, Points>{
                               net, points, directions, M::points(product)});
  tile::for_each_tile<two>(Exec(), "test", tile::tiles(count, two.width),
                           energy::detail::DirectionalTile<Net, Points, Points, Array>{
                               net, points, directions, first, second});
  auto all = values_and_gradients<Exec, tuning>(net);
  for (auto const& values : {product, first, second}) all.push_back(on_host(values));

  auto const parameter_gradient = [&](auto const& work, auto const& fill) {
    Array const gradient("gradient", +Net::parameters);
    work.set_weights(count, Scalar(1));
    work.record(Exec(), net, count, fill, {4, Purpose::dropout, 5});
    work.sum(Exec(), count, gradient.data());
    all.push_back(on_host(gradient));
  };
  using Jets = energy::FillJets<Points, Points>;
  parameter_gradient(energy::ParameterGradient<Net, 0, Exec, tuning>(count),
                     energy::FillPoints<Points>{points});
  parameter_gradient(energy::ParameterGradient<Net, 2, Exec, tuning>(count),
                     Jets{points, directions});

  objective::DenoisingScoreMatching const dsm{.standard_deviation = 0.3};
  typename objective::DenoisingScoreMatching::bind<Net, Exec, tuning> state(Exec(), dsm, count, {},
                                                                            1);
  Array const gradient("gradient", +Net::parameters);
  Kokkos::deep_copy(state.batch().points, points);
  state.gradient(Exec(), dsm, net, 6, nullptr, gradient.data());
  all.push_back(on_host(gradient));
  return all;
}

/// The largest difference, relative to 1 + the largest number of its kind; infinite where one is
/// not a number.
template <class Scalar>
double largest_difference(std::vector<std::vector<Scalar>> const& a,
                          std::vector<std::vector<Scalar>> const& b) {
  double worst = 0;
  for (std::size_t kind = 0; kind < b.size(); ++kind) {
    double size = 1, difference = 0;
    for (std::size_t i = 0; i < b[kind].size(); ++i) {
      double const d = std::abs(double(a[kind][i]) - double(b[kind][i]));
      if (std::isnan(d)) return INFINITY;
      size       = std::max(size, 1 + std::abs(double(b[kind][i])));
      difference = std::max(difference, d);
    }
    worst = std::max(worst, difference / size);
  }
  return worst;
}

}  // namespace basin::test

#endif
