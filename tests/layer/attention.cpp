// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/attention.hpp>
#include <basin/layer/silu.hpp>

#include "support/finite_difference.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::energy::Network;
using basin::layer::Conv2d;
using basin::layer::Dense;
using basin::layer::DotProductAttention;
using basin::layer::SelfAttention;
using basin::layer::Silu;
using namespace basin::test;

TEST_CASE("attention is a mean of the values, weighted by softmax", "[layer][attention]") {
  constexpr int positions = 6, keys = 2, in = 7, out = 3;
  using Net        = Network<double, Image<2, 3, in>, DotProductAttention<keys>, Dense<1>>;
  auto const theta = parameters_of<Net>(1);
  auto const x     = numbers(positions * in, 2, 2);
  auto const at    = [&](int p, int c) { return x[static_cast<std::size_t>(p * in + c)]; };
  double expected  = theta.back();
  for (int p = 0; p < positions; ++p) {
    double a[positions], sum = 0;
    for (int q = 0; q < positions; ++q) {
      double s = 0;
      for (int k = 0; k < keys; ++k) s += at(p, k) * at(q, keys + k);
      sum += a[q] = std::exp(s);
    }
    for (int c = 0; c < out; ++c)
      for (int q = 0; q < positions; ++q)
        expected += theta[static_cast<std::size_t>(p * out + c)] * a[q] / sum * at(q, 2 * keys + c);
  }
  double const e = Model<Exec, Net>(theta).energies(x)[0];
  // A few dozen roundings of numbers below 10.
  CHECK(std::abs(e - expected) < 1e-13);
}

TEST_CASE("large scores do not overflow", "[layer][attention]") {
  using Net = Network<float, Image<1, 2, 3>, DotProductAttention<1>, Dense<1>>;
  // query . key = 1e4 for the first key, 9e3 for the second: all weight on the first value, 5.
  Model<Exec, Net> const model({1, 1, 0});
  CHECK(model.energies({100, 100, 5, 100, 90, 7}) == std::vector<float>{10});
}

TEST_CASE(
    "a score past the largest float is NaN in energy and gradient, past the least has no weight",
    "[layer][attention]") {
  using Net = Network<float, Image<1, 2, 3>, DotProductAttention<1>, Dense<1>>;
  Model<Exec, Net> const model({1, 1, 0});
  // query . key = 9e38 of the first position: no sentinel for NaN may miss it.
  std::vector<double> const above{3e19, 3e19, 5, 0, 0, 7};
  CHECK(std::isnan(model.energies(above)[0]));
  auto const g = model.gradients(above);
  for (std::size_t const i : {0, 1, 2, 4, 5}) CHECK(std::isnan(g[i]));
  // -9e38: the first position reads the second value alone, the second the mean of both.
  std::vector<double> const below{3e19, -3e19, 5, 0, 0, 7};
  CHECK(model.energies(below)[0] == 13);
  CHECK(model.gradients(below) == std::vector<float>{0, 0, 0.5F, 1.5e19F, 0, 1.5F});
}

TEST_CASE("attention does not depend on the order of the positions", "[layer][attention]") {
  using Net  = Network<double, Image<1, 3, 5>, DotProductAttention<1>, basin::layer::Silu,
                       Conv2d<1, 1>, basin::layer::Silu, Dense<1, basin::layer::initializer::Zeros>>;
  auto theta = parameters_of<Net>(1);
  // The head treats all positions alike.
  for (std::size_t k = 2; k <= 4; ++k) theta[theta.size() - k] = 1;
  auto x         = numbers(15, 2, 2);
  double const e = Model<Exec, Net>(theta).energies(x)[0];
  std::rotate(x.begin(), x.begin() + 5, x.end());
  CHECK(std::abs(Model<Exec, Net>(theta).energies(x)[0] - e) < 1e-14 * (1 + std::abs(e)));
}

template <class Net>
void check_differences() {
  auto const errors = gradient_errors<Exec, Net>();
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
}

TEST_CASE("attention has the gradients of its energy", "[layer][attention]") {
  check_differences<Network<double, Image<3, 2, 5>, DotProductAttention<2>, Silu, Dense<1>>>();
  check_differences<
      Network<double, Image<2, 2, 3>, SelfAttention<3, 2>, Silu, Conv2d<2, 2>, Silu, Dense<1>>>();
}

TEST_CASE("attention has the same bits in every tuning", "[layer][attention]") {
  using Net          = Network<float, Image<3, 2, 4>, SelfAttention<4>, Silu, Dense<1>>;
  auto const theta   = parameters_of<Net>(1);
  auto const x       = numbers(9 * Net::dimension, 2, 2);
  auto const w       = numbers(9, 3);
  auto const results = run_in_few_tunings<Exec, float>([&]<basin::tile::Tuning tuning>() {
    Model<Exec, Net, tuning> const model(theta);
    auto all      = model.gradients(x);
    auto const dt = model.training(x, w).gradient;
    all.insert(all.end(), dt.begin(), dt.end());
    return all;
  });
  CHECK(tunings_that_differ(results) == 0);
}

}  // namespace
