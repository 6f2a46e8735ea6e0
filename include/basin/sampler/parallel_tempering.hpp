// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_PARALLEL_TEMPERING_HPP
#define BASIN_SAMPLER_PARALLEL_TEMPERING_HPP

#include <basin/energy/evaluate.hpp>
#include <basin/energy/scaled.hpp>
#include <basin/sampler/chain.hpp>
#include <basin/sampler/temperature_ladder.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace basin::sampler {

namespace detail {

// Swaps of one ladder: pairs of rungs (k, k + 1) with k even, or odd, in turn.
template <class Scalar>
struct SwapRungs {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  int rungs;
  double const* ladder;    // (rungs)
  Scalar const* energies;  // (chains)
  int* chain_at;           // (ladders, rungs) which chain of the ladder is on a rung
  int* rung_of;            // (chains)
  Scalar* beta_of;         // (chains)
  int* heading;            // (chains) 1: has been on the last rung since it was on the first
  double* rejected;        // (ladders, rungs) sum of the rejections of k and k + 1
  double* trips;           // (ladders) round trips
  double inverse_temperature;
  Stream stream;
  int parity;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int ladder_index) const {
    SwapRungs const s = *this;
    c.each(1, [=](int) { s.swap(ladder_index); });
  }

  KOKKOS_FUNCTION void swap(int l) const {
    std::size_t const first = static_cast<std::size_t>(l) * static_cast<std::size_t>(rungs);
    int* const at           = chain_at + first;
    for (int k = parity; k + 1 < rungs; k += 2) {
      int const colder = at[k], hotter = at[k + 1];
      double const rise = static_cast<double>(energies[first + static_cast<std::size_t>(colder)]) -
                          static_cast<double>(energies[first + static_cast<std::size_t>(hotter)]);
      double const log_p = (ladder[k] - ladder[k + 1]) * rise * inverse_temperature;
      double const p     = log_p < 0 ? Kokkos::exp(log_p) : log_p >= 0 ? 1 : 0;  // NaN: 0
      double const u     = unit_uniform<double>(
          random_word(stream, static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(l)));
      rejected[first + static_cast<std::size_t>(k)] += 1 - p;
      if (u < p) {
        at[k]     = hotter;
        at[k + 1] = colder;
      }
    }
    for (int k = 0; k < rungs; ++k) {
      std::size_t const chain = first + static_cast<std::size_t>(at[k]);
      rung_of[chain]          = k;
      beta_of[chain]          = static_cast<Scalar>(ladder[k]);
    }
    std::size_t const hottest = first + static_cast<std::size_t>(at[rungs - 1]),
                      coldest = first + static_cast<std::size_t>(at[0]);
    heading[hottest]          = 1;
    if (heading[coldest] == 1) {
      heading[coldest] = 0;
      trips[l] += 1;
    }
  }
};

template <class Scalar, class From, class To>
struct GatherRung {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  From chains;          // (chains, dimension)
  To samples;           // (ladders, dimension)
  int const* chain_at;  // (ladders, rungs)
  int rungs, rung;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int l) const {
    int const chain = l * rungs + chain_at[l * rungs + rung];
    From const from = chains;
    To const to     = samples;
    c.each(static_cast<int>(from.extent(1)), [=](int d) { to(l, d) = from(chain, d); });
  }
};

}  // namespace detail

/// The state of parallel tempering: which chain is on which rung, and how the swaps went.
template <class Scalar, class Exec>
class TemperingState {
  using memory   = typename Exec::memory_space;
  using Integers = Kokkos::View<int*, memory>;
  using Doubles  = Kokkos::View<double*, memory>;

