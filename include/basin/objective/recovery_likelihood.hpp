// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_RECOVERY_LIKELIHOOD_HPP
#define BASIN_OBJECTIVE_RECOVERY_LIKELIHOOD_HPP

#include <basin/core/field.hpp>
#include <basin/energy/parameter_gradient.hpp>
#include <basin/energy/wrapper.hpp>
#include <basin/objective/columns.hpp>
#include <basin/objective/concepts.hpp>
#include <basin/sampler/recovery_langevin.hpp>
#include <basin/tile/random.hpp>

#include <array>
#include <cmath>

namespace basin::objective {

namespace detail {

// Draws a level for each datum, y+ and x_(t+1), and sets the weights of y+ and y-.
template <class Points, class Weights>
struct Diffuse {
  using scalar_type                   = typename Points::non_const_value_type;
  static constexpr int workspace_rows = 0;
  Points data;                                       // (batch, dimension)
  Points points;                                     // (2 batch, dimension): y+, x_(t+1)
  int* level_of;                                     // (batch)
  sampler::RecoveryLevel<scalar_type> const* table;  // (levels)
  Weights level_weights;                             // (levels), those of a mean
  scalar_type* weights;                              // (2 batch)
  int levels, batch, dimension;
  Stream level, first, second;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, scalar_type*, int n) const {
    using One           = tile::Simd<scalar_type, 1>;
    Diffuse const& self = *this;
    auto const chain    = static_cast<std::uint32_t>(n);
    int const t = static_cast<int>(static_cast<std::uint64_t>(random_word(level.now(), 0, chain)) *
                                       static_cast<std::uint64_t>(levels) >>
                                   32);
    auto const& at   = table[t];
    Stream const one = first.now(), two = second.now();
    c.each((dimension + 3) / 4, [&](int block) {
      One z[4], w[4];
      tile::normal_block(one, static_cast<std::uint32_t>(block), chain, z);
      tile::normal_block(two, static_cast<std::uint32_t>(block), chain, w);
      for (int k = 0; k < 4 && 4 * block + k < self.dimension; ++k) {
        int const d = 4 * block + k;
        scalar_type const y =
            at.scale * (at.data_scale * self.data(n, d) + at.data_deviation * z[k][0]);
        self.points(n, d)              = y;
        self.points(self.batch + n, d) = at.carried * y + at.spread * w[k][0];
      }
      if (block == 0) {
        self.level_of[n]             = t;
        self.weights[n]              = self.level_weights(t);
        self.weights[self.batch + n] = -self.level_weights(t);
      }
    });
  }
};

// Points with the condition of their level as the last coordinate.
template <class Points, class Scalar>
struct FillLevels {
  static constexpr int further_rows = 0;
  Points points;                           // (2 batch, dimension)
  sampler::RecoveryLevels<Scalar> levels;  // of the batch
  int batch;

  template <class Context, class E>
  KOKKOS_FUNCTION Context const& operator()(Context const& c, E const& energy, Scalar* workspace,
                                            int first, Stream const&) const {
    constexpr int D     = E::dimension - 1;
    int const count     = 2 * batch;
    Scalar* const state = workspace + E::state_row * Context::row_size;
    c.load_chains(points, first, count, +D, state);
    sampler::RecoveryLevels<Scalar> const& of = levels;
    int const B                               = batch;
    energy::load_of_chains(c, state + D * Context::row_size, 1, first, count,
                           [&of, B](int n, int) { return of(n < B ? n : n - B).condition; });
    load_conditions(c, energy, workspace, first, count);
    return c;
  }
};

}  // namespace detail

/// Diffusion recovery likelihood: the conditional likelihoods of the levels of a diffusion, each of
/// which short chains sample well, with an energy E(y, s) whose last coordinate is the level, s =
/// log of its deviation. With x_(t+1) = a x_t + sigma eps and y+ = a x_t
///
///   dJ/dtheta = mean c_t (dE/dtheta (y+, log s_t) - dE/dtheta (y-, log s_t)),
///   y- ~ exp(-E(y, log s_t) / w_t - |y - x_(t+1)|^2 / (2 sigma^2)),
///   c_t = (sigma_1 / sigma)^weight_power, sigma_1 the first transition's
///
/// over the batch, with a level t drawn uniformly for each sample. y- are K Langevin steps from
/// x_(t+1), held fixed, one kernel for all levels and steps; the last level has no square, and its
/// chains start from noise. See sampler::RecoveryLangevin for the steps and w_t, which also samples
/// the trained energy from noise. Source: Gao et al. 2021, arXiv:2012.08125, eqs. 8 and 9, algorithm
/// 1; weights and defaults as in their code.
///
/// It is their loss, ladder and chains. It is not their network: E is any that takes the level as a
/// coordinate, theirs has an embedding of t. At the last level their chains start from a noised
/// sample of the data, here from the noise that sampling starts from. J has no value.
///
/// The data have one column fewer than the energy has coordinates.
///
/// \tparam Ladder  sampler::ladder::VariancePreserving (default), VarianceExploding or a user's
template <class Ladder = sampler::ladder::VariancePreserving>
struct RecoveryLikelihood {
  sampler::RecoveryLangevin<Ladder> recovery{};
  double weight_power = 1;  ///< of sigma_1 / sigma in c_t

