// SPDX-License-Identifier: Apache-2.0
#ifndef BASIN_OBJECTIVE_DETAIL_RESIDUAL_GRADIENT_HPP
#define BASIN_OBJECTIVE_DETAIL_RESIDUAL_GRADIENT_HPP

#include <basin/energy/parameter_gradient.hpp>
#include <basin/objective/columns.hpp>
#include <basin/objective/residual.hpp>

namespace basin::objective::detail {

// The bound form of objectives whose loss is |r|^2 / 2, see FillResidual.
template <class E, class Exec, tile::Tuning tuning, int conditions>
class ResidualGradient {
 public:
  using Scalar = typename E::scalar_type;
  using memory = typename Exec::memory_space;
  using Chains = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;

  static constexpr int parameters = 0;

  ResidualGradient(int batch, std::uint64_t seed)
      : batch_(batch),
        seed_(seed),
        residual_(batch),
        points_("basin::objective::points", batch, E::dimension - conditions),
        losses_("basin::objective::losses", residual_.samples()) {
    residual_.set_weights(batch, Scalar(1) / static_cast<Scalar>(batch));
  }

  Batch<Scalar, memory> batch() const { return {points_, {}, {}, {}}; }

  auto columns() const {
    return std::array<Column<Scalar>, 2>{
        {{quantity::energy_data, residual_.energies(), nullptr, batch_},
         {quantity::loss, losses_.data(), nullptr, batch_}}};
  }

 protected:
  std::uint64_t seed() const { return seed_; }

  template <class Target>
  void gradient(Exec const& exec, E const& energy, Target const& target, Step const& step,
                Scalar* gradient) const {
    static_assert(Target::conditions == conditions);
    residual_.record(
        exec, energy, batch_,
        FillResidual<E, tile::Borrowed<Chains>, Target>{points_, target, losses_.data()},
        step.stream(seed_, Purpose::dropout));
    residual_.sum(exec, batch_, gradient);
  }

 private:
  int batch_;
  std::uint64_t seed_;
  energy::ParameterGradient<E, 1, Exec, tuning> residual_;
  Chains points_;                         // (batch, dimension of the data)
  Kokkos::View<Scalar*, memory> losses_;  // (batch, padded)
};

}  // namespace basin::objective::detail

#endif
