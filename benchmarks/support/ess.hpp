// SPDX-License-Identifier: Apache-2.0
#ifndef BENCHMARKS_SUPPORT_ESS_HPP
#define BENCHMARKS_SUPPORT_ESS_HPP

#include <basin/metric/effective_sample_size.hpp>
#include <basin/metric/r_hat.hpp>
#include <basin/sampler/adaptive_hamiltonian.hpp>
#include <basin/sampler/chees_hamiltonian.hpp>
#include <basin/sampler/microcanonical.hpp>

#include "benchmarks/support/counters.hpp"
#include "benchmarks/support/ess_targets.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

// Effective samples a second: a sampler tunes itself, then runs with every draw kept, in one kernel.

namespace basin::bench::ess {

using Draws = Kokkos::View<float***, Kokkos::LayoutRight, Exec>;  // (draws, chains, D)

/// A move that leaves the chains in 'draws' after each of its steps.
template <class Move>
struct RecordingMove {
  static constexpr int rows = Move::rows;
  Move move;
  Draws draws;  // empty: none

  template <class Context, class Tile>
  KOKKOS_FUNCTION void begin(Context const& c, Tile const& t) const {
    move.begin(c, t);
  }
  template <class Context, class Tile>
  KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int k, Stream const& stream) const {
    move.step(c, t, k, stream);
    std::size_t const chains = draws.extent(1), D = draws.extent(2);
    if (draws.size() == 0) return;
    Kokkos::View<float**, Kokkos::LayoutRight, Exec, Kokkos::MemoryTraits<Kokkos::Unmanaged>> const
        now(draws.data() + static_cast<std::size_t>(k) * chains * D, chains, D);
    c.store_chains(t.x, t.first, t.count, static_cast<int>(D), now);
  }
  template <class Context, class Tile>
  KOKKOS_FUNCTION void end(Context const& c, Tile const& t) const {
    move.end(c, t);
  }
};

/// A sampler that tunes itself, and keeps what it draws.
template <class Inner>
struct Recorded {
  int steps = 1;
  Inner inner{};
  sampler::Adaptation adaptation{};
  Draws draws{};

  static constexpr auto columns = Inner::columns;
  template <class Scalar, class Space>
  using state = typename Inner::template state<Scalar, Space>;
  template <class E, class Space>
  auto tuned_move(state<typename E::scalar_type, Space> const& now) const {
    return RecordingMove{inner.template tuned_move<E, Space>(now), draws};
  }
  void check() const { inner.check(); }
};

struct Settings {
  int chains;
  int draws;
  double length;      ///< trajectory_length, of ChEES the first; 0: one leapfrog, which is MALA
  double acceptance;  ///< aimed at
  int warmup       = 400;
  double step_size = 0.1;  ///< first
};

/// What a run says; see judge.
struct Verdict {
  double size = INFINITY, r_hat = 0, deviation = 0;
};

struct FunctionOfDraws {
  Draws draws;
  Kokkos::View<double**, Exec> values;  // (draws, chains)
  Functions functions;
  int k;
  KOKKOS_FUNCTION void operator()(std::int64_t item) const {
    std::size_t const n = static_cast<std::size_t>(item) / draws.extent(1),
                      m = static_cast<std::size_t>(item) % draws.extent(1);
    values(n, m) =
        functions(Kokkos::subview(draws, n, m, Kokkos::ALL), k, static_cast<int>(draws.extent(2)));
  }
};

/// Of all listed functions the least effective sample size, the largest R-hat, and the largest
/// deviation of a mean from the exact one in standard errors.
template <class Target>
Verdict judge(Exec const& exec, Target const& target, Draws const& draws) {
  Verdict found;
  Kokkos::View<double**, Exec> const values("basin::bench::values", draws.extent(0),
                                            draws.extent(1));
  double const count = static_cast<double>(values.size());
  for (std::size_t k = 0; k < target.exact.size(); ++k) {
    Kokkos::parallel_for("basin::bench::function",
                         Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(
                             exec, 0, static_cast<std::int64_t>(values.size())),
                         FunctionOfDraws{draws, values, target.functions, static_cast<int>(k)});
    double const size  = metric::effective_sample_size(exec, values);
    double const r_hat = metric::r_hat(exec, values);
    auto const host    = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
    double sum = 0, squares = 0;
    for (std::size_t n = 0; n < host.extent(0); ++n)
      for (std::size_t m = 0; m < host.extent(1); ++m) sum += host(n, m);
    double const mean = sum / count;
    for (std::size_t n = 0; n < host.extent(0); ++n)
      for (std::size_t m = 0; m < host.extent(1); ++m)
        squares += (host(n, m) - mean) * (host(n, m) - mean);
    double const error = target.exact[k].error;
    double const z     = std::abs(mean - target.exact[k].mean) /
                     std::sqrt(squares / (count - 1) / size + error * error);
    // A number that is none fails.
    found.size      = size >= found.size ? found.size : size;
    found.r_hat     = r_hat <= found.r_hat ? found.r_hat : r_hat;
    found.deviation = z <= found.deviation ? found.deviation : z;
  }
  return found;
}