 public:
  /// \throws std::invalid_argument if the chains are no whole number of ladders
  template <class Options>
  TemperingState(Exec const&, Options const& options, int chains, int, std::uint64_t)
      : rungs_(options.ladder.rungs()), ladders_(chains / rungs_) {
    options.check();
    if (chains % rungs_ != 0 || chains == 0)
      refuse("basin::sampler::ParallelTempering", "the chains must be a multiple of the ", rungs_,
             " rungs, got ", chains);
    auto const n = static_cast<std::size_t>(chains), m = static_cast<std::size_t>(ladders_);
    ladder_           = Doubles("basin::sampler::ladder", static_cast<std::size_t>(rungs_));
    chain_at_         = Integers("basin::sampler::chain_at", n);
    rung_of_          = Integers("basin::sampler::rung_of", n);
    heading_          = Integers("basin::sampler::heading", n);
    rejected_         = Doubles("basin::sampler::rejected", n);
    trips_            = Doubles("basin::sampler::trips", m);
    betas_            = Kokkos::View<Scalar*, memory>("basin::sampler::betas", n);
    energies_         = Kokkos::View<Scalar*, memory>("basin::sampler::energies", n);
    auto const at     = Kokkos::create_mirror_view(chain_at_),
               rung   = Kokkos::create_mirror_view(rung_of_);
    auto const ladder = Kokkos::create_mirror_view(ladder_);
    auto const beta   = Kokkos::create_mirror_view(betas_);
    for (std::size_t k = 0; k < options.ladder.betas.size(); ++k)
      ladder(k) = options.ladder.betas[k];
    for (std::size_t i = 0; i < n; ++i) {
      int const k = static_cast<int>(i) % rungs_;
      at(i) = rung(i) = k;
      beta(i)         = static_cast<Scalar>(ladder(static_cast<std::size_t>(k)));
    }
    Kokkos::deep_copy(chain_at_, at);
    Kokkos::deep_copy(rung_of_, rung);
    Kokkos::deep_copy(ladder_, ladder);
    Kokkos::deep_copy(betas_, beta);
  }

  int rungs() const { return rungs_; }
  int ladders() const { return ladders_; }
  /// (chains) the rung of each chain, 0: beta = 1; on the device
  Integers rung_of_chain() const { return rung_of_; }
  /// (chains) beta of each chain; on the device
  Kokkos::View<Scalar*, memory> betas() const { return betas_; }
  /// Rounds of swaps so far.
  long rounds() const { return rounds_; }

  /// samples (ladders, dimension) = the states on one rung, by default that of beta = 1.
  /// Asynchronous on exec. \throws std::invalid_argument if the shapes do not fit
  template <class Chains, class Samples>
  void gather(Exec const& exec, Chains const& chains, Samples const& samples, int rung = 0) const {
    char const* who = "basin::sampler::TemperingState::gather";
    check_chains(who, chains.extent(0));
    if (rung < 0 || rung >= rungs_) refuse(who, "rung must be in [0, ", rungs_, "), got ", rung);
    if (samples.extent(0) != static_cast<std::size_t>(ladders_) ||
        samples.extent(1) != chains.extent(1))
      refuse(who, "samples is (", samples.extent(0), ", ", samples.extent(1), "), it must be (",
             ladders_, ", ", chains.extent(1), ")");
    tile::for_each_chain<tile::default_tuning<Exec, Scalar, 0>()>(
        exec, "basin::rung", ladders_,
        detail::GatherRung<Scalar, tile::Borrowed<Chains>, tile::Borrowed<Samples>>{
            chains, samples, chain_at_.data(), rungs_, rung});
  }

  /// (rungs - 1) mean rejection of the swaps of rungs k and k + 1, over all ladders. Waits.
  std::vector<double> rejections() const {
    auto const sums = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), rejected_);
    std::vector<double> mean(static_cast<std::size_t>(rungs_ - 1));
    for (int k = 0; k + 1 < rungs_; ++k) {
      // Even pairs in even rounds.
      long const rounds  = (rounds_ + (k % 2 == 0 ? 1 : 0)) / 2;
      double const tried = static_cast<double>(rounds) * ladders_;
      for (int l = 0; l < ladders_; ++l)
        mean[static_cast<std::size_t>(k)] += sums(static_cast<std::size_t>(l * rungs_ + k)) / tried;
    }
    return mean;
  }

  /// Round trips of chains from the first rung to the last and back, of one ladder in one round. Syed
  /// et al. 2022, eq. 17: where the states between swaps are independent it is
  ///   1 / (2 + 2 sum_k r_k / (1 - r_k))                                    Waits.
  double round_trips() const {
    auto const trips = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), trips_);
    double sum       = 0;
    for (int l = 0; l < ladders_; ++l) sum += trips(static_cast<std::size_t>(l));
    return sum / ladders_ / static_cast<double>(rounds_ > 0 ? rounds_ : 1);
  }

  /// Forgets rejections and round trips, for example after a burn-in.
  void forget() {
    Kokkos::deep_copy(rejected_, 0);
    Kokkos::deep_copy(trips_, 0);
    Kokkos::deep_copy(heading_, 0);
    rounds_ = 0;
  }

  /// Lists what must be saved.
  template <class Archive>
  void archive(Archive& a) {
    a("rounds", rounds_);
    a("chain_at", chain_at_);
    a("rung_of", rung_of_);
    a("betas", betas_);
    a("heading", heading_);
    a("rejected", rejected_);
    a("trips", trips_);
  }

  /// \throws std::invalid_argument if the state is of another number of chains
  void check_chains(char const* who, std::size_t chains) const {
    if (chains != rung_of_.size())
      refuse(who, "the state is of ", rung_of_.size(), " chains, and there are ", chains);
  }
  /// One round of swaps of chains (chains, dimension). Asynchronous on exec.
  /// \param temperature  T of the law on the first rung
  template <tile::Tuning tuning, class E, class Chains>
  void swap(Exec const& exec, E const& energy, Chains const& chains, double temperature,
            Stream stream) {
    energy::energies<tuning>(exec, energy, chains, energies_);
    stream.purpose = Purpose::sampler_swap;
    tile::for_each_chain<tuning>(
        exec, "basin::swap", ladders_,
        detail::SwapRungs<Scalar>{rungs_, ladder_.data(), energies_.data(), chain_at_.data(),
                                  rung_of_.data(), betas_.data(), heading_.data(), rejected_.data(),
                                  trips_.data(), 1 / temperature, stream,
                                  static_cast<int>(rounds_ % 2)});
    ++rounds_;
  }

 private:
  int rungs_, ladders_;
  long rounds_ = 0;
  Doubles ladder_;                          // (rungs)
  Integers chain_at_, rung_of_, heading_;   // (chains)
  Doubles rejected_;                        // (chains)
  Doubles trips_;                           // (ladders)
  Kokkos::View<Scalar*, memory> betas_;     // (chains)
  Kokkos::View<Scalar*, memory> energies_;  // (chains)
};

