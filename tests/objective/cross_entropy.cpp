// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/silu.hpp>
#include <basin/layer/square.hpp>
#include <basin/objective/cross_entropy.hpp>
#include <basin/sampler/mala.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::CrossEntropy;
using Catch::Matchers::WithinAbs;
namespace layer = basin::layer;
using Net       = basin::energy::Classifier<double, basin::Vector<2>, layer::Dense<5>, layer::Silu,
                                            layer::Dense<3>>;
constexpr auto tuning = basin::tile::default_tuning<Exec, double, Net::workspace_rows>();
using Bound           = CrossEntropy::bind<Net, Exec, tuning>;

constexpr int n = 21;
int label(std::size_t i) { return static_cast<int>(i * i % 3); }

basin::objective::Dataset<double, Exec::memory_space> dataset(std::vector<int> const& labels) {
  Kokkos::View<int*, Exec> const view("labels", labels.size());
  auto const host = Kokkos::create_mirror_view(view);
  for (std::size_t i = 0; i < labels.size(); ++i) host(i) = labels[i];
  Kokkos::deep_copy(view, host);
  return {{}, view, {}, {}};
}

// -mean log p(y | x) of logits that evaluate.hpp computes, labels smoothed by s: the target is
// (1 - s) 1[y] + s / 3.
double loss(Model<Exec, Net> const& model, std::vector<double> const& x, double s) {
  auto const points = on_device<Exec, double>(x);
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const f("f", n, 3);
  basin::energy::logits(Exec(), model.net(), Model<Exec, Net>::points(points), f);
  auto const logits = on_host(f);
  double sum        = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double total = 0;
    for (std::size_t y = 0; y < 3; ++y) total += std::exp(logits[3 * i + y]);
    for (std::size_t y = 0; y < 3; ++y)
      sum += (s / 3 + (int(y) == label(i) ? 1 - s : 0)) * (std::log(total) - logits[3 * i + y]);
  }
  return sum / n;
}

TEST_CASE("the gradient of the cross-entropy is that of its mean over the batch",
          "[objective][cross_entropy]") {
  CrossEntropy const options{.smoothing = GENERATE(0.0, 0.3)};
  auto theta   = parameters_of<Net>(1);
  auto const x = numbers(2 * n, 2, 1.5);
  Model<Exec, Net> model(theta);
  Bound objective(Exec(), {}, n, dataset({}), 1);
  auto const batch = objective.batch();
  Kokkos::deep_copy(batch.points, Model<Exec, Net>::points(on_device<Exec, double>(x)));
  auto const labels = Kokkos::create_mirror_view(batch.labels);
  for (std::size_t i = 0; i < n; ++i) labels(i) = label(i);
  Kokkos::deep_copy(batch.labels, labels);
  Kokkos::View<double*, Exec> const gradient("gradient", +Net::parameters);
  objective.gradient(Exec(), options, model.net(), 0, nullptr, gradient.data());
  auto const found  = on_host(gradient);
  auto const column = objective.columns()[0];
  CHECK(std::string(column.quantity.name) == "loss");
  double mean = 0;
  for (double const v :
       on_host(Kokkos::View<double const*, Exec, Kokkos::MemoryUnmanaged>(column.values, n)))
    mean += v / n;
  CHECK_THAT(mean, WithinAbs(loss(model, x, options.smoothing), 1e-14));
  double worst = 0;
  for (std::size_t k = 0; k < theta.size(); ++k) {
    double const here = theta[k];
    double side[2];
    for (int s = 0; s < 2; ++s) {
      theta[k] = here + (s ? -step : step);
      model.set(theta);
      side[s] = loss(model, x, options.smoothing);
    }
    theta[k] = here;
    worst    = std::max(worst, std::abs(found[k] - (side[0] - side[1]) / (2 * step)));
  }
  CHECK(worst < tolerance);
}

TEST_CASE("labels beyond the logits are refused by their row", "[objective][cross_entropy]") {
  std::string const who =
      "basin::objective::CrossEntropy: labels must be in [0, 3), the number of "
      "logits; ";
  CHECK_THROWS_WITH(Bound(Exec(), {}, 1, dataset({0, 2, 3}), 1), who + "labels(2) is 3");
  CHECK_THROWS_WITH(Bound(Exec(), {}, 1, dataset({0, -1}), 1), who + "labels(1) is -1");
  CHECK_THROWS_WITH(CrossEntropy{.smoothing = -1}.check(1),
                    "basin::objective::CrossEntropy: smoothing must be in [0, 1), got -1");
}

// f_y(x) = -(x - m_y)^2 / (2 v): p(x | y) is N(m_y, v), with m = (-2, 3) and v = 1/4.
TEST_CASE("class-conditional chains have the law of their label", "[objective][cross_entropy]") {
  using Quadratics = basin::energy::Classifier<double, basin::Vector<1>, layer::Dense<2>,
                                               layer::Square, layer::Dense<2>>;
  Model<Exec, Quadratics> const model({1, 1, 2, -3,  //
                                       -2, 0, 0, -2, 0, 0});
  int constexpr count = 8192;
  Kokkos::View<int*, Exec> const labels("labels", count);
  auto const host = Kokkos::create_mirror_view(labels);
  for (int i = 0; i < count; ++i) host(i) = i % 2;
  Kokkos::deep_copy(labels, host);
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const chains("chains", count, 1);
  basin::sampler::sample(Exec(), basin::sampler::Mala{.steps = 300, .step_size = 0.1},
                         model.net().with_head(basin::energy::head::Labeled{{labels.data()}}),
                         chains, {.seed = 1});
  auto const x   = on_host(chains);
  double mean[2] = {}, square[2] = {};
  for (std::size_t i = 0; i < count; ++i) {
    double const from = x[i] - (i % 2 ? 3 : -2);
    mean[i % 2] += 2 * from / count;
    square[i % 2] += 2 * from * from / count;
  }
  // Four standard errors of 4096 chains each: of the mean 0.5 / 64, of the variance
  // 0.25 sqrt(2 / 4096).
  for (int y = 0; y < 2; ++y) {
    CHECK_THAT(mean[y], WithinAbs(0, 4 * 0.5 / 64));
    CHECK_THAT(square[y], WithinAbs(0.25, 4 * 0.25 * 0.0221));
  }
}

}  // namespace
