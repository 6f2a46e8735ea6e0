// SPDX-License-Identifier: Apache-2.0
// An objective of a user's own, with a term of its own, outside of namespace basin.
#include <basin/objective/contrastive_divergence.hpp>
#include <basin/objective/sum.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/train/trainer.hpp>

#include "support/gaussian_model.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

// [listing]
namespace mine {

// weights = (E - level) / B, losses = (E - level)^2 / 2
template <class Scalar>
struct LevelWeights {
  using scalar_type                   = Scalar;
  static constexpr int workspace_rows = 0;
  Scalar const* energies;  // (batch)
  Scalar *weights, *losses;
  int batch;
  Scalar level;

  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, Scalar*, int) const {
    LevelWeights const s = *this;
    c.each(batch, [=](int n) {
      Scalar const off = s.energies[n] - s.level;
      s.weights[n]     = off / static_cast<Scalar>(s.batch);
      s.losses[n]      = off * off / 2;
    });
  }
};

// J = mean (E(x) - level)^2 / 2 over the data.
struct Level {
  double level = 0;

  void check(int) const {
    if (!std::isfinite(level)) basin::refuse("mine::Level", "level must be finite, got ", level);
  }

  template <class E, class Exec, basin::tile::Tuning tuning>
  class bind {
    using Scalar = typename E::scalar_type;
    using memory = typename Exec::memory_space;
    using Points = Kokkos::View<Scalar**, Kokkos::LayoutRight, memory>;

   public:
    bind(Exec const&, Level const&, int batch, basin::objective::Dataset<Scalar, memory> const&,
         std::uint64_t seed)
        : batch_(batch),
          seed_(seed),
          gradient_(batch),
          points_("points", batch, +E::dimension),
          losses_("losses", batch) {}

    basin::objective::Batch<Scalar, memory> batch() const { return {points_, {}, {}, {}}; }

    void gradient(Exec const& exec, Level const& options, E const& energy, basin::Step const& step,
                  Scalar const*, Scalar* gradient) {
      gradient_.record(exec, energy, batch_, basin::energy::FillPoints<Points>{points_},
                       step.stream(seed_, basin::Purpose::dropout));
      basin::tile::for_each_tile<tuning>(
          exec, "mine::level", 1,
          LevelWeights<Scalar>{gradient_.energies(), gradient_.weights(), losses_.data(), batch_,
                               static_cast<Scalar>(options.level)});
      gradient_.sum(exec, batch_, gradient);
    }

    auto columns() const {
      return std::array<basin::objective::Column<Scalar>, 2>{
          {{basin::objective::quantity::loss, losses_.data(), nullptr, batch_},
           {{"distance", "E^2", "of E from its level"}, losses_.data(), nullptr, batch_}}};
    }

   private:
    int batch_;
    std::uint64_t seed_;
    basin::energy::ParameterGradient<E, 0, Exec, tuning> gradient_;
    Points points_;                         // (batch, dimension)
    Kokkos::View<Scalar*, memory> losses_;  // (batch)
  };
};

}  // namespace mine
// [/listing]

namespace {

using namespace basin::test;
using Exec = BASIN_TEST_EXEC;
using Cd   = basin::objective::ContrastiveDivergence<basin::sampler::Langevin<>>;
using Catch::Matchers::WithinAbs;

template <class O>
using Trainer = basin::train::Trainer<GaussianModel, O, basin::optimizer::Sgd,
                                      basin::optimizer::Constant, Exec>;

constexpr int rows = 37;
constexpr Theta theta{0.7, -0.2};

// dL/dtheta of a step, the data of which are all rows.
template <class O>
Theta gradient_of(O const& objective) {
  Trainer<O> trainer({.objective = objective, .batch = rows}, normal_rows(rows, 1.7));
  set_theta(trainer, theta);
  trainer.step();
  auto const g = values(trainer.last_gradient());
  return {g[0], g[1]};
}

Theta of_level(double level) {
  auto const x = normal_rows(rows, 1.7);
  Theta sum{0, 0};
  for (int n = 0; n < rows; ++n) {
    double const off = (theta.energy(x(n, 0)) - level) / rows;
    sum.w += off * theta.parameter_gradient(x(n, 0)).w;
    sum.b += off * theta.parameter_gradient(x(n, 0)).b;
  }
  return sum;
}

TEST_CASE("a term of a user's own is trained", "[archetype][objective]") {
  Theta const g = gradient_of(mine::Level{.level = 0.3}), expected = of_level(0.3);
  // Sums of 37 terms of order 1.
  CHECK_THAT(g.w, WithinAbs(expected.w, 1e-14));
  CHECK_THAT(g.b, WithinAbs(expected.b, 1e-14));
  CHECK_THROWS_WITH(gradient_of(mine::Level{.level = INFINITY}),
                    "mine::Level: level must be finite, got inf");
}

TEST_CASE("a term of a user's own adds to contrastive divergence", "[archetype][objective]") {
  Cd const cd{.sampler = {.steps = 3, .step_size = 0.1}};
  Theta const alone = gradient_of(cd), term = of_level(0.3);
  Theta const both = gradient_of(basin::objective::Sum<Cd, mine::Level>{
      .first = cd, .second = {.level = 0.3}, .weight = {.coefficient = 2}});
  CHECK_THAT(both.w, WithinAbs(alone.w + 2 * term.w, 1e-14));
  CHECK_THAT(both.b, WithinAbs(alone.b + 2 * term.b, 1e-14));
}

}  // namespace
