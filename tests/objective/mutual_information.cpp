// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/silu.hpp>
#include <basin/objective/mutual_information.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::objective::MutualInformation;
using Catch::Matchers::WithinAbs;
namespace layer = basin::layer;
using Net       = basin::energy::Classifier<double, basin::Vector<2>, layer::Dense<5>, layer::Silu,
                                            layer::Dense<3>>;
constexpr auto tuning         = basin::tile::default_tuning<Exec, double, Net::workspace_rows>();
constexpr std::size_t classes = 3;
constexpr MutualInformation with(double mu) { return {.weight = {.coefficient = mu}}; }

struct Result {
  double information;
  std::vector<double> gradient;
};

Result of(std::vector<double> const& theta, std::vector<double> const& x, double mu) {
  int const n = static_cast<int>(x.size() / 2);
  Model<Exec, Net> const model(theta);
  MutualInformation::bind<Net, Exec, tuning> objective(Exec(), with(mu), n, {}, 1);
  Kokkos::deep_copy(objective.batch().points, Model<Exec, Net>::points(on_device<Exec, double>(x)));
  Kokkos::View<double*, Exec> const gradient("gradient", +Net::parameters);
  objective.gradient(Exec(), with(mu), model.net(), 0, nullptr, gradient.data());
  double mean       = 0;
  auto const column = objective.columns()[0];
  for (double const v :
       on_host(Kokkos::View<double const*, Exec, Kokkos::MemoryUnmanaged>(column.values, n)))
    mean += v / n;
  return {mean, on_host(gradient)};
}

// H(mean p) - mean H(p), from logits.
double information(std::vector<double> const& theta, std::vector<double> const& x) {
  std::size_t const n = x.size() / 2;
  Model<Exec, Net> const model(theta);
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const f("f", n, classes);
  basin::energy::logits(Exec(), model.net(), Model<Exec, Net>::points(on_device<Exec, double>(x)),
                        f);
  auto const logits    = on_host(f);
  double mean[classes] = {}, entropies = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double total = 0;
    for (std::size_t y = 0; y < classes; ++y) total += std::exp(logits[classes * i + y]);
    for (std::size_t y = 0; y < classes; ++y) {
      double const p = std::exp(logits[classes * i + y]) / total;
      mean[y] += p / static_cast<double>(n);
      entropies -= p * std::log(p) / static_cast<double>(n);
    }
  }
  double entropy = 0;
  for (double const p : mean) entropy -= p * std::log(p);
  return entropy - entropies;
}

TEST_CASE("the gradient of the mutual information is that of the entropies",
          "[objective][mutual_information]") {
  auto theta       = parameters_of<Net>(1);
  auto const x     = numbers(2 * 21, 2, 1.5);
  double const mu  = 0.7;
  auto const found = of(theta, x, mu);
  CHECK_THAT(found.information, WithinAbs(information(theta, x), 1e-14));
  CHECK(found.information > 0.001);
  double worst = 0;
  for (std::size_t k = 0; k < theta.size(); ++k) {
    double const here = theta[k];
    double side[2];
    for (int s = 0; s < 2; ++s) {
      theta[k] = here + (s ? -step : step);
      side[s]  = -mu * information(theta, x);
    }
    theta[k] = here;
    worst    = std::max(worst, std::abs(found.gradient[k] - (side[0] - side[1]) / (2 * step)));
  }
  CHECK(worst < tolerance);
  for (double const g : of(theta, x, MutualInformation{}.weight.coefficient).gradient)
    CHECK(g == 0);
}

TEST_CASE("the mutual information of known classifiers", "[objective][mutual_information]") {
  // Equal logits of every row say nothing.
  std::vector<double> theta(Net::parameters, 0.0);
  CHECK_THAT(of(theta, numbers(2 * 21, 2, 1.5), 1).information, WithinAbs(0, 1e-15));
  // f_0 = silu(w x_0), f_1 = silu(-w x_0), and a third class of weight e^-600: silu(t) - silu(-t) = t,
  // so that p is (0.9, 0.1) at w x_0 = log 9 and (0.1, 0.9) at -log 9: log 2 - H(0.1).
  theta[0]                      = 1;   // hidden 0 = x_0
  theta[2]                      = -1;  // hidden 1 = -x_0
  std::size_t const last        = 2 * 5 + 5;
  theta[last + 0]               = 1;     // f_0
  theta[last + 5 + 1]           = 1;     // f_1
  theta[last + classes * 5 + 2] = -600;  // f_2
  double const a                = std::log(9.0);
  auto const two                = of(theta, {a, 0, -a, 0, a, 0, -a, 0}, 1);
  CHECK_THAT(two.information,
             WithinAbs(std::log(2.0) + 0.9 * std::log(0.9) + 0.1 * std::log(0.1), 1e-14));
  CHECK_THAT(two.information, WithinAbs(0.36806, 5e-6));
  // A class whose probability underflows keeps value and gradient finite.
  theta[last + classes * 5 + 2] = -1e5;
  auto const none               = of(theta, {a, 0, -a, 0}, 1);
  CHECK_THAT(none.information, WithinAbs(two.information, 1e-14));
  for (double const g : none.gradient) CHECK(std::isfinite(g));
}

}  // namespace