  /// What to try when a run diverges.
  static constexpr std::array advice{"more steps of recovery", "a smaller step_variance"};

  static constexpr int conditions = 1;  ///< coordinates of the energy that are not of the data

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("recovery", self.recovery);
    f(Field{"weight_power", "1", "power of sigma_1 / sigma in the weight of a level"},
      self.weight_power, range::any.finite());
  }

  /// \throws std::invalid_argument naming the field and its value
  void check(int) const { check_fields("basin::objective::RecoveryLikelihood", *this); }

  template <class E, class Exec, tile::Tuning tuning>
  class bind {
    static_assert(E::dimension > 1,
                  "basin::objective::RecoveryLikelihood: the energy needs a state and the "
                  "condition log s_t, two coordinates or more.");

   public:
    using Scalar = typename E::scalar_type;
    using memory = typename Exec::memory_space;
    using Points = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;

    bind(Exec const&, RecoveryLikelihood const& options, int batch, Dataset<Scalar, memory> const&,
         std::uint64_t seed)
        : batch_(batch),
          seed_(seed),
          gradient_(2 * batch),
          data_("basin::objective::data", batch, E::dimension - 1),
          points_("basin::objective::points", 2 * batch, E::dimension - 1),
          level_of_("basin::objective::level_of", batch),
          table_("basin::objective::levels", options.recovery.ladder.levels()),
          weights_("basin::objective::weights", options.recovery.ladder.levels()) {
      fill_table(options);
    }

    /// (batch) input for the data of a step.
    objective::Batch<Scalar, memory> batch() const { return {data_, {}, {}, {}}; }

    /// Sets other options for the steps that follow.
    /// \throws std::invalid_argument if they have another number of levels
    void change(RecoveryLikelihood const& options) {
      refuse_change("basin::objective::RecoveryLikelihood", "levels",
                    static_cast<int>(table_.extent(0)), options.recovery.ladder.levels());
      fill_table(options);
    }

    /// gradient (E::parameters) = dJ/dtheta at batch() and new samples. Asynchronous on exec.
    void gradient(Exec const& exec, RecoveryLikelihood const& options, E const& energy,
                  Step const& step, Scalar const*, Scalar* gradient) const {
      using Borrowed = tile::Borrowed<Points>;
      using Weights  = tile::Borrowed<Kokkos::View<Scalar*, memory>>;
      tile::for_each_chain<tuning>(
          exec, "basin::diffuse", batch_,
          detail::Diffuse<Borrowed, Weights>{
              data_, points_, level_of_.data(), table_.data(), weights_, gradient_.weights(),
              static_cast<int>(table_.extent(0)), batch_, E::dimension - 1,
              step.stream(seed_, Purpose::level), step.stream(seed_, Purpose::direction),
              step.stream(seed_, Purpose::contrast)});
      sampler::RecoveryLevels<Scalar> const levels{table_.data(), level_of_.data(), {}};
      sampler::move_at_levels<tuning>(
          exec, energy, samples(), levels, false, options.recovery.steps,
          step.stream(seed_, Purpose::sampler_noise, sampler::steps_bits));
      gradient_.record(exec, energy, 2 * batch_,
                       detail::FillLevels<Borrowed, Scalar>{points_, levels, batch_},
                       step.stream(seed_, Purpose::dropout));
      gradient_.sum(exec, 2 * batch_, gradient);
    }

    auto columns() const {
      Scalar const* const e = gradient_.energies();
      return std::array<Column<Scalar>, 2>{
          {{quantity::energy_data, e, nullptr, batch_},
           {quantity::energy_samples, e + batch_, nullptr, batch_}}};
    }

    /// (batch, dimension of y) of the last step: y+, then y- in samples(), and their levels.
    Points positives() const { return Kokkos::subview(points_, std::pair(0, batch_), Kokkos::ALL); }
    Points samples() const {
      return Kokkos::subview(points_, std::pair(batch_, 2 * batch_), Kokkos::ALL);
    }
    Kokkos::View<int*, memory> levels() const { return level_of_; }

   private:
    void fill_table(RecoveryLikelihood const& options) const {
      auto const& recovery = options.recovery;
      auto const rows      = Kokkos::create_mirror_view(table_);
      auto const weights   = Kokkos::create_mirror_view(weights_);
      double const first   = sampler::diffusion_step(recovery.ladder, 0).deviation;
      for (int t = 0; t < recovery.ladder.levels(); ++t) {
        double const sigma = sampler::diffusion_step(recovery.ladder, t).deviation;
        rows(t)            = sampler::recovery_level<Scalar>(recovery, t);
        weights(t) = static_cast<Scalar>(std::pow(first / sigma, options.weight_power) / batch_);
      }
      Kokkos::deep_copy(table_, rows);
      Kokkos::deep_copy(weights_, weights);
    }

    int batch_;
    std::uint64_t seed_;
    energy::ParameterGradient<E, 0, Exec, tuning> gradient_;
    Points data_, points_;                 // (batch, dimension), (2 batch, dimension)
    Kokkos::View<int*, memory> level_of_;  // (batch)
    Kokkos::View<sampler::RecoveryLevel<Scalar>*, memory> table_;  // (levels)
    Kokkos::View<Scalar*, memory> weights_;                        // (levels)
  };
};

}  // namespace basin::objective

#endif
