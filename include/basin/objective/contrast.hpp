// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_CONTRAST_HPP
#define BASIN_OBJECTIVE_CONTRAST_HPP

#include <basin/energy/parameter_gradient.hpp>
#include <basin/objective/diagnostics.hpp>
#include <basin/objective/loss.hpp>

namespace basin::objective {

/// An objective that contrasts data with samples of the model: Objective says where the samples
/// come from, this holds both and weighs dE/dtheta of each point by the loss.
template <class Objective, class E, class Exec, tile::Tuning tuning>
class Contrast : public Objective::template bind<E, Exec, tuning> {
  using base   = typename Objective::template bind<E, Exec, tuning>;
  using Scalar = typename E::scalar_type;

 public:
  using typename base::Chains;
  using typename base::Pool;
  static constexpr int parameters = 0;  ///< of the objective itself

  Contrast(Exec const& exec, Objective const& options, int batch, Pool const& pool,
           std::uint64_t seed)
      : base(exec, options, batch, pool, seed),
        batch_(batch),
        seed_(seed),
        gradient_(2 * batch),
        points_("basin::objective::points", 2 * batch, +E::dimension),
        statistics_("basin::objective::statistics", std::size_t(3) * batch) {}

  /// (batch, dimension) where the data of a step belong.
  Chains positives() const { return Kokkos::subview(points_, std::pair(0, batch_), Kokkos::ALL); }

  /// gradient (E::parameters) = dL/dtheta at positives() and new samples. Asynchronous on exec.
  void gradient(Exec const& exec, Objective const& options, E const& energy, Step const& step,
                Scalar const*, Scalar* gradient) {
    Chains const chains = Kokkos::subview(points_, std::pair(batch_, 2 * batch_), Kokkos::ALL);
    base::samples(exec, options, energy, positives(), chains, step, chain_statistics());
    using Fill = energy::detail::FillPoints<Chains>;
    gradient_.record(exec, energy, 2 * batch_, Fill{points_}, step.stream(seed_, Purpose::dropout));
    loss_weights<typename Objective::loss_type, tuning>(
        exec, gradient_.energies(), gradient_.weights(), batch_, options.energy_l2, step);
    gradient_.sum(exec, 2 * batch_, gradient);
  }

  Diagnostics<Scalar> diagnostics() const {
    return {gradient_.energies(), gradient_.energies() + batch_, nullptr, chain_statistics(),
            base::ages()};
  }

 private:
  sampler::ChainStatistics<Scalar> chain_statistics() const {
    Scalar* const s = statistics_.data();
    return {s, s + batch_, s + 2 * batch_};
  }

  int batch_;
  std::uint64_t seed_;
  energy::ParameterGradient<E, 0, Exec, tuning> gradient_;
  Chains points_;  // (2 batch, dimension): data, then samples
  Kokkos::View<Scalar*, typename Exec::memory_space> statistics_;  // (3, batch)
};

namespace detail {

template <class Objective, class E, class Exec, tile::Tuning tuning>
struct BoundObjective {
  using type = typename Objective::template bind<E, Exec, tuning>;
};
template <class Objective, class E, class Exec, tile::Tuning tuning>
  requires requires { typename Objective::loss_type; }
struct BoundObjective<Objective, E, Exec, tuning> {
  using type = Contrast<Objective, E, Exec, tuning>;
};

}  // namespace detail

/// Whether a type can be an objective: it has a form for an energy, a space and a tuning.
template <class Objective, class E, class Exec, tile::Tuning tuning>
concept BindsEnergy = requires { typename Objective::template bind<E, Exec, tuning>; };

/// Coordinates of the energy that an objective sets itself, behind those of the data.
template <class Objective>
inline constexpr int conditions = 0;
template <class Objective>
  requires requires { +Objective::conditions; }
inline constexpr int conditions<Objective> = Objective::conditions;

/// An objective on an execution space, as a trainer drives it.
template <class Objective, class E, class Exec, tile::Tuning tuning>
using bound = typename detail::BoundObjective<Objective, E, Exec, tuning>::type;

}  // namespace basin::objective

#endif
