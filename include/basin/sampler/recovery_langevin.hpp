// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_SAMPLER_RECOVERY_LANGEVIN_HPP
#define BASIN_SAMPLER_RECOVERY_LANGEVIN_HPP

#include <basin/energy/conditional.hpp>
#include <basin/energy/scaled.hpp>
#include <basin/energy/tethered.hpp>
#include <basin/sampler/chain.hpp>
#include <basin/sampler/diffusion_ladder.hpp>

#include <cmath>
#include <limits>

namespace basin::sampler {

/// Langevin sampling of the conditional energies of diffusion recovery likelihood. With the levels of
/// a ladder, x_(t+1) = a x_t + sigma eps and y = a x_t, the conditional energy at level t is
///
///   E(y, log s_t) / w_t + |y - x_(t+1)|^2 / (2 sigma^2)
///
/// without the square at the last level, where a = 1 and chains start from noise. A step is
///
///   y <- y - (h_t / 2) grad + sqrt(h_t) xi,  h_t = b^2 (s_t / s_0)^growth sigma^2,
///
/// sigma being the deviation of the start at the last level. Source: Gao et al. 2021,
/// arXiv:2012.08125, algorithms 1 and 2. The defaults are those of their code: growth = 1, and
/// w_t = h_t, a temperature of the network in each level. With growth 0 and scaled = false (w_t = 1)
/// it is the algorithm of the paper, and E(., log s_0) the energy of the data at the first level.
///
/// \tparam Ladder  ladder::VariancePreserving (default), ladder::VarianceExploding or a user's
template <class Ladder = ladder::VariancePreserving>
struct RecoveryLangevin {
  static_assert(check_ladder<Ladder>::value);
  Ladder ladder{};
  int steps            = 30;    ///< K, of each level; in [1, 2^20]
  double step_variance = 2e-4;  ///< b^2; > 0
  double growth        = 1;     ///< power of s_t / s_0 in h_t
  bool scaled          = true;  ///< w_t = h_t; else 1

  static constexpr int conditions = 1;  ///< coordinates of the energy that it sets: log s_t

  /// h_t, units of x^2
  double step_size(int t) const {
    double const sigma = diffusion_step(ladder, t).deviation;
    return step_variance * std::pow(ladder.deviation(t) / ladder.deviation(0), growth) * sigma *
           sigma;
  }

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f.nested("ladder", self.ladder);
    f(Field{"steps", "1", "moves of each chain at each level"}, self.steps,
      range::closed(1, 1 << steps_bits));
    f(Field{"step_variance", "1", "b^2, variance of a step's noise in that of the level"},
      self.step_variance, range::above(0).finite());
    f(Field{"growth", "1", "power of the level's deviation in the step"}, self.growth,
      range::any.finite());
    f(Field{"scaled", "1", "whether chains see E / h_t, as in the code of the paper"}, self.scaled);
  }

  /// \throws std::invalid_argument naming the field or level and its value
  void check() const {
    char const* who = "basin::sampler::RecoveryLangevin";
    check_fields(who, *this);
    int const levels = ladder.levels();
    if (levels < 2) refuse(who, "the ladder must have levels > 1, got ", levels);
    for (int t = 0; t < levels; ++t) {
      double const sigma = diffusion_step(ladder, t).deviation;
      if (!(sigma > 0) || std::isinf(sigma) || !(ladder.deviation(t) > 0))
        refuse(who, "level ", t, " of the ladder has deviation ", ladder.deviation(t),
               " and the next one scale ", diffusion_step(ladder, t).scale,
               " of it: noise must be added from level to level");
      double const step = step_size(t) / (sigma * sigma);
      if (t < levels - 1 && !(step < 4))
        refuse(who, "h_t is ", step, " times the variance of the tether at level ", t,
               ", chains leave it from 4 on; write a smaller step_variance, it is ", step_variance);
    }
  }
};

/// What kernels read of a level.
template <class Scalar>
struct RecoveryLevel {
  Scalar data_scale, data_deviation;  // m_t, s_t
  Scalar scale;                       // a; 1 at the last level
  Scalar carried, spread;             // x_(t+1) = carried y + spread eps
  Scalar condition;                   // log s_t
  Scalar tether;                      // sigma; infinite at the last level
  Scalar factor;                      // 1 / w_t
  Scalar step, noise;                 // h_t / 2, sqrt(h_t)
};
template <class Scalar, class Ladder>
RecoveryLevel<Scalar> recovery_level(RecoveryLangevin<Ladder> const& o, int t) {
  bool const last          = t == o.ladder.levels() - 1;
  DiffusionStep const next = diffusion_step(o.ladder, t);
  double const h           = o.step_size(t);
  auto const as            = [](double v) { return static_cast<Scalar>(v); };
  return {as(o.ladder.scale(t)),
          as(o.ladder.deviation(t)),
          as(last ? 1 : next.scale),
          as(last ? 0 : 1),
          as(next.deviation),
          as(std::log(o.ladder.deviation(t))),
          last ? std::numeric_limits<Scalar>::infinity() : as(next.deviation),
          as(o.scaled ? 1 / h : 1),
          as(h / 2),
          as(std::sqrt(h))};
}

/// The level of each chain: of a table, or the same for all.
template <class Scalar>
struct RecoveryLevels {
  RecoveryLevel<Scalar> const* table = nullptr;  // (levels); null: one for all
  int const* of_chain                = nullptr;  // (chains)
  RecoveryLevel<Scalar> one{};

