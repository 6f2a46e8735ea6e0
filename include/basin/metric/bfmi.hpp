// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_BFMI_HPP
#define BASIN_METRIC_BFMI_HPP

#include <basin/metric/detail/draws.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace basin::metric {

namespace detail {

template <class Exec>
struct SquaredSteps {
  ChainTable<Exec> table;
  Kokkos::View<double*, Exec> steps;  // (chains) sum of (x_i - x_(i-1))^2

  KOKKOS_FUNCTION void operator()(std::int64_t chain) const {
    std::size_t const m = static_cast<std::size_t>(chain);
    double sum          = 0;
    for (std::size_t i = 1; i < table.extent(1); ++i) {
      double const step = table(m, i) - table(m, i - 1);
      sum += step * step;
    }
    steps(m) = sum;
  }
};

}  // namespace detail

/// The Bayesian fraction of missing information by the energies of each chain (E-BFMI),
///
///   (mean_i (H_i - H_(i-1))^2) / var_i H_i
///
/// H the Hamiltonian E(x) + |p|^2 / 2 after the momenta are drawn anew, which is what can change it.
/// 2 for independent energies; below 0.3 the momenta hardly move a chain along a wide distribution
/// of energies, and its tails are not to be trusted. Source: Betancourt 2016, arXiv:1604.00695, eq.
/// 4.6.
///
/// \param energies  (draws, chains), of any layout; at least 2 draws
/// \return (chains); NaN for a chain whose energies are not finite, or all equal. Synchronizes exec.
/// \throws std::invalid_argument if there are fewer than 2 draws, or no chains
template <class Exec, class Energies>
auto bfmi(Exec const& exec, Energies const& energies) {
  return detail::of_each_function("basin::metric::bfmi", exec, energies, 2, [&](auto const& table) {
    Kokkos::View<double*, Exec> const steps("basin::metric::steps", table.extent(0));
    detail::for_each_item(exec, "basin::steps", static_cast<std::int64_t>(table.extent(0)),
                          detail::SquaredSteps<Exec>{table, steps});
    auto const squares = detail::moments(exec, table).squares;
    auto fractions     = detail::to_host(steps);
    // Both sums are over n - 1.
    for (std::size_t m = 0; m < fractions.size(); ++m) fractions[m] /= squares[m];
    return fractions;
  });
}

}  // namespace basin::metric

#endif
