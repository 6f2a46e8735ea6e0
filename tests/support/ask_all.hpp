// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TESTS_SUPPORT_ASK_ALL_HPP
#define BASIN_TESTS_SUPPORT_ASK_ALL_HPP

#include "support/finite_difference.hpp"

#include <vector>

namespace basin::test {

/// Everything that is asked of a network at one point, one after the other on the same workspace:
/// each must leave the state as it was.
template <class Exec, class N>
struct AskAll {
  using scalar_type                   = typename N::scalar_type;
  using Numbers                       = Kokkos::View<scalar_type*, Exec>;
  using Points                        = Kokkos::View<scalar_type**, Kokkos::LayoutRight, Exec>;
  static constexpr int workspace_rows = N::workspace_rows;
  N net;
  Points points, gradients;  // (n, dimension)
  Numbers energies;          // (n)
  energy::Record<scalar_type> record;
  Stream stream;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type* workspace, int tile) const {
    constexpr int T = Context::width;
    int const first = tile * T, count = static_cast<int>(points.extent(0));
    scalar_type const* const e = workspace + N::energy_row * T;
    Numbers const to           = energies;
    c.load_chains(points, first, count, +N::dimension, workspace + N::state_row * T);
    net.energy(c, workspace);
    c.each(+T, [=](int t) {
      if (first + t < count) to(first + t) = e[t];
    });
    net.gradient(c, workspace);
    c.store_chains(workspace + N::gradient_row * T, first, count, +N::dimension, gradients);
    net.record(c, workspace, record, first, stream);
  }
};

inline constexpr std::size_t chains = 37;  // fill the last tile of no tuning

/// Energies, gradients, energies of a training pass, parameter gradient: one after the other.
template <
    class Exec, class N,
    tile::Tuning tuning = tile::default_tuning<Exec, typename N::scalar_type, N::workspace_rows>()>
std::vector<typename N::scalar_type> ask_all(std::vector<double> const& parameters) {
  using Scalar  = typename N::scalar_type;
  using Numbers = Kokkos::View<Scalar*, Exec>;
  using Points  = Kokkos::View<Scalar**, Kokkos::LayoutRight, Exec>;
  int const n = chains, tiles = tile::tiles(n, tuning.width), samples = tiles * tuning.width;
  auto const theta   = on_device<Exec, Scalar>(parameters);
  auto const x       = on_device<Exec, Scalar>(numbers(N::dimension * chains, 2));
  auto const weights = on_device<Exec, Scalar>(numbers(chains, 3));
  Numbers const e("e", n), g("g", n * N::dimension), rows("record", N::record_rows * samples),
      recorded("recorded", samples), dtheta("dtheta", +N::parameters);
  energy::Record<Scalar> const record{rows.data(), recorded.data(), samples};
  tile::for_each_tile<tuning>(Exec(), "test", tiles,
                              AskAll<Exec, N>{N(theta.data()),
                                              Points(x.data(), n, +N::dimension),
                                              Points(g.data(), n, +N::dimension),
                                              e,
                                              record,
                                              {4, Purpose::dropout, 5}});
  tile::for_each_tile<tuning>(
      Exec(), "test", +N::gradient_blocks,
      detail::ParameterGradient<N>{record, weights.data(), n, dtheta.data()});
  auto all      = on_host(e);
  auto training = on_host(recorded);
  training.resize(chains);
  for (auto const& more : {on_host(g), training, on_host(dtheta)})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace basin::test

#endif
