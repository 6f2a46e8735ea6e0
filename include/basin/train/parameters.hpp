// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_TRAIN_PARAMETERS_HPP
#define BASIN_TRAIN_PARAMETERS_HPP

#include <basin/core/archive.hpp>
#include <basin/energy/network.hpp>
#include <basin/energy/pack.hpp>
#include <basin/energy/reparameterize.hpp>
#include <basin/optimizer/update.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace basin::train {

/// The trained arrays: theta, followed by the objective's parameters, their gradient, the
/// optimizer's arrays, the moving average, and what kernels read instead of theta.
///
/// \tparam E        a TrainableEnergy
/// \tparam further  parameters of the objective, after those of the energy
/// \tparam states   arrays of the optimizer
template <class E, int further, int states, class Exec, tile::Tuning tuning>
class Parameters {
 public:
  using Scalar  = typename E::scalar_type;
  using Numbers = Kokkos::View<Scalar*, typename Exec::memory_space>;
  /// The energy passed to kernels: E, or E with copies of its weights.
  using energy_type = energy::packed_energy<E, tuning, Exec>;

  static constexpr int count          = E::parameters + further;
  static constexpr int blocks         = optimizer::blocks(count);
  static constexpr std::size_t padded = std::size_t(blocks) * optimizer::block;

  /// Allocates, and initializes the parameters.
  Parameters(std::uint64_t seed, double ema_decay) : ema_decay_(ema_decay) {
    auto const numbers = [](char const* name, std::size_t n) { return Numbers(name, n); };
    theta_             = numbers("basin::train::theta", padded);
    gradient_          = numbers("basin::train::gradient", padded);
    state_             = numbers("basin::train::optimizer_state", padded * states);
    averaged_          = numbers("basin::train::averaged", averages() ? padded : 0);
    copies_            = numbers("basin::train::packed", copied);
    scored_copies_     = numbers("basin::train::packed", copied);
    if constexpr (energy::Reparameterized<E>) {
      layer_state_      = numbers("basin::train::layer_state", +E::state);
      scored_state_     = numbers("basin::train::scoring_state", +E::state);
      effective_        = numbers("basin::train::effective", padded);
      scored_           = numbers("basin::train::scored", padded);
      auto const start  = E::initial_state(seed);
      auto const mirror = Kokkos::create_mirror_view(layer_state_);
      std::copy(start.begin(), start.end(), mirror.data());
      Kokkos::deep_copy(layer_state_, mirror);
    }
    draw(seed);
    if (averages()) Kokkos::deep_copy(averaged_, theta_);
  }

  /// The energy of a training step: updates the state of its layers. Asynchronous on exec.
  energy_type step_energy(Exec const& exec) const {
    if constexpr (energy::Reparameterized<E>) {
      energy::reparameterize<E, tuning>(exec, -1, theta_.data(), layer_state_.data(),
                                        effective_.data());
      return energy_of(exec, effective_.data(), copies_.data());
    } else {
      return energy_of(exec, theta_.data(), copies_.data());
    }
  }

  /// The energy of the averaged parameters, if there are any, else of the current ones.
  /// Asynchronous on exec.
  energy_type energy(Exec const& exec) const {
    Numbers const& theta = averages() ? averaged_ : theta_;
    if constexpr (energy::Reparameterized<E>) {
      // A separate state, so that evaluation does not change the training.
      Kokkos::deep_copy(exec, scored_state_, layer_state_);
      energy::reparameterize<E, tuning>(exec, scored_iterations, theta.data(), scored_state_.data(),
                                        scored_.data());
      return energy_of(exec, scored_.data(), scored_copies_.data());
    } else {
      return energy_of(exec, theta.data(), scored_copies_.data());
    }
  }

  /// gradient = dL/dtheta, from that by the effective parameters. Asynchronous on exec.
  void pull_back(Exec const& exec) const {
    if constexpr (energy::Reparameterized<E>)
      energy::pull_back_parameters<E, tuning>(exec, effective_.data(), layer_state_.data(),
                                              gradient_.data());
  }