  KOKKOS_FUNCTION RecoveryLevel<Scalar> const& operator()(int chain) const {
    return table ? table[of_chain[chain]] : one;
  }
};

namespace detail {

template <class Scalar>
struct LevelCondition {
  RecoveryLevels<Scalar> levels;
  KOKKOS_FUNCTION Scalar operator()(int chain, int) const { return levels(chain).condition; }
};
template <class Scalar>
struct LevelFactor {
  RecoveryLevels<Scalar> levels;
  KOKKOS_FUNCTION Scalar operator()(int chain) const { return levels(chain).factor; }
};
template <class Scalar>
struct LevelTether {
  RecoveryLevels<Scalar> levels;
  KOKKOS_FUNCTION Scalar operator()(int chain) const { return levels(chain).tether; }
};

// Langevin steps with the step of each chain's level; at the end, if asked for, y -> x_t.
template <class Scalar>
struct RecoveryMove {
  static constexpr int rows = 3;  // h / 2, sqrt(h), 1 / a
  RecoveryLevels<Scalar> levels;
  bool divides;

  template <class Context, class Tile>
  KOKKOS_FUNCTION void begin(Context const& c, Tile const& t) const {
    RecoveryLevels<Scalar> const& of = levels;
    energy::load_of_chains(c, t.rows, +rows, t.first, t.count, [&of](int chain, int row) {
      RecoveryLevel<Scalar> const& level = of(chain);
      return row == 0 ? level.step : row == 1 ? level.noise : 1 / level.scale;
    });
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void step(Context const& c, Tile const& t, int, Stream const& at) const {
    t.energy.gradient(c, t.workspace);
    Scalar* const x         = t.x;
    Scalar const* const dx  = t.gradient;
    Scalar const* const own = t.rows;
    c.normal(+dimension_of<Tile>, at, static_cast<std::uint32_t>(t.first), [=](auto place, auto z) {
      auto const step = place.at(0).load(own), noise = place.at(1).load(own);
      // One rounding of x for both.
      place.store(x, place.load(x) + fma(noise, z, -(step * place.load(dx))));
    });
  }

  template <class Context, class Tile>
  KOKKOS_FUNCTION void end(Context const& c, Tile const& t) const {
    if (!divides) return;
    Scalar* const x         = t.x;
    Scalar const* const own = t.rows;
    c.map(+dimension_of<Tile>,
          [=](auto place) { place.store(x, place.load(x) * place.at(2).load(own)); });
  }

 private:
  template <class Tile>
  static constexpr int dimension_of = std::remove_cvref_t<decltype(Tile::energy)>::dimension;
};

}  // namespace detail

/// Moves every chain by 'steps' steps at its level, one kernel for all levels. Asynchronous on exec.
///
/// \param energy   of (y, log s_t), dimension one more than that of the chains
/// \param chains   (chains, dimension of y) x_(t+1), then samples of y given x_(t+1), of x_t if
///                 divided
/// \param divided  by a: x_t in place of y
template <tile::Tuning tuning, class Exec, class E, class Chains>
void move_at_levels(Exec const& exec, E const& energy, Chains const& chains,
                    RecoveryLevels<typename E::scalar_type> const& levels, bool divided, int steps,
                    Stream const& stream) {
  using Scalar    = typename E::scalar_type;
  using Condition = detail::LevelCondition<Scalar>;
  using Factor    = detail::LevelFactor<Scalar>;
  using Width     = detail::LevelTether<Scalar>;
  using Inner     = energy::Conditional<E, 1, Condition>;
  using Scaled    = energy::Scaled<Inner, Factor>;
  // A kernel stores chains only at its end: until then they hold the centers of the tethers.
  using Centers = tile::Borrowed<Chains>;
  energy::Tethered<Scaled, Centers, Width> const conditional(
      Scaled(Inner(energy, Condition{levels}), Factor{levels}), Centers(chains), Width{levels});
  run_chains<tuning>(exec, "basin::chains", detail::RecoveryMove<Scalar>{levels, divided},
                     conditional, chains, stream, steps, Outputs<Scalar, 0>{});
}

/// Samples down the ladder, in place. Asynchronous on exec; a launch for each level.
///
/// \param energy  of (x, log s), dimension one more than that of the chains; trained by
///                objective::RecoveryLikelihood of the same options
/// \param chains  noise, N(0, start_deviation()^2) of the ladder: sampler::start::Gaussian
/// \param stream  seed and first step
/// \throws std::invalid_argument if an option is invalid, or chains does not fit
template <tile::Tuning tuning, class Exec, class Ladder, class E, class Chains>
void sample(Exec const& exec, RecoveryLangevin<Ladder> const& recovery, E const& energy,
            Chains const& chains, Stream stream,
            outputs_of<RecoveryLangevin<Ladder>, typename E::scalar_type> const& = {}) {
  using Scalar = typename E::scalar_type;
  recovery.check();
  for (int t = recovery.ladder.levels() - 1; t >= 0; --t) {
    move_at_levels<tuning>(exec, energy, chains,
                           {nullptr, nullptr, recovery_level<Scalar>(recovery, t)}, true,
                           recovery.steps, stream);
    stream.step += static_cast<std::uint64_t>(recovery.steps);
  }
}

}  // namespace basin::sampler

#endif
