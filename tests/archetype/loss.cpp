// SPDX-License-Identifier: Apache-2.0
// A loss of a user's own, outside of namespace basin.
#include <basin/objective/persistent_cd.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/sampler/langevin.hpp>

#include "support/columns.hpp"
#include "support/training.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

// [listing]
namespace mine {

// L = mean max(0, margin + E+ - E-)
struct Hinge {
  using axis    = basin::objective::loss_axis;
  double margin = 1;

  template <class Scalar>
  KOKKOS_FUNCTION Scalar value(basin::objective::loss::Energies<Scalar> const& e, int n) const {
    Scalar const l = static_cast<Scalar>(margin) + e.data[n] - e.samples[n];
    return l > 0 ? l : Scalar(0);
  }
  template <class Scalar>
  KOKKOS_FUNCTION basin::objective::loss::Weights<Scalar> operator()(
      basin::objective::loss::Energies<Scalar> const& e, int n) const {
    Scalar const w = value(e, n) > 0 ? e.share : Scalar(0);
    return {w, -w};
  }
  void check() const {
    if (!(margin == margin)) basin::refuse("mine::Hinge", "margin must be a number");
  }
};

}  // namespace mine
// [/listing]

namespace {

using namespace basin::test;
using Exec    = BASIN_TEST_EXEC;
using Sampler = basin::sampler::Langevin<>;
using Catch::Matchers::WithinAbs;

template <class... Loss>
using Pcd = basin::objective::PersistentCd<Sampler, basin::buffer::Replay<>, Loss...>;
template <class O>
using Trainer =
    basin::train::Trainer<SmallNetwork, O, basin::optimizer::Sgd, basin::optimizer::Constant, Exec>;

// What a step leaves.
struct Left {
  std::vector<float> gradient;
  double gap, loss;
};

template <class O>
Left after_a_step(O objective) {
  objective.sampler = {.steps = 3, .step_size = 0.05};
  Trainer<O> trainer({.objective = objective, .batch = 37}, uniform_points(150, 3));
  trainer.step();
  auto const columns = trainer.state().columns();
  return {contents(trainer.last_gradient()),
          mean_of<Exec>(columns, "energy_samples") - mean_of<Exec>(columns, "energy_data"),
          mean_of<Exec>(columns, "loss")};
}

TEST_CASE("a hinge of a user's own is the loss that is trained", "[archetype][loss]") {
  auto const difference = after_a_step(Pcd<>{});
  CHECK(std::isnan(difference.loss));
  // Every pair is within a wide margin, none within a negative one.
  auto const wide = after_a_step(Pcd<mine::Hinge>{.loss = {.margin = 1e3}});
  auto const none = after_a_step(Pcd<mine::Hinge>{.loss = {.margin = -1e3}});
  CHECK(wide.gradient == difference.gradient);
  CHECK(none.gradient == std::vector<float>(none.gradient.size()));
  // Numbers of order 1000 in float.
  CHECK_THAT(wide.loss, WithinAbs(1e3 - difference.gap, 1e-3));
  CHECK(none.loss == 0);
  CHECK_THROWS_WITH((Pcd<mine::Hinge>{.loss = {.margin = std::nan("")}}.check(1)),
                    "mine::Hinge: margin must be a number");
}

}  // namespace