  /// Updates theta and its average once. Asynchronous on exec.
  ///
  /// \param rule    the optimizer's at(...), on the device
  /// \param factor  (1) of the gradient, on the device
  template <class Rule>
  void update(Exec const& exec, Rule const* rule, Scalar const* factor) const {
    optimizer::update<tuning, states>(
        exec, rule, static_cast<Scalar>(1 - ema_decay_), +E::parameters, factor, gradient_.data(),
        theta_.data(), state_.data(), averages() ? averaged_.data() : nullptr, +blocks);
  }

  /// theta, its average, the arrays of the optimizer and the state of layers, without padding; by
  /// the names of the layers' parameters, each (rows, columns), as "theta/0.weight".
  template <Archive A>
  void archive(A& a) {
    archive_blocks(a, "theta", theta_.data(), true);
    for (int j = 0; j < states; ++j)
      archive_blocks(a, "optimizer_state_" + std::to_string(j),
                     state_.data() + std::size_t(j) * padded, true);
    archive_blocks(a, "averaged", averaged_.data(), averages());
    a("layer_state", layer_state_);
  }

  bool averages() const { return ema_decay_ > 0; }
  /// (padded)
  Numbers const& theta() const { return theta_; }
  /// (padded)
  Numbers const& gradient() const { return gradient_; }
  /// (padded), or empty
  Numbers const& averaged() const { return averaged_; }
  /// (E::state), or empty
  Numbers const& layer_state() const { return layer_state_; }

 private:
  // The energy of theta, with copies of its weights if its kernels use them.
  static energy_type energy_of(Exec const& exec, Scalar const* theta, Scalar* copies) {
    if constexpr (std::is_same_v<energy_type, E>)
      return E(theta);
    else
      return energy::pack<tuning>(exec, E(theta), copies);
  }

  template <class A>
  void archive_blocks(A& a, std::string const& name, Scalar* numbers, bool exists) const {
    using Block      = Kokkos::View<Scalar**, Kokkos::LayoutRight, typename Exec::memory_space,
                                    Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
    auto const block = [&](std::string const& part, int offset, int rows, int columns) {
      a(name + "/" + part, Block(exists ? numbers + offset : nullptr, exists ? rows : 0, columns));
    };
    for (energy::NamedBlock const& b : E::parameter_blocks())
      block(b.name, b.offset, b.rows, b.columns);
    if constexpr (further > 0) block("objective", E::parameters, further, 1);
  }

  // Averaged weights have their own singular vectors, near the current ones.
  static constexpr int scored_iterations = 8;
  static constexpr int copied            = energy::packed_numbers<E, tuning, Exec>();

  void draw(std::uint64_t seed) const {
    auto const host = Kokkos::create_mirror_view(theta_);
    for (energy::NamedBlock const& b : E::parameter_blocks())
      for (int i = 0; i < b.rows * b.columns; ++i) {
        using V               = tile::Simd<double, 1>;
        std::uint32_t const k = static_cast<std::uint32_t>(b.offset + i);
        Stream const stream{seed, Purpose::parameter, 0};
        V draw[4];
        double value;
        if (b.law.shape == layer::Law::Shape::normal) {
          tile::normal_block(stream, k / 4, 0u, draw);
          value = b.law.scale * draw[k % 4][0];
        } else {
          tile::uniform_block(stream, k / 4, 0u, draw);
          value = b.law.scale * (2 * draw[k % 4][0] - 1);
        }
        host(k) = static_cast<Scalar>(b.law.center + value);
      }
    Kokkos::deep_copy(theta_, host);
  }

  double ema_decay_;
  Numbers theta_, gradient_, averaged_;  // (padded)
  Numbers state_;                        // (states, padded)
  Numbers effective_, scored_;           // (padded) what an energy with effective weights reads
  Numbers copies_, scored_copies_;       // (copied)
  Numbers layer_state_, scored_state_;   // (E::state)
};

}  // namespace basin::train

#endif
