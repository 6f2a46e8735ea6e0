// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_SEQUENTIAL_MONTE_CARLO_HPP
#define BASIN_SAMPLER_SEQUENTIAL_MONTE_CARLO_HPP

#include <basin/core/field.hpp>
#include <basin/core/log_mean_exp.hpp>
#include <basin/energy/bridge.hpp>
#include <basin/energy/evaluate.hpp>
#include <basin/energy/sum.hpp>
#include <basin/sampler/chain.hpp>
#include <basin/sampler/resampling.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace basin::sampler {

namespace detail {

template <class Scalar, class From, class To>
struct GatherChains {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  From from;           // (chains, dimension)
  To to;               // (chains, dimension)
  int const* indices;  // (chains)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int n) const {
    From const source = from;
    To const target   = to;
    int const at      = indices[n];
    c.each(static_cast<int>(source.extent(1)), [=](int d) { target(n, d) = source(at, d); });
  }
};

}  // namespace detail

/// Sequential Monte Carlo along (1 - beta) E_0 + beta E_1: as annealed importance sampling, but chains
/// with small weights are replaced by copies of others at every rung, and the next beta is the one
/// at which the effective number of weights is a given share of the chains:
///
///   w_i = exp(-(beta' - beta)(E_1 - E_0)(x_i)),  (sum w)^2 / sum w^2 = effective_share n,
///   log Z += log mean w,  resampled by w (systematic_resampling),  the sampler moves x at beta'
///
/// Source: Del Moral, Doucet and Jasra 2006, JRSS B 68, 411, section 3.3.2 with adaptive beta. A ladder
/// that was found so makes log Z consistent, not unbiased: run again with 'betas' of the first run
/// for an estimate of Z without bias.
template <class Inner>
struct SequentialMonteCarlo {
  static_assert(check_inner_sampler<Inner>::value);

  Inner sampler{};                ///< of exp(-E) with accept and reject
  double effective_share = 0.5;   ///< in (0, 1)
  int most_rungs         = 1000;  ///< before it gives up; >= 1
  std::vector<double> betas{};    ///< the ladder, rising, the last 1; empty: found on the way

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::sampler::SequentialMonteCarlo";
    sampler.check();
    if (!(effective_share > 0 && effective_share < 1))
      refuse(who, "effective_share must be in (0, 1), got ", effective_share);
    if (most_rungs < 1) refuse(who, "most_rungs must be >= 1, got ", most_rungs);
    if (sampler.effective_temperature() != 1)
      refuse(who, "the temperature of the sampler must be 1, got ",
             sampler.effective_temperature());
    for (std::size_t k = 0; k < betas.size(); ++k)
      if (!(betas[k] > (k == 0 ? 0 : betas[k - 1]) && betas[k] <= 1))
        refuse(who, "betas must rise from above 0 to 1; number ", k, " is ", betas[k]);
    if (!betas.empty() && betas.back() != 1)
      refuse(who, "the last of the betas must be 1, got ", betas.back());
  }
};

/// What a run found.
struct SequentialMonteCarloResult {
  double log_ratio;           ///< estimate of log Z_1 / Z_0
  std::vector<double> betas;  ///< the rungs, the last 1
};

/// Moves chains with the law of E_0 to that of E_1. Waits for exec at every rung.
///
/// \param chains  (chains, dimension), moved; at the end all count alike
/// \throws std::invalid_argument as sampler::sample, or if the next beta does not rise within
///         most_rungs rungs, or an energy is NaN
template <tile::Tuning tuning, class Exec, class Inner, class From, class To, class Chains>
SequentialMonteCarloResult run_smc(Exec const& exec, SequentialMonteCarlo<Inner> const& options,
                                   From const& from, To const& to, Chains const& chains,
                                   Stream stream) {
  using Scalar    = typename From::scalar_type;
  using memory    = typename Exec::memory_space;
  char const* who = "basin::sampler::run_smc";
  options.check();
  int const count     = checked_count(who, "chains", chains.extent(0));
  std::size_t const n = chains.extent(0);
  if (n == 0) refuse(who, "chains has first extent 0, it must hold a chain");
  Kokkos::View<Scalar*, memory> const rise("basin::sampler::rise", n);
  Kokkos::View<int*, memory> const indices("basin::sampler::indices", n);
  Chains const copies("basin::sampler::copies", n, chains.extent(1));
  Kokkos::View<double*, Kokkos::HostSpace> const log_w("basin::sampler::log_weights", n);
  energy::Sum<To, From> const difference(to, from, Scalar(-1));

  SequentialMonteCarloResult result{0, {}};
  double beta = 0;
  for (int rung = 0; beta < 1; ++rung) {
    if (rung == options.most_rungs)
      refuse(who, "beta is ", beta, " after most_rungs = ", rung, " rungs; write more chains");
    energy::energies<tuning>(exec, difference, chains, rise);
    exec.fence(who);
    auto const d  = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), rise);
    auto const at = [&](double next) {
      for (std::size_t i = 0; i < n; ++i) log_w(i) = -(next - beta) * static_cast<double>(d(i));
      return log_mean_exp(log_w);
    };
    double next = 1;
    if (!options.betas.empty()) {
      next = options.betas[static_cast<std::size_t>(rung)];
    } else if (at(1).effective_weights < options.effective_share * static_cast<double>(n)) {
      double low = beta, high = 1;
      for (int k = 0; k < 60 && high - low > 1e-12; ++k) {
        next = (low + high) / 2;
        (at(next).effective_weights < options.effective_share * static_cast<double>(n) ? high
                                                                                       : low) =
            next;
      }
    }
    auto const mean = at(next);
    result.log_ratio += mean.value;
    result.betas.push_back(next);
    std::vector<double> weights(n);
    for (std::size_t i = 0; i < n; ++i) weights[i] = std::exp(log_w(i) - mean.value);
    Stream draw       = stream;
    draw.purpose      = Purpose::sampler_swap;
    auto const chosen = systematic_resampling(
        weights, unit_uniform<double>(random_word(draw, 0, static_cast<std::uint32_t>(rung))));
    auto const host = Kokkos::create_mirror_view(indices);
    for (std::size_t i = 0; i < n; ++i) host(i) = chosen[i];
    Kokkos::deep_copy(exec, indices, host);
    Kokkos::deep_copy(exec, copies, chains);
    tile::for_each_chain<tuning>(
        exec, "basin::resample", count,
        detail::GatherChains<Scalar, tile::Borrowed<Chains>, tile::Borrowed<Chains>>{
            copies, chains, indices.data()});
    beta = next;
    NoState none;
    run<tuning>(exec, options.sampler, none,
                energy::Bridge<From, To>(from, to, static_cast<Scalar>(beta)), chains, stream,
                outputs_of<Inner, Scalar>{});
    stream.step += static_cast<std::uint64_t>(options.sampler.steps);
    exec.fence(who);
  }
  return result;
}

/// As above, with the tuning of the backend.
template <class Exec, class Inner, class From, class To, class Chains>
SequentialMonteCarloResult run_smc(Exec const& exec, SequentialMonteCarlo<Inner> const& options,
                                   From const& from, To const& to, Chains const& chains,
                                   Stream stream) {
  constexpr int rows = energy::Bridge<From, To>::workspace_rows;
  return run_smc<tile::default_tuning<Exec, typename From::scalar_type, rows>()>(
      exec, options, from, to, chains, stream);
}

}  // namespace basin::sampler

#endif
