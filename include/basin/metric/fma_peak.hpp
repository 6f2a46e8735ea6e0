// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_METRIC_FMA_PEAK_HPP
#define BASIN_METRIC_FMA_PEAK_HPP

#include <basin/tile/simd.hpp>
#include <basin/tile/tuning.hpp>

#include <Kokkos_Core.hpp>

#include <algorithm>

namespace basin::metric {

namespace detail {

// Twelve independent chains of multiply-adds: more than any two pipes need.
template <class V>
struct MultiplyAdds {
  using Scalar = typename V::value_type;
  Scalar* out;
  int rounds;
  Scalar a, b;

  KOKKOS_FUNCTION void operator()(int item) const {
    constexpr int chains = 12;
    V x[chains];
    for (int i = 0; i < chains; ++i) x[i] = V(Scalar(item + i) * b);
    for (int r = 0; r < rounds; ++r) {
      BASIN_UNROLL for (int i = 0; i < chains; ++i) x[i] = tile::fma(x[i], V(a), V(b));
#if BASIN_NATIVE_PACK
      asm volatile("" ::"x"(x[0].v));  // keeps the compiler from interchanging the loops
#endif
    }
    V sum(Scalar(0));
    for (int i = 0; i < chains; ++i) sum = sum + x[i];
    Scalar total = 0;
    for (int lane = 0; lane < V::lanes; ++lane) total += sum[lane];
    out[item] = total;
  }
};

}  // namespace detail

/// Multiply-add rate that all threads of exec reach together with nothing in registers but the
/// multiply-adds, in GFLOP/s: the ceiling that other rates are a share of. The best of many short
/// runs, since machines are shared; takes about 50 ms and synchronizes exec.
template <class Scalar, class Exec>
double fma_peak(Exec const& exec) {
  constexpr bool host = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;
  using V             = tile::Simd<Scalar, host ? tile::default_tuning<Exec, Scalar>().lanes : 1>;
  int const items     = exec.concurrency();
  int const rounds    = host ? 100000 : 4096;
  Kokkos::View<Scalar*, Exec> const out("basin::metric::fma_peak", items);
  double best = 0;
  Kokkos::Timer const all;
  for (int run = 0; run < 7 || all.seconds() < 0.05; ++run) {
    exec.fence("basin::metric: before");
    Kokkos::Timer const timer;
    Kokkos::parallel_for("basin::peak", Kokkos::RangePolicy<Exec>(exec, 0, items),
                         detail::MultiplyAdds<V>{out.data(), rounds, Scalar(0.999), Scalar(1e-3)});
    exec.fence("basin::metric: after");
    best = std::max(best, 2.0 * 12 * V::lanes * rounds * items / timer.seconds() * 1e-9);
  }
  return best;
}

}  // namespace basin::metric

#endif
