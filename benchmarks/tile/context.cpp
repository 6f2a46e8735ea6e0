// SPDX-License-Identifier: Apache-2.0
// Question: how near to the machine's peak are the matrix products alone?
#include <basin/tile/launch.hpp>

#include "benchmarks/support/timing.hpp"

#include <string>

namespace {

using Exec = Kokkos::DefaultExecutionSpace;
using basin::tile::Matrix;

struct Keep {
  float* y;
  KOKKOS_FUNCTION float initial(int) const { return 0; }
  template <class Place, class V>
  KOKKOS_FUNCTION void operator()(Place at, V v) const {
    at.store(y, v);
  }
};

// repeats products y = W x (or W^T y) of one tile
template <int M, int K, bool Transposed>
struct Products {
  using scalar_type                   = float;
  static constexpr int workspace_rows = M + K;
  float const* w;
  int repeats;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, float* workspace, int) const {
    float* const x = workspace;
    float* const y = workspace + K * Context::width;
    c.map(M + K, [=](auto at) { at.store(workspace, typename Context::value_type(0.5f)); });
    for (int r = 0; r < repeats; ++r) {
      if constexpr (Transposed)
        c.template gemm_t<K, M>(Matrix<float, M, K>{w}, y, Keep{x});
      else
        c.template gemm<M, K>(Matrix<float, M, K>{w}, x, Keep{y});
    }
  }
};

template <int M, int K, bool Transposed>
void product(benchmark::State& state) {
  constexpr auto tuning = basin::tile::default_tuning<Exec, float>();
  Exec const exec;
  Kokkos::View<float*, Exec> const w("w", M * K);
  int constexpr repeats = 20, tiles = 16;
  basin::bench::Cost const cost{.flops = 2.0 * M * K * tuning.width * repeats * tiles};
  basin::bench::iterate<float>(state, exec, cost, [&] {
    basin::tile::for_each_tile<tuning>(exec, "basin::product", tiles,
                                       Products<M, K, Transposed>{w.data(), repeats});
  });
}

#define BASIN_PRODUCT(M, K)                                                                  \
  BENCHMARK((product<M, K, false>))->Name("gemm/" #M "x" #K)->Unit(benchmark::kMillisecond); \
  BENCHMARK((product<M, K, true>))->Name("gemm_t/" #M "x" #K)->Unit(benchmark::kMillisecond)
BASIN_PRODUCT(128, 128);
BASIN_PRODUCT(512, 512);
BASIN_PRODUCT(512, 43);
BASIN_PRODUCT(256, 784);
BASIN_PRODUCT(256, 256);
#undef BASIN_PRODUCT

}  // namespace
