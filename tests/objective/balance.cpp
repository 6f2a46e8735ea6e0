// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/silu.hpp>
#include <basin/objective/joint.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/train/trainer.hpp>

// Under the sanitizers this replaces new and delete; g++ inlines one alone and sees a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#include "benchmarks/support/count_allocations.hpp"
#include "support/clock.hpp"
#include "support/finite_difference.hpp"
#include "support/objective_laws.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace balance_test {

// All terms in every step, or those of log p(y | x) in even steps and the others in odd ones.
struct Turns {
  using axis       = basin::objective::turn_axis;
  bool alternating = false;
  KOKKOS_FUNCTION double discriminative(std::uint64_t step) const {
    return alternating && step % 2 == 1 ? 0 : 1;
  }
  KOKKOS_FUNCTION double generative(std::uint64_t step) const {
    return alternating && step % 2 == 0 ? 0 : 1;
  }
};

}  // namespace balance_test

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using Catch::Matchers::WithinRel;
namespace layer = basin::layer;
using Norms     = basin::objective::balance::GradientNorms;
constexpr int n = 21;
// More parameters than a work item of the sums takes.
using Net   = basin::energy::Classifier<double, basin::Vector<2>, layer::Dense<400>, layer::Silu,
                                        layer::Dense<3>>;
using Joint = basin::objective::Joint<basin::sampler::Langevin<>, basin::buffer::Replay<>,
                                      balance_test::Turns, Norms>;
using basin::tile::default_tuning;
using Bound  = Joint::bind<Net, Exec, default_tuning<Exec, double, Net::workspace_rows>()>;
using Points = Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace>;
using Labels = Kokkos::View<int*, Kokkos::HostSpace>;
using Vector = std::vector<double>;

Points points() {
  auto const x = numbers(2 * n, 2, 1.5);
  Points const to("points", n, 2);
  std::copy(x.begin(), x.end(), to.data());
  return to;
}
Labels labels() {
  Labels const to("labels", n);
  for (int i = 0; i < n; ++i) to(i) = i * i % 5 % 3;
  return to;
}

Joint with(Norms const& balance, double p_y_given_x = 0.7, double p_x = 13) {
  return {.sampler     = {.steps = 3, .step_size = 0.1},
          .buffer      = {.capacity = 63},
          .p_y_given_x = {.coefficient = p_y_given_x},
          .p_x         = {.coefficient = p_x},
          .balance     = balance};
}

struct Steps {
  std::vector<Vector> gradients;
  Vector factors;
};
// The first steps, at the same parameters.
Steps first_steps(Joint const& options, int count) {
  Model<Exec, Net> const model(parameters_of<Net>(1));
  Bound objective(Exec(), options, n, {}, 1);
  Kokkos::deep_copy(objective.batch().points, points());
  Kokkos::deep_copy(objective.batch().labels, labels());
  Kokkos::View<double*, Exec> const gradient("gradient", +Net::parameters);
  Steps steps;
  for (int k = 0; k < count; ++k) {
    objective.gradient(Exec(), options, model.net(), std::uint64_t(k), nullptr, gradient.data());
    steps.gradients.push_back(on_host(gradient));
    for (auto const& column : objective.columns())
      if (std::string(column.quantity.name) == "balance")
        steps.factors.push_back(on_host(
            Kokkos::View<double const*, Exec, Kokkos::MemoryUnmanaged>(column.values, 1))[0]);
  }
  return steps;
}

double norm(Vector const& v) {
  double sum = 0;
  for (double const x : v) sum += x * x;
  return std::sqrt(sum);
}

// The largest |total - d - s g|, in units of the largest |g|.
double apart(Vector const& total, Vector const& d, double s, Vector const& g) {
  double worst = 0, largest = 0;
  for (std::size_t k = 0; k < g.size(); ++k) {
    worst   = std::max(worst, std::abs(total[k] - d[k] - s * g[k]));
    largest = std::max(largest, std::abs(g[k]));
  }
  return worst / largest;
}