/// \tparam Inner  AdaptiveHamiltonian, CheesHamiltonian or Microcanonical
template <class Inner, class Target>
void ess_per_second(benchmark::State& state, Settings const& s) {
  Exec const exec;
  Target const target;
  auto const energy = target.energy();
  using E           = typename Target::energy_type;
  using Sampler     = Recorded<Inner>;
  constexpr int D   = Target::D;
  Sampler sampler{
      .steps = s.warmup,
      .inner = {.step_size = s.step_size, .trajectory_length = s.length > 0 ? s.length : 1e-30},
      .adaptation = {.warmup = s.warmup, .target_acceptance = s.acceptance}};
  sampler::state_of<Inner, float, Exec> tuned(exec, sampler.inner, s.chains, D, 1);
  Kokkos::View<float**, Kokkos::LayoutRight, Exec> const chains("basin::bench::chains", s.chains,
                                                                D);
  {
    auto const host = Kokkos::create_mirror_view(chains);
    for (int n = 0; n < s.chains; ++n)
      for (int d = 0; d < D; ++d) {
        std::uint64_t const at = 2 * (std::uint64_t(n) * D + d);
        double const u         = hashed(100, at) / std::sqrt(12.0) + 0.5,
                     v         = hashed(100, at + 1) / std::sqrt(12.0);
        host(n, d) = static_cast<float>(target.spread * std::sqrt(-2 * std::log(u + 1e-8)) *
                                        std::cos(2 * std::numbers::pi * v));
      }
    Kokkos::deep_copy(chains, host);
  }
  constexpr tile::Tuning tuning = tile::default_tuning<Exec, float, E::workspace_rows>();
  std::uint64_t step            = 0;
  Kokkos::View<float*, Exec> const accepted("basin::bench::acceptance", s.chains);
  sampler::outputs_of<Sampler, float> outputs;
  outputs.columns[sampler::find_column<Sampler>("acceptance")] = accepted.data();
  auto const run                                               = [&](int steps) {
    sampler.steps = steps;
    Kokkos::Timer const timer;
    sampler::sample<tuning>(exec, sampler, tuned, energy, chains, {.seed = 1, .step = step},
                                                                          outputs);
    exec.fence("basin: ess");  // a short name: longer ones are allocated
    step += static_cast<std::uint64_t>(steps);
    return timer.seconds();
  };
  double const warmup = run(s.warmup);
  Tally const tally   = count(exec, 2, [&] { run(2); });
  sampler.draws       = Draws("basin::bench::draws", s.draws, s.chains, D);
  Kokkos::deep_copy(exec, sampler.draws, 0.0f);  // first touch
  std::vector<double> seconds;
  for (auto _ : state) {
    seconds.push_back(run(s.draws));
    state.SetIterationTime(seconds.back());
  }
  std::nth_element(seconds.begin(), seconds.begin() + seconds.size() / 2, seconds.end());
  double const median = seconds[seconds.size() / 2];

  Verdict const found = judge(exec, target, sampler.draws);
  bool const counts   = found.r_hat < 1.01 && found.deviation < 4 && found.size > 0;
  if (!counts) {
    char text[160];
    std::snprintf(text, sizeof text,
                  "does not count: R-hat %.4f must be < 1.01, deviation %.2f standard errors < 4",
                  found.r_hat, found.deviation);
    state.SetLabel(text);
  }
  auto const host = [](auto const& view) {
    return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  };
  double acceptance = 0;
  for (int n = 0; n < s.chains; ++n) acceptance += host(accepted)(n) / s.chains;
  state.counters["ess_per_second"]             = counts ? found.size / median : 0;
  state.counters["ess_per_second_with_warmup"] = counts ? found.size / (median + warmup) : 0;
  state.counters["ess"]                        = found.size;
  state.counters["r_hat"]                      = found.r_hat;
  state.counters["deviation"]                  = found.deviation;
  state.counters["seconds"]                    = median;
  state.counters["warmup_seconds"]             = warmup;
  state.counters["chains"]                     = s.chains;
  state.counters["draws"]                      = s.draws;
  state.counters["acceptance"]                 = acceptance;
  state.counters["step_size"]                  = host(tuned.step_size())(0);
  state.counters["allocations"]                = double(tally.allocations) / 2;
  state.counters["launches"]                   = double(tally.launches) / 2;
}

}  // namespace basin::bench::ess

#endif
