// SPDX-License-Identifier: Apache-2.0
#ifndef BENCHMARKS_SUPPORT_TIMING_HPP
#define BENCHMARKS_SUPPORT_TIMING_HPP

#include <basin/metric/fma_peak.hpp>

#include "benchmarks/support/ceilings.hpp"
#include "benchmarks/support/counters.hpp"

#include <Kokkos_Core.hpp>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace basin::bench {

/// What a call costs at the least, however it is done.
struct Cost {
  double flops;      ///< operations of the matrix products
  double bytes = 0;  ///< read or written once, as if caches kept nothing from call to call; 0: not
                     ///< counted
};

/// Times work() on exec, fenced before and after, as one iteration, and sets the counters
///
///   gflops, peak_fraction  over a multiply-add peak probed before and after in this process
///   tensor_fraction        the same operations over the rate of tf32 products, where it is known
///   bandwidth_fraction     bytes over the bandwidth of a copy
///   allocations, fences, launches  of one call, after warm-up, the timing's own fences not counted
///
/// Rates are of the median iteration: machines are shared. \returns its seconds
///
/// \param beside  called after each iteration and timed apart, so that a drift of the machine meets
///                both; with it, counter beside_fraction is its median time over that of work
template <class Scalar, class Exec, class Work, class Beside = std::nullptr_t>
double iterate(benchmark::State& state, Exec const& exec, Cost const& cost, Work const& work,
               Beside const& beside = {}) {
  constexpr bool pairs = !std::is_same_v<Beside, std::nullptr_t>;
  std::vector<double> seconds, beside_seconds;
  auto const time = [&](auto const& what, std::vector<double>& to) {
    exec.fence("basin::bench: before");
    Kokkos::Timer const timer;
    what();
    exec.fence("basin::bench: after");
    to.push_back(timer.seconds());
  };
  auto const median_of = [](std::vector<double>& of) {
    std::nth_element(of.begin(), of.begin() + of.size() / 2, of.end());
    return of[of.size() / 2];
  };
  work();  // first touch and lazy set-up stay out of the figure
  double peak = metric::fma_peak<Scalar>(exec);
  seconds.reserve(1 << 16);
  for (auto _ : state) {
    time(work, seconds);
    if constexpr (pairs) time(beside, beside_seconds);
  }
  peak = std::max(peak, metric::fma_peak<Scalar>(exec));

  double const median = median_of(seconds);
  int const calls     = std::clamp(static_cast<int>(1 / median), 1, 10);  // about a second of them
  Tally const tally   = count(exec, calls, work);

  double const gflops             = cost.flops / median * 1e-9;
  Ceilings const& most            = ceilings();
  state.counters["gflops"]        = gflops;
  state.counters["peak_gflops"]   = peak;
  state.counters["peak_fraction"] = gflops / peak;
  if (most.tf32_gflops > 0) state.counters["tensor_fraction"] = gflops / most.tf32_gflops;
  if (cost.bytes > 0) state.counters["bandwidth_fraction"] = cost.bytes / median / most.bandwidth;
  state.counters["median_ms"] = median * 1e3;
  state.counters["best_ms"]   = *std::min_element(seconds.begin(), seconds.end()) * 1e3;
  if constexpr (pairs) state.counters["beside_fraction"] = median_of(beside_seconds) / median;
  state.counters["allocations"] = double(tally.allocations) / calls;
  state.counters["fences"]      = double(tally.fences) / calls;
  state.counters["launches"]    = double(tally.launches) / calls;
  return median;
}

}  // namespace basin::bench

#endif
