// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_ENERGY_MATCHING_HPP
#define BASIN_OBJECTIVE_ENERGY_MATCHING_HPP

#include <basin/objective/concepts.hpp>
#include <basin/objective/flow_matching.hpp>
#include <basin/sampler/heated_langevin.hpp>

#include <array>

namespace basin::objective {

namespace quantity {

inline constexpr Quantity contrast{"contrast", "E",
                                   "mean V of the data - that of the samples that are kept"};
inline constexpr Quantity trimmed{"trimmed", "1", "share of the samples that are left out"};
inline constexpr Quantity on_floor{"on_floor", "1", "share of the steps without contrast"};

}  // namespace quantity

namespace detail {

// The rows of the batch, then where chains start: half of them again, then points of the source.
template <class Batch, class Source, class Points>
struct StartMatching {
  using scalar_type                   = typename Points::non_const_value_type;
  static constexpr int workspace_rows = 0;
  Batch rows;  // (B, dimension)
  Source source;
  Points points;  // (2 B, dimension)
  Stream stream;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int n) const {
    int const B = static_cast<int>(rows.extent(0)), D = static_cast<int>(rows.extent(1));
    Batch const from = rows;
    Points const to  = points;
    if (n < B + B / 2)
      c.each(D, [=](int d) { to(n, d) = from(n < B ? n : n - B, d); });
    else
      source.fill(c, stream.now(), static_cast<std::uint32_t>(n - B), D,
                  [&](int d, scalar_type x) { to(n, d) = x; });
  }
};

// dV-weights of data and samples, the columns and the factor of the contrast.
template <class Scalar>
struct MatchingWeights {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Scalar const* energies;  // (2 B): of the data, then of the samples
  int batch, dropped;
  Scalar coefficient, floor;
  Scalar* weights;  // (2 B)
  Scalar* numbers;  // (4): the columns, then the factor

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    MatchingWeights const s = *this;
    int const B = batch, kept = batch - dropped;
    c.each(2 * B, [=](int i) {
      if (i < B) {
        s.weights[i] = Scalar(1) / static_cast<Scalar>(B);
        return;
      }
      // A sample is left out if so many are below it; NaN has none below it, and is seen.
      Scalar const* const e = s.energies + B;
      Scalar const mine     = s.energies[i];
      int below             = 0;
      for (int m = 0; m < B; ++m) below += e[m] < mine || (e[m] == mine && m > i - B) ? 1 : 0;
      s.weights[i] = below >= kept ? Scalar(0) : Scalar(-1) / static_cast<Scalar>(kept);
    });
    c.each(1, [=](int) {
      Scalar data = 0, samples = 0;
      for (int n = 0; n < B; ++n) {
        data += s.energies[n];
        if (s.weights[B + n] < 0) samples += s.energies[B + n];
      }
      Scalar const contrast = data / static_cast<Scalar>(B) - samples / static_cast<Scalar>(kept);
      bool const on_floor   = s.coefficient * contrast < -s.floor;
      s.numbers[0]          = contrast;
      s.numbers[1]          = static_cast<Scalar>(B - kept) / static_cast<Scalar>(B);
      s.numbers[2]          = on_floor ? Scalar(1) : Scalar(0);
      s.numbers[3]          = on_floor ? Scalar(0) : s.coefficient;
    });
  }
};

// The factor of the contrast, as MatchingWeights left it.
template <class Scalar>
struct MatchingFactor {
  Scalar const* factor;
  KOKKOS_FUNCTION Scalar operator()() const { return *factor; }
};

}  // namespace detail

/// Energy Matching: one scalar V(x) that transports a source to the data where it is far from them
/// and is an energy of them, p proportional to exp(-V / temperature), near them.
///
///   phase 1: L = L_flow
///   phase 2: L = L_flow + max(lambda (mean V(x+) - trimmed mean V(x-)), -c)
///
/// L_flow is the loss of FlowMatching. x+ are the batch; x- are chains of sampler::HeatedLangevin of
/// which half start at the first rows of the batch and half at points of the source, all at the same
/// time, held fixed in the gradient. The trimmed mean leaves out the int(trim B) samples of largest
/// V, and where the maximum is -c the step has no gradient of the contrast at all.
///
/// Source: Balcerak et al. 2025, arXiv:2504.10612, algorithms 1 and 2; trim, floor and starts as in
/// its code for images. Not as there: x+ are the rows of L_flow, of which the code draws others; the
/// chains have no dropout; t in phase 1 is uniform on (0, 1) as in the code, not on (0, heating).
/// 1 / temperature of the gradient of the likelihood is part of lambda.
///
/// The phase is an option: change it with 'trainer.objective().phase = 2'. Phase 1 moves no chains
/// and its steps are those of FlowMatching to the bit; its columns of the contrast are NaN.
///
/// \tparam Policies  those of FlowMatching
template <class... Policies>
struct EnergyMatching {
  FlowMatching<Policies...> flow{};
  sampler::HeatedLangevin sampler{};
  int phase       = 1;     ///< 1: the flow; 2: flow and contrast
  double contrast = 1e-3;  ///< lambda; >= 0
  double trim     = 0.1;   ///< share of the samples that is left out; in [0, 1)
  double floor    = 0.02;  ///< c, in units of lambda V; >= 0; infinite: none

