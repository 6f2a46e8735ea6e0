// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_CHAIN_LAW_HPP
#define BASIN_TESTS_SUPPORT_CHAIN_LAW_HPP

#include <basin/energy/quadratic.hpp>
#include <basin/sampler/chain.hpp>

#include "support/tunings.hpp"

#include <vector>

namespace basin::test {

/// What a sampler makes of chains on E = k |x|^2 / 2 that start at one point.
struct ChainLaw {
  double mean, variance;        ///< over chains and coordinates
  std::vector<double> columns;  ///< means over chains
};

/// \param n  chains of 4 coordinates: the variance has a standard error of v sqrt(1 / (2 n))
template <class Exec, class S>
ChainLaw law_of(S const& sampler, double stiffness, int n, double start = 0) {
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const chains("chains", n, 4);
  Kokkos::deep_copy(chains, start);
  constexpr int count = static_cast<int>(sampler::columns_of<S>.size());
  std::vector<Kokkos::View<double*, Exec>> columns;
  sampler::outputs_of<S, double> outputs;
  for (int i = 0; i < count; ++i) outputs.columns[i] = columns.emplace_back("column", n).data();
  sampler::sample(Exec(), sampler, energy::Quadratic<double, 4>{{.stiffness = stiffness}}, chains,
                  {.seed = 1}, outputs);
  auto const x = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), chains);
  ChainLaw law{};
  double square = 0;
  for (int i = 0; i < 4 * n; ++i) {
    law.mean += x.data()[i] / (4 * n);
    square += x.data()[i] * x.data()[i] / (4 * n);
  }
  law.variance = square - law.mean * law.mean;
  for (auto const& column : columns) {
    auto const values = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), column);
    double sum        = 0;
    for (int i = 0; i < n; ++i) sum += values(i) / n;
    law.columns.push_back(sum);
  }
  return law;
}

/// Tunings in which a sampler leaves other bits.
template <class Exec, class S>
int tunings_of_other_bits(S const& sampler) {
  return tunings_that_differ(run_in_few_tunings<Exec, float>([&]<tile::Tuning tuning>() {
    Kokkos::View<float**, Kokkos::LayoutRight, Exec> const chains("chains", 37, 3);
    sampler::sample<tuning>(Exec(), sampler, energy::Quadratic<float, 3>{}, chains, {.seed = 3});
    auto const x = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), chains);
    return std::vector<float>(x.data(), x.data() + x.size());
  }));
}

}  // namespace basin::test

#endif