/// Parallel tempering: ladders of chains, of which chain n has the law exp(-beta_n E / T). A round is a
/// call of the sampler inside, and swaps of the betas of neighboring rungs, the even pairs and the
/// odd ones in turn:
///
///   beta_k, beta_k+1 are swapped with probability min(1, exp((beta_k - beta_k+1)(E_k - E_k+1) / T))
///
/// Chains keep their states and exchange betas, so that a chain that found another mode while it was
/// hot brings it down. Sources: Geyer 1991, Computing Science and Statistics 23; in turns, not at
/// random: Syed, Bouchard-Cote, Deligiannidis and Doucet 2022, JRSS B 84, 321. Chains (ladders x
/// rungs), those of a ladder side by side; TemperingState::gather gives the states at beta = 1. A
/// round is the launch of the sampler and two more.
///
/// \tparam Inner  a sampler of exp(-E / T) without a state, for example Mala or Hamiltonian: its step
///                 size is that of all rungs
template <class Inner>
struct ParallelTempering {
  static_assert(check_inner_sampler<Inner>::value);

  int steps = 10;  ///< rounds per call; in [0, 2^20] / steps of the sampler
  Inner sampler{};
  TemperatureLadder ladder{};

  static constexpr bool chains_differ = true;
  static constexpr auto columns       = columns_of<Inner>;  ///< of the last round
  template <class Scalar, class Exec>
  using state = TemperingState<Scalar, Exec>;

  /// \throws std::invalid_argument naming the field and its value
  void check() const {
    char const* who = "basin::sampler::ParallelTempering";
    sampler.check();
    ladder.check();
    if (steps < 0 || static_cast<double>(steps) * sampler.steps > 1 << steps_bits)
      refuse(who, "steps must be in [0, 2^20 / the sampler's ", sampler.steps, "], got ", steps);
  }
};

/// Moves ladders of chains by options.steps rounds. Asynchronous on exec. The draws are those of
/// stream.step to stream.step + steps sampler.steps.
///
/// \param state   made by (exec, options, chains, dimension, seed)
/// \param chains  (ladders x rungs, dimension)
/// \throws std::invalid_argument as sampler::sample, and if the state is of other chains
template <tile::Tuning tuning, class Exec, class Inner, class Scalar, class E, class Chains>
void sample(Exec const& exec, ParallelTempering<Inner> const& options,
            TemperingState<Scalar, Exec>& state, E const& energy, Chains const& chains,
            Stream stream, std::type_identity_t<outputs_of<Inner, Scalar>> const& outputs = {}) {
  options.check();
  state.check_chains("basin::sampler::ParallelTempering", chains.extent(0));
  auto const betas = state.betas();
  using Hot        = energy::Scaled<E, tile::Borrowed<std::remove_const_t<decltype(betas)>>>;
  for (int k = 0; k < options.steps; ++k) {
    NoState none;
    run<tuning>(exec, options.sampler, none, Hot(energy, betas), chains, stream,
                k == options.steps - 1 ? outputs : outputs_of<Inner, Scalar>{});
    state.template swap<tuning>(exec, energy, chains, options.sampler.effective_temperature(),
                                stream);
    stream.step += static_cast<std::uint64_t>(options.sampler.steps);
  }
}

}  // namespace basin::sampler

#endif