TEST_CASE("balanced gradients have the ratio of norms that is stated", "[objective][balance]") {
  // Without the other part there is nothing to balance: these are d and g.
  auto const only_d = first_steps(with({}, 0.7, 0), 1), only_g = first_steps(with({}, 0, 13), 1);
  Vector const &d = only_d.gradients[0], &g = only_g.gradients[0];
  CHECK(only_d.factors[0] == 1);
  CHECK(only_g.factors[0] == 1);
  double const exact = norm(d) / norm(g);
  REQUIRE(exact < 0.9);  // so that 1 is another number
  auto const check = [&](Norms const& balance, double s) {
    auto const both = first_steps(with(balance), 1);
    CHECK_THAT(both.factors[0], WithinRel(s, 1e-12));
    CHECK(apart(both.gradients[0], d, both.factors[0], g) < 1e-14);
    Vector scaled = both.gradients[0];
    for (std::size_t k = 0; k < d.size(); ++k) scaled[k] -= d[k];
    CHECK_THAT(norm(scaled), WithinRel(s * norm(g), 1e-12));
  };
  Norms const wide{.least = 1e-6, .most = 1e6};
  auto of = [&](double ratio) {
    Norms balance = wide;
    balance.ratio = ratio;
    return balance;
  };
  check(of(1), exact);  // |s g| = |d|
  check(of(2.5), 2.5 * exact);
  check({.ratio = 1e-3, .least = 0.2}, 0.2);
  check({.ratio = 1e3, .most = 3}, 3);
  check({.ratio = 1e3, .most = 1}, 1);
  check({.ratio = 1, .most = 1}, exact);  // a limit alone leaves what is below it
}

// Steps of d, g, d, g: the factor of a step is that of the averages of the steps before, and of its own.
TEST_CASE("the averages of a balance are those of each part's turns", "[objective][balance]") {
  auto const alternate = [](Joint options) {
    options.turn = {.alternating = true};
    return options;
  };
  double const decay = 0.7;
  auto const parts   = first_steps(alternate(with({.ratio = 1, .least = 1, .most = 1})), 4);
  auto const found   = first_steps(
      alternate(with({.ratio = 2, .least = 1e-6, .most = 1e6, .decay = decay, .fade = 5})), 4);
  double const d0 = norm(parts.gradients[0]), g1 = norm(parts.gradients[1]),
               d2 = decay * d0 + (1 - decay) * norm(parts.gradients[2]),
               g3 = decay * g1 + (1 - decay) * norm(parts.gradients[3]);
  CHECK(found.factors[0] == 1);
  CHECK_THAT(found.factors[1], WithinRel(std::pow(2 * d0 / g1, 0.8), 1e-12));
  CHECK_THAT(found.factors[2], WithinRel(std::pow(2 * d2 / g1, 0.6), 1e-12));
  CHECK_THAT(found.factors[3], WithinRel(std::pow(2 * d2 / g3, 0.4), 1e-12));
  CHECK(found.gradients[2] == parts.gradients[2]);
  CHECK(apart(found.gradients[3], Vector(parts.gradients[3].size()), found.factors[3],
              parts.gradients[3]) < 1e-14);
  CHECK(Norms{.ratio = 4, .fade = 5}.factor(1, 1, 5) == 1);
  CHECK(Norms{.ratio = 4, .fade = 5}.factor(1, 1, 9) == 1);
  CHECK(Norms{.ratio = 4}.factor(1, 1, 9) == 4);
}

using Trainer =
    basin::train::Trainer<Net, Joint, basin::optimizer::Sgd, basin::optimizer::Constant, Exec>;
Trainer trainer(Exec const& exec = Exec()) {
  return Trainer(
      {.objective = with({.ratio = 0.5}, 1, 1), .optimizer = {.learning_rate = 0.01}, .batch = n},
      points(), labels(), exec);
}

TEST_CASE("a balanced model trains to the same bits for any number of threads",
          "[objective][balance]") {
  check_training_of_any_threads<Exec>([](Exec const& exec) { return trainer(exec); }, 30);
}

TEST_CASE("a balanced step allocates nothing and waits for nothing", "[objective][balance]") {
  namespace bench = basin::bench;
  bench::watch_kokkos();
  auto t = trainer();
  for (int i = 0; i < 3; ++i) t.step();
  auto const tally = bench::count(Exec(), 20, [&] { t.step(); });
  CHECK(tally.allocations == 0);
  CHECK(tally.fences == 0);
  CHECK(t.metrics()["balance"] > 0);
}

TEST_CASE("a balance refuses numbers that do not fit", "[objective][balance]") {
  std::string const who = "basin::objective::balance::GradientNorms: ";
  CHECK_THROWS_WITH(with({.ratio = 0}).check(1), who + "ratio must be > 0 and finite, got 0");
  CHECK_THROWS_WITH(with({.least = 2}).check(1), who + "least must be in (0, 1], got 2");
  CHECK_THROWS_WITH(with({.most = 0.5}).check(1), who + "most must be >= 1 and finite, got 0.5");
  CHECK_THROWS_WITH(with({.decay = 1}).check(1), who + "decay must be in [0, 1), got 1");
  CHECK_THROWS_WITH(with({.fade = -1}).check(1), who + "fade must be >= 0, got -1");
}

}  // namespace
