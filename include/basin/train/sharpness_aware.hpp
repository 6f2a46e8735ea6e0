// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_SHARPNESS_AWARE_HPP
#define BASIN_TRAIN_SHARPNESS_AWARE_HPP

#include <basin/buffer/write.hpp>
#include <basin/core/field.hpp>
#include <basin/optimizer/update.hpp>
#include <basin/tile/launch.hpp>
#include <basin/tile/scaling.hpp>
#include <basin/train/trainer.hpp>

#include <Kokkos_Core.hpp>

#include <concepts>

namespace basin::train {

namespace detail {

// ascent = g, or |theta| g; kept = theta
template <class Scalar>
struct PrepareAscent {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Scalar const *theta, *gradient;  // (parameters)
  Scalar *ascent, *kept;           // (parameters)
  int count;
  bool adaptive;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int block) const {
    PrepareAscent const s = *this;
    int const first = block * optimizer::block, left = count - first;
    c.each(left < optimizer::block ? left : +optimizer::block, [=](int k) {
      int const i = first + k;
      s.kept[i]   = s.theta[i];
      s.ascent[i] = s.adaptive ? Kokkos::abs(s.theta[i]) * s.gradient[i] : s.gradient[i];
    });
  }
};

// theta += rho e / |e|, with e = ascent, or |theta| ascent
template <class Scalar>
struct Ascend {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Scalar* theta;         // (parameters)
  Scalar const* ascent;  // (parameters)
  Scalar const* norms;   // (blocks) squared, in
  Scalar const* units;   // (blocks)
  int count, blocks;
  Scalar rho;
  bool adaptive;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int block) const {
    Ascend const s = *this;
    tile::AddSquares<Scalar> norm;
    for (int b = 0; b < blocks; ++b) norm.add(norms[b], units[b]);
    Scalar const scale   = norm.squares > 0 ? rho / Kokkos::sqrt(norm.squares) : Scalar(0);
    Scalar const inverse = 1 / norm.unit;
    int const first = block * optimizer::block, left = count - first;
    c.each(left < optimizer::block ? left : +optimizer::block, [=](int k) {
      int const i    = first + k;
      Scalar const w = s.theta[i];
      Scalar const e = inverse * s.ascent[i];  // in the unit of the norm
      s.theta[i]     = w + scale * (s.adaptive ? Kokkos::abs(w) * e : e);
    });
  }
};

}  // namespace detail

/// Options of sharpness-aware minimization.
struct SharpnessAware {
  double rho    = 0.05;   ///< length of the ascent, units of theta; > 0
  bool adaptive = false;  ///< an ascent that scales with the parameters

  template <class Self, class F>
  static constexpr void fields(Self& self, F&& f) {
    f(Field{"rho", "theta", "length of the ascent"}, self.rho, range::above(0).finite());
    f(Field{"adaptive", "1", "an ascent that scales with the parameters"}, self.adaptive);
  }
  /// \throws std::invalid_argument naming the field and its value
  void check() const { check_fields("basin::train::SharpnessAware", *this); }
};

/// Sharpness-aware minimization around the optimizer of a Trainer: its update takes the gradient at
///
///   theta + rho g / |g|_2,  or, adaptive,  theta + rho theta^2 g / ||theta| g|_2
///
/// with g the gradient at theta, on the same rows and, where the objective has a replay buffer, the
/// same samples: the second gradient draws the chains that the first one wrote, and moves none. Costs
/// a gradient more; the chains move once. Source: Foret et al. 2021, arXiv:2010.01412, eq. 3;
/// adaptive: Kwon et al. 2021, arXiv:2102.11600; for joint models: Yang et al. 2022,
/// arXiv:2209.07959, with rho 2 and adaptive.
///
/// Kernels are launched one by one, not as a graph.
template <class E, class Objective, class Optimizer, class Schedule, class Exec,
          tile::Tuning tuning>
class SharpnessAwareSteps {
 public:
  using Trainer = train::Trainer<E, Objective, Optimizer, Schedule, Exec, tuning>;
  using Scalar  = typename Trainer::Scalar;

  static_assert(
      !requires { requires Objective::needs_steps; },
      "basin::train::SharpnessAwareSteps: the second gradient moves no chains, and this "
      "objective has a term through the last step of its sampler; write for example "
      "objective::PersistentCd.");
  static constexpr bool replays = requires(Objective const& o) { o.buffer.fresh; };
  static_assert(
      !replays ||
          requires {
            requires std::same_as<typename Objective::buffer_type::write_type,
                                  buffer::write::SameSlot>;
          },
      "basin::train::SharpnessAwareSteps: the second gradient draws the chains from the "
      "slots that the first one drew them from; write buffer::write::SameSlot.");

  /// Allocates. The trainer must outlive this object.
  /// \throws std::invalid_argument naming the option and its value
  SharpnessAwareSteps(Trainer& trainer, SharpnessAware const& options, Exec const& exec = Exec())
      : trainer_(trainer),
        options_(options),
        exec_(exec),
        ascent_("basin::train::ascent", blocks * optimizer::block),
        kept_("basin::train::kept", +E::parameters),
        norms_("basin::train::norms", +blocks),
        units_("basin::train::units_of_norms", +blocks) {
    options.check();
  }

  /// One training step. Asynchronous on exec, which must be the trainer's.
  void step() {
    auto const theta = trainer_.parameters();
    auto const g     = trainer_.gradient();
    tile::for_each_tile<tuning>(
        exec_, "basin::prepare", +blocks,
        detail::PrepareAscent<Scalar>{theta.data(), g.data(), ascent_.data(), kept_.data(),
                                      +E::parameters, options_.adaptive});
    optimizer::squared_norms<tuning>(exec_, static_cast<Scalar const*>(ascent_.data()),
                                     norms_.data(), units_.data(), +blocks);
    tile::for_each_tile<tuning>(
        exec_, "basin::ascend", +blocks,
        detail::Ascend<Scalar>{theta.data(), ascent_.data(), norms_.data(), units_.data(),
                               +E::parameters, +blocks, static_cast<Scalar>(options_.rho),
                               options_.adaptive});
    again();
    Kokkos::deep_copy(exec_, theta, kept_);
    trainer_.update();
  }

 private:
  static constexpr int blocks = optimizer::blocks(E::parameters);
  using Numbers               = Kokkos::View<Scalar*, typename Exec::memory_space>;

  void again() {
    if constexpr (replays) {
      Objective const before             = trainer_.objective();
      trainer_.objective().sampler.steps = 0;
      trainer_.objective().buffer.fresh  = 0;
      trainer_.gradient();
      trainer_.objective() = before;
    } else {
      trainer_.gradient();
    }
  }

  Trainer& trainer_;
  SharpnessAware options_;
  Exec exec_;
  Numbers ascent_;  // (parameters, padded with 0 to whole blocks)
  Numbers kept_;    // (parameters)
  Numbers norms_;   // (blocks) squared, in
  Numbers units_;   // (blocks)
};

}  // namespace basin::train

#endif
