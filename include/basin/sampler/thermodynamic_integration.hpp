// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_THERMODYNAMIC_INTEGRATION_HPP
#define BASIN_SAMPLER_THERMODYNAMIC_INTEGRATION_HPP

#include <basin/sampler/annealed_importance.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace basin::sampler {

/// What an integral along a path found.
struct ThermodynamicIntegral {
  double log_ratio;       ///< estimate of log Z_1 / Z_0
  double standard_error;  ///< of log_ratio, over the chains
  double lower, upper;    ///< the sums of the left and of the right ends of the rungs: both bracket
                          ///< log Z_1 / Z_0, since the mean of E_1 - E_0 falls along the path
};

/// A ratio of normalizers as an integral along (1 - beta) E_0 + beta E_1, a check of annealed
/// importance sampling on the same path, sampler and rungs:
///
///   log Z_1 / Z_0 = -int_0^1 f(beta) d beta,   f(beta) = mean of E_1 - E_0 at beta
///
/// by the trapezoidal rule with its next term, which f' = -variance of E_1 - E_0 gives: of a rung of
/// width h from a to b
///
///   h (f_a + f_b) / 2 - h^2 / 12 (variance_a - variance_b)
///
/// so that the error falls with the fourth power of h. Source: Gelman and Meng 1998, Statistical
/// Science 13(2), section 2; Friel, Hurn and Wyse 2014, Statistics and Computing 24(5), eq. 6. No
/// weights, so no weight can dominate; but chains that lag behind the path bias it, where annealed
/// importance sampling stays right: let the sampler take several steps. The chains are independent of
/// one another, and a chain is followed along the path: the standard error is that over chains.
/// Waits for exec at every rung.
///
/// \param path    the sampler and the rungs
/// \param from    E_0, whose law the chains have
/// \param to      E_1
/// \param chains  (chains, dimension), moved; at the end with the law of E_1; at least 2
/// \throws std::invalid_argument as sampler::sample, or if there are fewer than 2 chains, or E_1 - E_0
///         of a chain is not finite
template <tile::Tuning tuning, class Exec, class Inner, class From, class To, class Chains>
ThermodynamicIntegral thermodynamic_integral(Exec const& exec,
                                             AnnealedImportance<Inner> const& path,
                                             From const& from, To const& to, Chains const& chains,
                                             Stream stream) {
  using Scalar    = typename From::scalar_type;
  char const* who = "basin::sampler::thermodynamic_integral";
  path.check();
  std::size_t const n = chains.extent(0);
  checked_count(who, "chains", n);
  if (n < 2) refuse(who, "there must be at least 2 chains, got ", n);
  Kokkos::View<Scalar*, typename Exec::memory_space> const rise("basin::sampler::rise", n);
  energy::Sum<To, From> const difference(to, from, Scalar(-1));
  std::vector<double> integral(n);  // of each chain
  ThermodynamicIntegral result{0, 0, 0, 0};
  double const count = static_cast<double>(n);
  for (int k = 0; k <= path.rungs; ++k) {
    double const beta = path.beta(k);
    if (k > 0) {
      NoState none;
      run<tuning>(exec, path.sampler, none,
                  energy::Bridge<From, To>(from, to, static_cast<Scalar>(beta)), chains, stream,
                  outputs_of<Inner, Scalar>{});
      stream.step += static_cast<std::uint64_t>(path.sampler.steps);
    }
    energy::energies<tuning>(exec, difference, chains, rise);
    exec.fence(who);
    auto const d = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), rise);
    double mean  = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double const of_chain = static_cast<double>(d(i));
      if (!std::isfinite(of_chain))
        refuse(who, "E_1 - E_0 of chain ", i, " is ", of_chain, " at beta = ", beta);
      mean += of_chain / count;
    }
    double const before = k > 0 ? beta - path.beta(k - 1) : 0;
    double const behind = k < path.rungs ? path.beta(k + 1) - beta : 0;
    double const bend   = (behind * behind - before * before) / 12 * count / (count - 1);
    for (std::size_t i = 0; i < n; ++i) {
      double const of_chain = static_cast<double>(d(i)), apart = of_chain - mean;
      integral[i] += bend * apart * apart - (before + behind) / 2 * of_chain;
    }
    result.lower -= behind * mean;
    result.upper -= before * mean;
  }
  for (double const of_chain : integral) result.log_ratio += of_chain / count;
  double squares = 0;
  for (double const of_chain : integral)
    squares += (of_chain - result.log_ratio) * (of_chain - result.log_ratio);
  result.standard_error = std::sqrt(squares / (count - 1) / count);
  return result;
}

/// As above, with the tuning of the backend.
template <class Exec, class Inner, class From, class To, class Chains>
ThermodynamicIntegral thermodynamic_integral(Exec const& exec,
                                             AnnealedImportance<Inner> const& path,
                                             From const& from, To const& to, Chains const& chains,
                                             Stream stream) {
  constexpr int rows = energy::Bridge<From, To>::workspace_rows;
  return thermodynamic_integral<tile::default_tuning<Exec, typename From::scalar_type, rows>()>(
      exec, path, from, to, chains, stream);
}

}  // namespace basin::sampler

#endif
