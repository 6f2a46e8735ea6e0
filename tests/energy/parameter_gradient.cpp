// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/parameter_gradient.hpp>
#include <basin/layer/conv2d.hpp>
#include <basin/layer/dense.hpp>
#include <basin/layer/dropout.hpp>
#include <basin/layer/flatten.hpp>
#include <basin/layer/gain.hpp>
#include <basin/layer/group_norm.hpp>
#include <basin/layer/silu.hpp>

#include "support/finite_difference.hpp"

#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace {

using namespace basin;
using Exec = BASIN_TEST_EXEC;

constexpr int count = 150;

// Every layer that sums over samples.
using Net =
    energy::Network<double, Image<4, 4>, layer::Conv2d<3, 3>, layer::GroupNorm<1>, layer::Silu,
                    layer::Flatten, layer::Dense<5>, layer::Silu, layer::Gain<>, layer::Dense<1>>;
using M = test::Model<Exec, Net>;

constexpr tile::Tuning whole = [] {
  tile::Tuning t = tile::default_tuning<Exec, double, Net::workspace_rows>();
  t.slice        = 0;
  return t;
}();
// Of 150 samples: 64, 64 and 22.
constexpr tile::Tuning in_slices = [] {
  tile::Tuning t = whole;
  t.slice        = 50;
  return t;
}();

// Of the points [first, first + n).
template <int order, tile::Tuning tuning>
std::vector<double> gradient(M const& model, std::vector<double> const& x,
                             std::vector<double> const& u, int first, int n) {
  auto const some = [&](std::vector<double> const& all) {
    auto const from = all.begin() + first * Net::dimension;
    return test::on_device<Exec, double>({from, from + n * Net::dimension});
  };
  auto const points = some(x), directions = some(u);
  energy::ParameterGradient<Net, order, Exec, tuning> const work(n);
  typename M::Array const found("found", +Net::parameters);
  work.set_weights(n, 0.7);
  using Points = typename M::Points;
  if constexpr (order == 0)
    work.record(Exec(), model.net(), n, energy::FillPoints<Points>{M::points(points)}, {});
  else
    work.record(Exec(), model.net(), n,
                energy::FillJets<Points, Points>{M::points(points), M::points(directions)}, {});
  work.sum(Exec(), n, found.data());
  return test::on_host(found);
}

TEST_CASE("a sum in slices is the sum of the gradients of its slices, in order",
          "[energy][parameter_gradient]") {
  M const model(test::parameters_of<Net>(1));
  auto const x = test::numbers(std::size_t(count) * Net::dimension, 2);
  auto sum     = gradient<0, whole>(model, x, x, 0, 64);
  for (int const first : {64, 128}) {
    auto const more = gradient<0, whole>(model, x, x, first, std::min(count - first, 64));
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += more[k];
  }
  auto const found = gradient<0, in_slices>(model, x, x, 0, count);
  CHECK(found == sum);
  // Or the test would not see slices.
  CHECK(found != gradient<0, whole>(model, x, x, 0, count));
}

TEST_CASE("sums in slices are those of the whole batch, of jets too",
          "[energy][parameter_gradient]") {
  M const model(test::parameters_of<Net>(1));
  auto const x       = test::numbers(std::size_t(count) * Net::dimension, 2);
  auto const u       = test::numbers(std::size_t(count) * Net::dimension, 3);
  auto const compare = [&]<int order>(std::integral_constant<int, order>) {
    auto const right = gradient<order, whole>(model, x, u, 0, count);
    auto const found = gradient<order, in_slices>(model, x, u, 0, count);
    double size = 0, off = 0;
    for (std::size_t k = 0; k < right.size(); ++k) {
      size = std::max(size, std::abs(right[k]));
      off  = std::max(off, std::abs(found[k] - right[k]));
    }
    INFO("order " << order);
    // Sums of 150 terms, the largest of about the size of the sum.
    CHECK(off <= 150 * 0x1p-53 * 10 * size);
    CHECK(found != right);
  };
  compare(std::integral_constant<int, 0>{});
  compare(std::integral_constant<int, 1>{});
  compare(std::integral_constant<int, 2>{});
}

// Twice what is in memory, read on the device.
struct Twice {
  double const* at;
  KOKKOS_FUNCTION double operator()() const { return 2 * *at; }
};

TEST_CASE("add adds a multiple of the sum to what is there", "[energy][parameter_gradient]") {
  M const model(test::parameters_of<Net>(1));
  auto const x      = test::numbers(std::size_t(count) * Net::dimension, 2);
  auto const sum    = gradient<0, whole>(model, x, x, 0, count);
  auto const was    = test::numbers(sum.size(), 4);
  auto const on     = test::on_device<Exec, double>(x);
  auto const factor = test::on_device<Exec, double>({0.75});
  auto const added  = [&](auto const& by) {
    energy::ParameterGradient<Net, 0, Exec, whole> const work(count, energy::Adds::yes);
    auto const to = test::on_device<Exec, double>(was);
    work.set_weights(count, 0.7);
    work.record(Exec(), model.net(), count, energy::FillPoints<typename M::Points>{M::points(on)},
                 {});
    work.add(Exec(), count, to.data(), by);
    return test::on_host(to);
  };
  auto const by_number = added(1.5);
  for (std::size_t k = 0; k < sum.size(); ++k) REQUIRE(by_number[k] == was[k] + 1.5 * sum[k]);
  CHECK(added(Twice{factor.data()}) == by_number);
}

TEST_CASE("a factor of 0 adds nothing, not even of what is no number",
          "[energy][parameter_gradient]") {
  auto const to   = test::on_device<Exec, double>({1, 2, 3});
  auto const from = test::on_device<Exec, double>({std::nan(""), INFINITY, 5});
  energy::add_scaled<whole>(Exec(), static_cast<double const*>(from.data()), 3, 0.0, to.data());
  CHECK(test::on_host(to) == std::vector<double>{1, 2, 3});
}

TEST_CASE("dropout is off in the mixed gradient, as in the derivatives",
          "[energy][parameter_gradient]") {
  using Net     = energy::Network<double, Vector<3>, layer::Dense<5>, layer::Silu, layer::Dense<1>>;
  using Dropped = energy::Network<double, Vector<3>, layer::Dense<5>, layer::Silu, layer::Dropout<>,
                                  layer::Dense<1>>;
  using Points  = typename M::Points;
  auto const x  = test::on_device<Exec, double>(test::numbers(6, 2));
  auto const u  = test::on_device<Exec, double>(test::numbers(6, 3));
  auto const gradient = [&]<class N>(N const& net) {
    typename M::Array const found("gradient", +N::parameters);
    energy::mixed_gradient(Exec(), net, Points(x.data(), 2, 3), Points(u.data(), 2, 3), found);
    return test::on_host(found);
  };
  test::Model<Exec, Net> const model(test::parameters_of<Net>(1));
  auto const expected = gradient(model.net());
  CHECK(test::largest(expected) > 0.1);
  CHECK(gradient(Dropped(model.net().theta())) == expected);
}

TEST_CASE("add is refused by one that has no array for it", "[energy][parameter_gradient]") {
  energy::ParameterGradient<Net, 0, Exec, whole> const work(1);
  CHECK_THROWS_WITH(work.add(Exec(), 1, work.weights(), 1.0),
                    "basin::energy::ParameterGradient: add needs an array of its own; write "
                    "Adds::yes in the constructor");
}

}  // namespace
