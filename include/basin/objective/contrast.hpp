// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_CONTRAST_HPP
#define BASIN_OBJECTIVE_CONTRAST_HPP

#include <basin/energy/parameter_gradient.hpp>
#include <basin/objective/columns.hpp>
#include <basin/objective/concepts.hpp>
#include <basin/objective/loss.hpp>
#include <basin/sampler/chain.hpp>

namespace basin::objective {

/// Base of the bound form of objectives that contrast data with samples of the model: the points of
/// both, and the sum of their dE/dtheta weighted by a loss. The objective itself defines where the
/// samples come from: its 'gradient' moves chains to samples() by move() and calls contrast().
///
/// \tparam E        a TrainableEnergy
/// \tparam Sampler  a sampler, with its own columns
/// \tparam L        a loss policy
template <class E, class Exec, tile::Tuning tuning, class Sampler, class L>
class Contrast {
  static_assert(basin::sampler::conditions_of<Sampler> == 0,
                "basin::objective: this sampler sets coordinates of the energy itself, as "
                "sampler::AnnealedLangevin does log sigma, and its chains have fewer; write for "
                "example sampler::Langevin<>.");
  static_assert(!basin::sampler::chains_differ<Sampler>,
                "basin::objective: the chains of this sampler have different temperatures, and "
                "most are no samples of the model; write the sampler inside of it.");

 public:
  using Scalar  = typename E::scalar_type;
  using memory  = typename Exec::memory_space;
  using Chains  = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;
  using Pool    = Kokkos::View<Scalar const**, Kokkos::LayoutRight, memory>;
  using Outputs = sampler::outputs_of<Sampler, Scalar>;

  static constexpr int parameters = 0;  ///< of the objective itself

  /// (batch) input for the data of a step.
  objective::Batch<Scalar, memory> batch() const {
    return {Kokkos::subview(points_, std::pair(0, batch_), Kokkos::ALL), {}, {}, {}};
  }

  /// energy_data, energy_samples, loss if the loss has a value, and the sampler's.
  auto columns() const {
    constexpr int n = 2 + int(valued) + sampler_columns;
    std::array<Column<Scalar>, std::size_t(n)> all{};
    Scalar const* const e = gradient_.energies();
    all[0]                = {quantity::energy_data, e, nullptr, batch_};
    all[1]                = {quantity::energy_samples, e + batch_, nullptr, batch_};
    if constexpr (valued) all[2] = {quantity::loss, losses_.data(), nullptr, batch_};
    auto own = all.end() - sampler_columns;
    for (int i = 0; i < sampler_columns; ++i)
      *own++ = {sampler::columns_of<Sampler>[std::size_t(i)], statistics_.data() + i * batch_,
                nullptr, batch_};
    return all;
  }

  /// (batch, dimension) the samples of the last step
  Chains last_samples() const { return samples(); }

  /// Lists what must be saved.
  template <class Archive>
  void archive(Archive& a) {
    a("sampler", state_);
  }

 protected:
  /// \param batch  data points, and samples, per step
  Contrast(Exec const& exec, Sampler const& sampler, int batch, std::uint64_t seed)
      : batch_(batch),
        seed_(seed),
        gradient_(2 * batch),
        points_("basin::objective::points", 2 * batch, +E::dimension),
        losses_("basin::objective::losses", valued ? batch : 0),
        statistics_("basin::objective::statistics", std::size_t(sampler_columns) * batch),
        state_(exec, sampler, batch, +E::dimension, seed) {
    // A column that the sampler declares but does not write is NaN.
    Kokkos::deep_copy(statistics_, Kokkos::Experimental::quiet_NaN_v<Scalar>);
  }

  /// (batch, dimension) storage for the samples of a step.
  Chains samples() const {
    return Kokkos::subview(points_, std::pair(batch_, 2 * batch_), Kokkos::ALL);
  }
  /// (batch) E of the samples, once contrast() has run.
  Scalar const* energies_of_samples() const { return gradient_.energies() + batch_; }
  /// What the sampler reports of the samples.
  Outputs outputs() const {
    Outputs to{};
    for (int i = 0; i < sampler_columns; ++i) to.columns[i] = statistics_.data() + i * batch_;
    return to;
  }

  /// Moves chains (batch, dimension) by the sampler. Asynchronous on exec.
  ///
  /// \param energy  E, or E with another head
  template <class Moved>
  void move(Exec const& exec, Sampler const& sampler, Moved const& energy, Chains const& chains,
            Step const& step, Outputs const& outputs) {
    basin::sampler::run<tuning>(
        exec, sampler, state_, energy, chains,
        step.stream(seed_, Purpose::sampler_noise, basin::sampler::steps_bits), outputs);
  }

  /// gradient (E::parameters) = dL/dtheta at batch() and samples(). Asynchronous on exec.
  void contrast(Exec const& exec, L const& loss, EnergyPenalty const& penalty, E const& energy,
                Step const& step, Scalar* gradient) {
    gradient_.record(exec, energy, 2 * batch_, energy::FillPoints<tile::Borrowed<Chains>>{points_},
                     step.stream(seed_, Purpose::dropout));
    loss_weights<tuning>(exec, loss, static_cast<Scalar const*>(gradient_.energies()),
                         gradient_.weights(), losses_.data(), batch_, penalty, step);
    gradient_.sum(exec, 2 * batch_, gradient);
  }

 private:
  static constexpr bool valued         = has_value<L, Scalar>;
  static constexpr int sampler_columns = static_cast<int>(sampler::columns_of<Sampler>.size());
  using Numbers                        = Kokkos::View<Scalar*, memory>;

  int batch_;
  std::uint64_t seed_;
  energy::ParameterGradient<E, 0, Exec, tuning> gradient_;
  Chains points_;       // (2 batch, dimension): data, then samples
  Numbers losses_;      // (batch), if the loss has a value
  Numbers statistics_;  // (sampler_columns, batch)
  sampler::state_of<Sampler, Scalar, Exec> state_;
};

}  // namespace basin::objective

#endif
