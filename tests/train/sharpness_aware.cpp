// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/persistent_cd.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/train/sharpness_aware.hpp>

#include "support/gaussian_model.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>

namespace sharpness_test {

// gradient = 3 theta: that of 3/2 |theta|^2
struct Bowl {
  using scalar_type                   = double;
  static constexpr int workspace_rows = 0;
  double const* theta;
  double* gradient;
  template <class Context>
  KOKKOS_FUNCTION void operator()(Context const& c, double*, int) const {
    Bowl const s = *this;
    c.each(2, [=](int k) { s.gradient[k] = 3 * s.theta[k]; });
  }
};

struct Convex {
  void check(int) const {}
  template <class E, class Exec, basin::tile::Tuning tuning>
  class bind {
    using memory = typename Exec::memory_space;
    using Batch  = basin::objective::Batch<double, memory>;

   public:
    bind(Exec const&, Convex const&, int batch, basin::objective::Dataset<double, memory> const&,
         std::uint64_t) {
      batch_.points = decltype(batch_.points)("points", batch, +E::dimension);
    }
    Batch batch() const { return batch_; }
    void gradient(Exec const& exec, Convex const&, E const& energy, basin::Step const&,
                  double const*, double* gradient) const {
      basin::tile::for_each_tile<tuning>(exec, "test::bowl", 1, Bowl{energy.theta(), gradient});
    }
    std::array<basin::objective::Column<double>, 0> columns() const { return {}; }

   private:
    Batch batch_;
  };
};

}  // namespace sharpness_test

namespace {

using namespace basin::test;
using basin::train::SharpnessAware;
using basin::train::SharpnessAwareSteps;
using Catch::Matchers::WithinAbs;
using Exec = BASIN_TEST_EXEC;
template <class Objective>
using Trainer = basin::train::Trainer<GaussianModel, Objective, basin::optimizer::Sgd,
                                      basin::optimizer::Constant, Exec>;

// theta after a step of size 0.1 on 3/2 |theta|^2.
Theta after(Theta theta, SharpnessAware const& options) {
  Trainer<sharpness_test::Convex> trainer({.optimizer = {.learning_rate = 0.1}, .batch = 4},
                                          normal_rows(8, 1));
  set_theta(trainer, theta);
  SharpnessAwareSteps steps(trainer, options);
  steps.step();
  CHECK(trainer.steps_taken() == 1);
  return theta_of(trainer);
}

TEST_CASE("a sharpness-aware step of a quadratic is the closed form", "[train][sharpness_aware]") {
  // theta = 2: the gradient at 2.05 is 6.15; adaptive, rho theta^2 g / (|theta| |g|) = 1: at 3, 9.
  CHECK_THAT(after({2, 0}, {.rho = 0.05}).w, WithinAbs(2 - 0.615, 1e-14));
  CHECK_THAT(after({2, 0}, {.rho = 0.5, .adaptive = true}).w, WithinAbs(2 - 0.9, 1e-14));
  // Of (3, -4): e = rho (3, -4) / 5; adaptive, |theta| g = 3 (9, -16), e = rho (27, -64) / sqrt 337.
  Theta const plain = after({3, -4}, {.rho = 0.5});
  CHECK_THAT(plain.w, WithinAbs(3 - 0.3 * 3.3, 1e-14));
  CHECK_THAT(plain.b, WithinAbs(-4 + 0.3 * 4.4, 1e-14));
  Theta const scaled = after({3, -4}, {.rho = 0.5, .adaptive = true});
  CHECK_THAT(scaled.w, WithinAbs(3 - 0.3 * (3 + 0.5 * 27 / std::sqrt(337.0)), 1e-14));
  CHECK_THAT(scaled.b, WithinAbs(-4 + 0.3 * (4 + 0.5 * 64 / std::sqrt(337.0)), 1e-14));
  // A gradient of 0 has no direction.
  CHECK(after({0, 0}, {}).w == 0);
}

TEST_CASE("the second gradient of a sharpness-aware step has the rows and samples of the first",
          "[train][sharpness_aware]") {
  // As many rows and slots as chains: the data are all rows, the samples the whole buffer.
  int constexpr n       = 37;
  double constexpr rate = 0.05, rho = 0.2;
  using Objective = basin::objective::PersistentCd<basin::sampler::Langevin<>>;
  Trainer<Objective> trainer({.objective = {.sampler = {.steps = 3, .step_size = 0.1},
                                            .buffer  = {.capacity = n, .fresh = 0.3}},
                              .optimizer = {.learning_rate = rate},
                              .batch     = n,
                              .seed      = 5},
                             normal_rows(n, 1.7));
  set_theta(trainer, {0.7, -0.2});
  SharpnessAwareSteps steps(trainer, {.rho = rho});
  for (int step = 0; step < 3; ++step) {
    Theta const theta = theta_of(trainer);
    steps.step();
    auto const rows    = normal_rows(n, 1.7);
    auto const samples = values(trainer.state().buffer().stored());
    auto const at      = [&](Theta const& here) {
      Theta sum{0, 0};
      for (std::size_t i = 0; i < n; ++i) {
        Theta const data   = here.parameter_gradient(rows(i, 0)),
                    sample = here.parameter_gradient(samples[i]);
        sum.w += (data.w - sample.w) / n;
        sum.b += (data.b - sample.b) / n;
      }
      return sum;
    };
    Theta const g     = at(theta);
    double const norm = std::hypot(g.w, g.b);
    Theta const sharp = at({theta.w + rho * g.w / norm, theta.b + rho * g.b / norm});
    Theta const found = theta_of(trainer);
    CHECK_THAT(found.w, WithinAbs(theta.w - rate * sharp.w, 1e-13));
    CHECK_THAT(found.b, WithinAbs(theta.b - rate * sharp.b, 1e-13));
    CHECK(std::abs(sharp.w - g.w) > 1e-3);  // the two gradients differ
  }
  CHECK(trainer.objective().sampler.steps == 3);
  CHECK(trainer.objective().buffer.fresh == 0.3);
  CHECK_THROWS_WITH(SharpnessAwareSteps(trainer, {.rho = 0}),
                    "basin::train::SharpnessAware: rho must be > 0 and finite, got 0");
}

}  // namespace
