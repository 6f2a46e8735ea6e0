// SPDX-License-Identifier: Apache-2.0
// Expect: basin::energy::Network: the copies of weights were made for another tuning than that of this kernel; call
#include <basin/energy/evaluate.hpp>
#include <basin/energy/network.hpp>
#include <basin/energy/pack.hpp>

namespace tile = basin::tile;
using Model    = basin::energy::Network<float, basin::Vector<8>, basin::layer::Dense<16>,
                                        basin::layer::Dense<1>>;
using Exec     = Kokkos::DefaultExecutionSpace;

constexpr tile::Tuning floats{16, 4, 4, 1, 1};
#ifdef BASIN_EXPECT_REFUSAL
constexpr tile::Tuning packed = tile::with_precision(floats, tile::Precision::bf16);
#else
constexpr tile::Tuning packed = floats;
#endif

void run(Model const& model, float* copies, Kokkos::View<float**, Kokkos::LayoutRight> const& x,
         Kokkos::View<float*> const& e) {
  auto const energy = basin::energy::pack<packed>(Exec(), model, copies);
  basin::energy::energies<floats>(Exec(), energy, x, e);
}
