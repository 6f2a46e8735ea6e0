// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_NOISE_LEVEL_CLASSIFICATION_HPP
#define BASIN_OBJECTIVE_NOISE_LEVEL_CLASSIFICATION_HPP

#include <basin/core/field.hpp>
#include <basin/energy/parameter_gradient.hpp>
#include <basin/objective/columns.hpp>
#include <basin/objective/concepts.hpp>
#include <basin/sampler/noise_ladder.hpp>
#include <basin/tile/launch.hpp>
#include <basin/tile/random.hpp>

#include <array>
#include <cmath>

namespace basin::objective {

namespace detail {

// Row n of the batch with the noise of a level drawn for it, once with every level beside it.
template <class Points>
struct AtEveryLevel {
  using scalar_type                   = typename Points::non_const_value_type;
  static constexpr int workspace_rows = 0;
  Points rows;                       // (B, dimension)
  Points points;                     // (levels B, dimension + 1), level by level
  int* drawn;                        // (B)
  scalar_type log_first, log_ratio;  // of the levels
  int levels;
  Stream noise, level;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int n) const {
    using One                = tile::Simd<scalar_type, 1>;
    AtEveryLevel const& self = *this;
    Stream const of_noise    = noise.now();
    auto const chain         = static_cast<std::uint32_t>(n);
    std::uint64_t const word = random_word(level.now(), 0, chain);
    int const at             = static_cast<int>(word * static_cast<std::uint64_t>(levels) >> 32);
    int const batch = static_cast<int>(rows.extent(0)), D = static_cast<int>(rows.extent(1));
    scalar_type const sigma =
        tile::exp(fma(One(static_cast<scalar_type>(at)), One(log_ratio), One(log_first)))[0];
    c.each((D + 3) / 4, [&](int block) {
      One z[4];
      tile::normal_block(of_noise, static_cast<std::uint32_t>(block), chain, z);
      for (int k = 0; k < 4 && 4 * block + k < D; ++k) {
        int const d         = 4 * block + k;
        scalar_type const y = self.rows(n, d) + sigma * z[k][0];
        for (int m = 0; m < self.levels; ++m) self.points(m * batch + n, d) = y;
      }
    });
    c.each(+levels, [&](int m) {
      self.points(m * batch + n, D) =
          fma(One(static_cast<scalar_type>(m)), One(self.log_ratio), One(self.log_first))[0];
      if (m == at) self.drawn[n] = m;
    });
  }
};

// weights = dJ/dE of every point, the losses, and whether the drawn level is the likeliest.
template <class Scalar>
struct LevelWeights {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Scalar const* energies;  // (levels, B)
  int const* drawn;        // (B)
  int batch, levels;
  Scalar* weights;  // (levels, B)
  Scalar* losses;   // (B)
  Scalar* right;    // (B)

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    LevelWeights const s = *this;
    int const B          = batch;
    c.each(B, [=](int n) {
      int best = 0;
      for (int m = 1; m < s.levels; ++m)
        if (s.energies[m * B + n] < s.energies[best * B + n]) best = m;
      Scalar const least = s.energies[best * B + n], share = Scalar(1) / static_cast<Scalar>(B);
      Scalar sum = 0;
      for (int m = 0; m < s.levels; ++m) sum += Kokkos::exp(least - s.energies[m * B + n]);
      for (int m = 0; m < s.levels; ++m)
        s.weights[m * B + n] = share * ((m == s.drawn[n] ? Scalar(1) : Scalar(0)) -
                                        Kokkos::exp(least - s.energies[m * B + n]) / sum);
      s.losses[n] = s.energies[s.drawn[n] * B + n] - least + Kokkos::log(sum);
      s.right[n]  = best == s.drawn[n] ? Scalar(1) : Scalar(0);
    });
  }
};

}  // namespace detail

