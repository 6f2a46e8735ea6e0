// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_ENERGY_TARGET_CHAINS_HPP
#define BASIN_TESTS_ENERGY_TARGET_CHAINS_HPP

#include <basin/energy/evaluate.hpp>
#include <basin/metric/convergence.hpp>
#include <basin/sampler/chain.hpp>
#include <basin/sampler/start.hpp>

#include <Kokkos_Core.hpp>

#include <vector>

namespace basin::test {

/// What chains of a sampler that start at N(0, scale^2) say of functions of the state.
///
/// \param before, draws  calls of the sampler, before the first and between draws
/// \param functions  their number; f(x, E, dE/dx, values) adds to values that are 0
template <class Exec, class S, class E, class F>
std::vector<metric::Convergence> expectations(S const& sampler, E const& energy, double scale,
                                              int chains, int before, int draws, int functions,
                                              F const& f) {
  using Table = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
  Table const x("x", chains, +E::dimension), dx("dx", chains, +E::dimension);
  Kokkos::View<double*, Exec> const e("e", chains);
  sampler::start_chains<tile::default_tuning<Exec, double>()>(
      Exec(), sampler::start::Gaussian{.standard_deviation = scale}, x, x, {.seed = 1});
  Kokkos::View<double***, Kokkos::LayoutRight, Kokkos::HostSpace> const values("f", draws, chains,
                                                                               functions);
  Stream stream{.seed = 2};
  auto const move = [&] {
    sampler::sample(Exec(), sampler, energy, x, stream);
    stream.step += static_cast<std::uint64_t>(sampler.steps);
  };
  for (int i = 0; i < before; ++i) move();
  for (int i = 0; i < draws; ++i) {
    move();
    energy::energies(Exec(), energy, x, e);
    energy::gradients(Exec(), energy, x, dx);
    auto const xs = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), x);
    auto const gs = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), dx);
    auto const es = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), e);
    for (int m = 0; m < chains; ++m) f(&xs(m, 0), es(m), &gs(m, 0), &values(i, m, 0));
  }
  return metric::convergence(
      Exec(), Kokkos::create_mirror_view_and_copy(typename Exec::memory_space(), values));
}

}  // namespace basin::test

#endif