  /// What to try when a run diverges.
  static constexpr std::array advice{"a smaller contrast", "a smaller floor",
                                     "a smaller step_size of the sampler"};

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("flow", self.flow);
    f.nested("sampler", self.sampler);
    f(Field{"phase", "1", "1: the flow; 2: flow and contrast"}, self.phase, range::closed(1, 2));
    f(Field{"contrast", "1", "lambda, weight of the contrast"}, self.contrast,
      range::at_least(0).finite());
    f(Field{"trim", "1", "share of the samples that is left out"}, self.trim,
      range::right_open(0, 1));
    f(Field{"floor", "E", "c, the weighted contrast is at least -c"}, self.floor,
      range::at_least(0));
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    char const* who = "basin::objective::EnergyMatching";
    check_fields(who, *this);
    flow.check(batch);
    if (batch < 2)
      refuse(who,
             "half of the chains start at the data and half at the source; the batch must be "
             ">= 2, got ",
             batch);
  }

  template <class E, class Exec, tile::Tuning tuning>
  class bind {
    using Flow = objective::bound<FlowMatching<Policies...>, E, Exec, tuning>;

   public:
    using Scalar = typename E::scalar_type;
    using memory = typename Exec::memory_space;
    using Chains = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;

    static constexpr int parameters = 0;

    /// \param data  the rows of a source that draws from them
    bind(Exec const& exec, EnergyMatching const& options, int batch,
         Dataset<Scalar, memory> const& data, std::uint64_t seed)
        : batch_(batch),
          phase_(options.phase),
          seed_(seed_of(seed, 3)),
          flow_(exec, options.flow, batch, data, seed),
          contrast_(2 * batch, energy::Adds::yes),
          points_("basin::objective::points", 2 * batch, +E::dimension),
          displacements_("basin::objective::displacements", batch),
          numbers_("basin::objective::contrast", 4),
          absent_("basin::objective::absent", batch) {
      Kokkos::deep_copy(absent_, Kokkos::Experimental::quiet_NaN_v<Scalar>);
      // Before the first step.
      Kokkos::deep_copy(numbers_, Kokkos::Experimental::quiet_NaN_v<Scalar>);
      Kokkos::deep_copy(displacements_, Kokkos::Experimental::quiet_NaN_v<Scalar>);
    }

    Batch<Scalar, memory> batch() const { return flow_.batch(); }

    /// gradient (E::parameters) = dL/dtheta at batch(). Asynchronous on exec.
    void gradient(Exec const& exec, EnergyMatching const& options, E const& energy,
                  Step const& step, Scalar const* own, Scalar* gradient) {
      phase_ = options.phase;
      flow_.gradient(exec, options.flow, energy, step, own, gradient);
      if (phase_ == 1) return;
      start_chains(exec, options, step);
      sampler::outputs_of<sampler::HeatedLangevin, Scalar> outputs{};
      outputs.columns[0] = displacements_.data();
      basin::sampler::sample<tuning>(
          exec, options.sampler, energy, samples(),
          step.stream(seed_, Purpose::sampler_noise, basin::sampler::steps_bits), outputs);
      contrast_.record(exec, energy, 2 * batch_,
                       energy::FillPoints<tile::Borrowed<Chains>>{points_},
                       step.stream(seed_, Purpose::dropout));
      tile::for_each_tile<tuning>(
          exec, "basin::weights", 1,
          detail::MatchingWeights<Scalar>{
              contrast_.energies(), batch_, static_cast<int>(options.trim * batch_),
              static_cast<Scalar>(options.contrast), static_cast<Scalar>(options.floor),
              contrast_.weights(), numbers_.data()});
      contrast_.add(exec, 2 * batch_, gradient,
                    detail::MatchingFactor<Scalar>{numbers_.data() + 3});
    }

    /// Sets other options for the steps that follow.
    void change(EnergyMatching const& options) { phase_ = options.phase; }

    /// Starting points for a user's chains: points of the source.
    void start(Exec const& exec, EnergyMatching const& options, Chains const& chains,
               Stream const& stream) const {
      flow_.start(exec, options.flow, chains, stream);
    }

    /// The columns of the flow; contrast, trimmed and on_floor; displacement of the chains.
    auto columns() const {
      bool const there      = phase_ == 2;
      auto const of         = [&](Scalar const* values) { return there ? values : absent_.data(); };
      Scalar const* const n = numbers_.data();
      return join(flow_.columns(),
                  std::array<Column<Scalar>, 4>{{{quantity::contrast, of(n), nullptr, 1},
                                                 {quantity::trimmed, of(n + 1), nullptr, 1},
                                                 {quantity::on_floor, of(n + 2), nullptr, 1},
                                                 {sampler::HeatedLangevin::columns[0],
                                                  of(displacements_.data()), nullptr, batch_}}});
    }

    /// (batch, dimension) x- of the last step, those from the data first; in phase 1 x_0
    Chains last_samples() const { return phase_ == 2 ? samples() : flow_.last_sources(); }

   private:
    Chains samples() const {
      return Kokkos::subview(points_, std::pair(batch_, 2 * batch_), Kokkos::ALL);
    }
    void start_chains(Exec const& exec, EnergyMatching const& options, Step const& step) const {
      auto const source = flow_.source(options.flow);
      using Points      = tile::Borrowed<Chains>;
      using Start = detail::StartMatching<Points, std::remove_const_t<decltype(source)>, Points>;
      tile::for_each_chain<tuning>(
          exec, "basin::start", 2 * batch_,
          Start{flow_.batch().points, source, points_, step.stream(seed_, Purpose::sampler_start)});
    }

    int batch_, phase_;
    std::uint64_t seed_;
    Flow flow_;
    energy::ParameterGradient<E, 0, Exec, tuning> contrast_;
    Chains points_;                                // (2 batch, dimension): x+, then x-
    Kokkos::View<Scalar*, memory> displacements_;  // (batch)
    Kokkos::View<Scalar*, memory> numbers_;        // (4), see MatchingWeights
    Kokkos::View<Scalar*, memory> absent_;         // (batch) NaN
  };
};

}  // namespace basin::objective

#endif
