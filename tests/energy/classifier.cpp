// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/classifier.hpp>
#include <basin/energy/pack.hpp>
#include <basin/layer/silu.hpp>

#include "support/finite_difference.hpp"
#include "support/many_rows.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

// A head of a user's own: one label for all chains, so that points may be moved for differences.
namespace classifier_test {

template <class Head, int label>
struct OneLabel : Head {
  template <class Context, class Scalar>
  KOKKOS_FUNCTION void load_conditions(Context const& c, Scalar* rows, int, int) const {
    using V = typename Context::value_type;
    c.map(1, [=](auto at) { at.store(rows, V(Scalar(label))); });
  }
};

}  // namespace classifier_test

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using classifier_test::OneLabel;
namespace head  = basin::energy::head;
namespace layer = basin::layer;
template <class Head>
using With     = basin::energy::HeadedNetwork<double, basin::Vector<3>, Head, basin::tile::NoCopies,
                                              layer::Dense<7>, layer::Silu, layer::Dense<4>>;
using Marginal = basin::energy::Classifier<double, basin::Vector<3>, layer::Dense<7>, layer::Silu,
                                           layer::Dense<4>>;

constexpr std::size_t n = 37, classes = 4;  // fill the last tile of no tuning

struct Case {
  Model<Exec, Marginal> model{parameters_of<Marginal>(1)};
  std::vector<double> x                = numbers(n * 3, 2, 1.5);
  Model<Exec, Marginal>::Array device  = on_device<Exec, double>(x);
  Model<Exec, Marginal>::Points points = Model<Exec, Marginal>::points(device);
  Kokkos::View<int*, Exec> labels{"labels", n};

  Case() {
    auto const host = Kokkos::create_mirror_view(labels);
    for (std::size_t i = 0; i < n; ++i) host(i) = static_cast<int>((i * i + 1) % classes);
    Kokkos::deep_copy(labels, host);
  }
  int label(std::size_t i) const { return static_cast<int>((i * i + 1) % classes); }

  std::vector<double> logits() const {
    Kokkos::View<double**, Kokkos::LayoutRight, Exec> const f("f", n, classes);
    basin::energy::logits(Exec(), model.net(), points, f);
    return on_host(f);
  }
  template <class E>
  std::vector<double> energies(E const& energy) const {
    Kokkos::View<double*, Exec> const e("e", n);
    basin::energy::energies(Exec(), energy, points, e);
    return on_host(e);
  }
};

double log_sum_exp(double const* f) {
  double sum = 0;
  for (std::size_t y = 0; y < classes; ++y) sum += std::exp(f[y]);
  return std::log(sum);
}

// A few roundings of sums of numbers of order 1.
double constexpr rounding = 1e-14;

TEST_CASE("the energies of a classifier are those of its logits", "[energy][classifier]") {
  Case const c;
  auto const f        = c.logits();
  auto const marginal = c.energies(c.model.net());
  auto const joint    = c.energies(c.model.net().with_head(head::Labeled{{c.labels.data()}}));
  auto const entropy  = c.energies(c.model.net().with_head(head::CrossEntropy{{c.labels.data()}}));
  double worst = 0, spread = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double const total = log_sum_exp(&f[i * classes]);
    double const fy    = f[i * classes + static_cast<std::size_t>(c.label(i))];
    worst              = std::max({worst, std::abs(marginal[i] + total), std::abs(joint[i] + fy),
                                   std::abs(entropy[i] - (total - fy))});
    spread             = std::max(spread, std::abs(joint[i] - joint[0]));
  }
  CHECK(worst < rounding);
  CHECK(spread > 0.1);  // the points and labels differ
}

TEST_CASE("logits of more rows than an int holds are refused", "[energy][classifier]") {
  using Points = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
  Case const c;
  for (std::size_t const rows : basin::test::many_rows)
    CHECK_THROWS_WITH(
        basin::energy::logits(Exec(), c.model.net(),
                              Model<Exec, Marginal>::Points(basin::test::absent<Points>(rows, 3)),
                              basin::test::absent<Points>(rows, classes)),
        basin::test::too_many("basin::energy::logits", "points", rows));
}

TEST_CASE("the joint energies of all labels sum to the marginal one", "[energy][classifier]") {
  // sum_y exp(-E(x, y)) = exp(-E(x))
  Case const c;
  auto const marginal = c.energies(c.model.net());
  std::vector<double> sums(n);
  for (int y = 0; y < int(classes); ++y) {
    Kokkos::deep_copy(c.labels, y);
    auto const joint = c.energies(c.model.net().with_head(head::Labeled{{c.labels.data()}}));
    for (std::size_t i = 0; i < n; ++i) sums[i] += std::exp(-joint[i]);
  }
  double worst = 0;
  for (std::size_t i = 0; i < n; ++i)
    worst = std::max(worst, std::abs(std::log(sums[i]) + marginal[i]));
  CHECK(worst < rounding);
}

TEST_CASE("logits as large as scalars go give the energy", "[energy][classifier]") {
  // f = (700, -700, 0, 699) beside E = -log sum exp f: exp f alone would be infinite.
  using Linear = basin::energy::Classifier<float, basin::Vector<1>, layer::Dense<4>>;
  Model<Exec, Linear> const model({0, 0, 0, 0, 700, -700, 0, 699});
  CHECK(std::abs(model.energies({1})[0] + 700 + std::log1p(std::exp(-1.0))) < 1e-4);
  CHECK(std::abs(model.gradients({1})[0]) < 1e-6);
}

TEST_CASE("derivatives of every head agree with differences", "[energy][classifier]") {
  auto const check = [](auto const& errors) {
    CHECK(errors.state < tolerance);
    CHECK(errors.parameters < tolerance);
  };
  check(gradient_errors<Exec, Marginal>());
  check(gradient_errors<Exec, With<OneLabel<head::Labeled, 2>>>());
  check(gradient_errors<Exec, With<OneLabel<head::CrossEntropy, 1>>>());
}

TEST_CASE("jets pass through heads", "[energy][classifier]") {
  CHECK(jet_error<Exec, Marginal>() < tolerance);
  CHECK(jet_error<Exec, With<OneLabel<head::CrossEntropy, 1>>>() < tolerance);
}

TEST_CASE("energies with a head have the same bits in every tuning", "[energy][classifier]") {
  Case const c;
  auto const net     = c.model.net().with_head(head::CrossEntropy{{c.labels.data()}});
  auto const results = run_in_each_tuning<Exec, double>([&]<basin::tile::Tuning tuning>() {
    Kokkos::View<double**, Kokkos::LayoutRight, Exec> const g("g", n, 3);
    Kokkos::View<double*, Exec> const e("e", n);
    basin::energy::gradients<tuning>(Exec(), net, c.points, g);
    basin::energy::energies<tuning>(Exec(), net, c.points, e);
    auto all = on_host(g), energies = on_host(e);
    all.insert(all.end(), energies.begin(), energies.end());
    return all;
  });
  CHECK(tunings_that_differ(results) == 0);
}

}  // namespace