/// Classification of noise levels: which level of a ladder a sample has the noise of, told by the
/// energies E(y, s) whose last coordinate is the level, s = log sigma:
///
///   J = mean (E(y_n, s_n) + log sum_m exp(-E(y_n, s_m))),  y_n = x_n + sigma_n z_n,  z ~ N(0, I)
///
/// with s_n drawn uniformly: the cross-entropy of softmax(-E(y, .)), at whose minimum exp(-E(y, s))
/// is p_s(y) times what depends on y alone. It compares the levels, normalizers and all, and not
/// the points: it stands beside another objective of the same energy,
///
///   Sum<NoiseConditionalScoreMatching, NoiseLevelClassification>
///
/// whose minimum has one and the same normalizer at every level. Source: DiffCLF,
/// arXiv:2601.21025 (ICML 2026); here with uniform levels of a ladder. No gradient in x; E is evaluated
/// at all levels for each sample. The metric 'accuracy' is the share of samples
/// whose level is the likeliest.
///
/// The data have one column fewer than the energy has coordinates.
struct NoiseLevelClassification {
  sampler::NoiseLadder ladder{};

  /// What to try when a run diverges.
  static constexpr std::array advice{"fewer levels of the ladder",
                                     "a larger last level of the ladder"};

  static constexpr int conditions = 1;  ///< coordinates of the energy that are not of the data

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("ladder", self.ladder);
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int batch) const {
    char const* who = "basin::objective::NoiseLevelClassification";
    check_fields(who, *this);
    check_points_of_step(who, "levels", ladder.levels, ladder.levels, batch);
  }

  template <class E, class Exec, tile::Tuning tuning>
  class bind {
    static_assert(E::dimension > 1,
                  "basin::objective::NoiseLevelClassification: the energy needs a state and the "
                  "condition log sigma, two coordinates or more.");
    using Scalar = typename E::scalar_type;
    using memory = typename Exec::memory_space;
    using Points = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;

   public:
    bind(Exec const&, NoiseLevelClassification const& options, int batch,
         Dataset<Scalar, memory> const&, std::uint64_t seed)
        : levels_(options.ladder.levels),
          batch_(batch),
          seed_(seed),
          gradient_(levels_ * batch),
          rows_("basin::objective::rows", batch, E::dimension - 1),
          points_("basin::objective::points", levels_ * batch, +E::dimension),
          drawn_("basin::objective::levels", batch),
          losses_("basin::objective::losses", batch),
          right_("basin::objective::right", batch) {}

    /// (batch) input for the data of a step.
    Batch<Scalar, memory> batch() const { return {rows_, {}, {}, {}}; }

    /// Sets other options for the steps that follow.
    /// \throws std::invalid_argument if they need different arrays
    void change(NoiseLevelClassification const& options) {
      refuse_change("basin::objective::NoiseLevelClassification", "levels", levels_,
                    options.ladder.levels);
    }

    /// gradient (E::parameters) = dJ/dtheta at batch(). Asynchronous on exec.
    void gradient(Exec const& exec, NoiseLevelClassification const& options, E const& energy,
                  Step const& step, Scalar const*, Scalar* gradient) {
      using Borrowed = tile::Borrowed<Points>;
      int const all  = levels_ * batch_;
      tile::for_each_chain<tuning>(
          exec, "basin::levels", batch_,
          detail::AtEveryLevel<Borrowed>{
              rows_, points_, drawn_.data(), static_cast<Scalar>(std::log(options.ladder.first)),
              static_cast<Scalar>(options.ladder.log_ratio()), levels_,
              step.stream(seed_, Purpose::direction), step.stream(seed_, Purpose::level)});
      gradient_.record(exec, energy, all, energy::FillPoints<Borrowed>{points_},
                       step.stream(seed_, Purpose::dropout));
      tile::for_each_tile<tuning>(
          exec, "basin::weights", 1,
          detail::LevelWeights<Scalar>{gradient_.energies(), drawn_.data(), batch_, levels_,
                                       gradient_.weights(), losses_.data(), right_.data()});
      gradient_.sum(exec, all, gradient);
    }

    auto columns() const {
      return std::array<Column<Scalar>, 2>{
          {{quantity::loss, losses_.data(), nullptr, batch_},
           {{"accuracy", "1", "share of the samples whose noise level is the likeliest"},
            right_.data(),
            nullptr,
            batch_}}};
    }

   private:
    int levels_, batch_;
    std::uint64_t seed_;
    energy::ParameterGradient<E, 0, Exec, tuning> gradient_;
    Points rows_;                                   // (batch, dimension of the data)
    Points points_;                                 // (levels batch, dimension), see AtEveryLevel
    Kokkos::View<int*, memory> drawn_;              // (batch)
    Kokkos::View<Scalar*, memory> losses_, right_;  // (batch)
  };
};

}  // namespace basin::objective

#endif
