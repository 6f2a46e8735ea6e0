// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/classifier.hpp>
#include <basin/energy/fill.hpp>
#include <basin/energy/parameter_gradient.hpp>
#include <basin/layer/dense.hpp>
#include <basin/layer/silu.hpp>

#include "support/finite_difference.hpp"
#include "support/swapped_outputs.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
namespace layer  = basin::layer;
namespace energy = basin::energy;
// E(x, y) = -f_y(x)
using Labeled =
    energy::HeadedNetwork<double, basin::Vector<3>, energy::head::Labeled, basin::tile::NoCopies,
                          layer::Dense<7>, layer::Silu, layer::Dense<4>>;
using M      = Model<Exec, Labeled>;
using Points = M::Points;
using Values = std::vector<double>;
using Labels = Kokkos::View<int*, Exec>;
using Catch::Matchers::WithinAbs;

constexpr int count   = 37;  // fills the last tile of no tuning
constexpr auto tuning = basin::tile::default_tuning<Exec, double, Labeled::workspace_rows>();

// What is recorded of the energy, of coefficient 'order'.
template <int order, class Fill>
Values recorded(Labels const& labels, Fill const& fill,
                Values const& parameters = parameters_of<Labeled>(1)) {
  auto const theta = on_device<Exec, double>(parameters);
  energy::ParameterGradient<Labeled, order, Exec, tuning> const work(count);
  work.record(Exec(),
              Labeled(theta.data()).with_head(energy::head::Labeled{{.labels = labels.data()}}),
              count, fill, {});
  auto const all = on_host(
      Kokkos::View<double*, Exec>(work.energies(), std::size_t(order + 1) * work.samples()));
  auto const from = all.begin() + order * work.samples();
  return Values(from, from + count);
}

Labels labels_of(int step, int first) {
  Labels const labels("labels", count);
  auto const host = Kokkos::create_mirror_view(labels);
  for (int n = 0; n < count; ++n) host(n) = (first + step * n) % 4;
  Kokkos::deep_copy(labels, host);
  return labels;
}

// Sample n has the energy that it has with label 0, were output 0 that of its label.
template <int order, class Fill>
void check_conditions(Fill const& fill) {
  auto const mixed = recorded<order>(labels_of(3, 1), fill);
  Values right(count);
  for (int y = 0; y < 4; ++y) {
    auto const all = recorded<order>(labels_of(0, 0), fill,
                                     swapped_outputs<Labeled>(parameters_of<Labeled>(1), y));
    for (int n = 0; n < count; ++n)
      if ((1 + 3 * n) % 4 == y) right[std::size_t(n)] = all[std::size_t(n)];
  }
  CHECK(mixed == right);
}

struct Case {
  M::Array x = on_device<Exec, double>(numbers(count * 3, 2)),
           u = on_device<Exec, double>(numbers(count * 3, 3));
};

TEST_CASE("fills let the energy load the conditions of its samples", "[energy][fill]") {
  Case const c;
  check_conditions<0>(energy::FillPoints<Points>{M::points(c.x)});
  check_conditions<1>(energy::FillJets<Points, Points>{M::points(c.x), M::points(c.u)});
}

TEST_CASE("the first coefficient along a direction is the slope of the energy", "[energy][fill]") {
  Case const c;
  auto const labels = labels_of(3, 1);
  auto const slope =
      recorded<1>(labels, energy::FillJets<Points, Points>{M::points(c.x), M::points(c.u)});
  double const h = 1e-5;
  auto const at  = [&](double t) {
    auto x       = on_host(c.x);
    auto const u = on_host(c.u);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += t * u[i];
    auto const moved = on_device<Exec, double>(x);
    return recorded<0>(labels, energy::FillPoints<Points>{M::points(moved)});
  };
  auto const up = at(h), down = at(-h);
  // Truncation h^2 / 6 of third derivatives and 1e-16 / h of rounding, 2e-11 each.
  for (std::size_t n = 0; n < count; ++n)
    CHECK_THAT(slope[n], WithinAbs((up[n] - down[n]) / (2 * h), 1e-9));
}

}  // namespace
