// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_ANNEALED_IMPORTANCE_HPP
#define BASIN_SAMPLER_ANNEALED_IMPORTANCE_HPP

#include <basin/core/field.hpp>
#include <basin/energy/bridge.hpp>
#include <basin/energy/evaluate.hpp>
#include <basin/energy/sum.hpp>
#include <basin/sampler/chain.hpp>

#include <cmath>
#include <concepts>

namespace basin::sampler {

namespace detail {

// log_weights(n) -= by rise(n)
template <class Scalar>
struct AddLogWeight {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Scalar const* rise;   // (chains)
  double* log_weights;  // (chains)
  double by;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int n) const {
    AddLogWeight const s = *this;
    c.each(1, [=](int) { s.log_weights[n] -= s.by * static_cast<double>(s.rise[n]); });
  }
};

}  // namespace detail

/// Annealed importance sampling along (1 - beta) E_0 + beta E_1: a ratio of normalizers without samples
/// of E_1. From chains with the law of E_0, for beta_0 = 0 < beta_1 < ... < beta_T = 1,
///
///   log w += -(beta_k - beta_{k-1}) (E_1(x) - E_0(x)),  then the sampler moves x at beta_k
///
/// and mean w has the expectation Z_1 / Z_0 (Neal 2001, Statistics and Computing 11, section 2), so
/// that the expectation of log_mean_exp is below log Z_1 / Z_0. With the energies exchanged,
/// from chains with the law of E_1, it is below log Z_0 / Z_1: both bracket the truth (Grosse,
/// Ancha and Roy 2016, arXiv:1606.02275). In between beta_k follows a logistic function,
///
///   beta_k = (s(k) - s(0)) / (s(T) - s(0)),   s(k) = 1 / (1 + exp(-sharpness (2 k / T - 1)))
///
/// finer at both ends; a sharpness of 0 is a straight line. The sampler must keep exp(-E): one with
/// accept and reject at temperature 1, Mala or Hamiltonian; Langevin steps alone bias the weights.
template <class Inner>
struct AnnealedImportance {
  static_assert(check_inner_sampler<Inner>::value);

  Inner sampler{};
  int rungs        = 1000;  ///< T; >= 1
  double sharpness = 4;     ///< of the logistic function; >= 0

  double beta(int k) const {
    if (sharpness == 0) return static_cast<double>(k) / rungs;
    auto const s = [&](double share) { return 1 / (1 + std::exp(-sharpness * (2 * share - 1))); };
    return k == rungs ? 1 : (s(static_cast<double>(k) / rungs) - s(0)) / (s(1) - s(0));
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("sampler", self.sampler);
    f(Field{"rungs", "1", "T, steps of beta from 0 to 1"}, self.rungs, range::at_least(1));
    f(Field{"sharpness", "1", "of the logistic function of beta; 0: a straight line"},
      self.sharpness, range::closed(0, 100));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::sampler::AnnealedImportance";
    check_fields(who, *this);
    if (sampler.effective_temperature() != 1)
      refuse(who, "the temperature of the sampler must be 1, got ",
             sampler.effective_temperature());
  }
};

/// Moves chains from one law to another and weighs them. Waits for exec. A rung is the launch of the
/// sampler and two more; the last is not followed by a move.
///
/// \param from         E_0, whose law the chains have
/// \param to           E_1
/// \param chains       (chains, dimension), moved
/// \param log_weights  (chains) of double, reachable from exec; written
/// \throws std::invalid_argument as sampler::sample, and if log_weights does not fit
template <tile::Tuning tuning, class Exec, class Inner, class From, class To, class Chains,
          class LogWeights>
void anneal(Exec const& exec, AnnealedImportance<Inner> const& options, From const& from,
            To const& to, Chains const& chains, LogWeights const& log_weights, Stream stream) {
  using Scalar = typename From::scalar_type;
  static_assert(std::same_as<typename LogWeights::value_type, double> && LogWeights::rank() == 1,
                "basin::sampler::anneal: log_weights must be a View of rank 1 of double.");
  char const* who = "basin::sampler::anneal";
  options.check();
  if (log_weights.extent(0) != chains.extent(0))
    refuse(who, "log_weights has extent ", log_weights.extent(0), ", chains has ",
           chains.extent(0));
  int const count = checked_count(who, "chains", chains.extent(0));
  Kokkos::View<Scalar*, typename Exec::memory_space> const rise("basin::sampler::rise",
                                                                chains.extent(0));
  energy::Sum<To, From> const difference(to, from, Scalar(-1));
  Kokkos::deep_copy(exec, log_weights, 0.0);
  for (int k = 1; k <= options.rungs; ++k) {
    energy::energies<tuning>(exec, difference, chains, rise);
    tile::for_each_chain<tuning>(
        exec, "basin::weigh", count,
        detail::AddLogWeight<Scalar>{rise.data(), log_weights.data(),
                                     options.beta(k) - options.beta(k - 1)});
    if (k == options.rungs) break;
    NoState none;
    run<tuning>(exec, options.sampler, none,
                energy::Bridge<From, To>(from, to, static_cast<Scalar>(options.beta(k))), chains,
                stream, outputs_of<Inner, Scalar>{});
    stream.step += static_cast<std::uint64_t>(options.sampler.steps);
  }
  exec.fence("basin::sampler::anneal");  // before the array goes
}

/// As above, with the tuning of the backend.
template <class Exec, class Inner, class From, class To, class Chains, class LogWeights>
void anneal(Exec const& exec, AnnealedImportance<Inner> const& options, From const& from,
            To const& to, Chains const& chains, LogWeights const& log_weights, Stream stream) {
  constexpr int rows = energy::Bridge<From, To>::workspace_rows;
  anneal<tile::default_tuning<Exec, typename From::scalar_type, rows>()>(
      exec, options, from, to, chains, log_weights, stream);
}

}  // namespace basin::sampler

#endif
