// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/conv2d.hpp>
#include <basin/layer/dropout.hpp>
#include <basin/layer/group_norm.hpp>
#include <basin/layer/pool.hpp>
#include <basin/layer/residual.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/square.hpp>
#include <basin/layer/tanh.hpp>

#include "support/all_numbers.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <ratio>
#include <string>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::Vector;
using basin::energy::Network;
using basin::layer::Conv2d;
using basin::layer::Dense;
using basin::layer::Dropout;
using basin::layer::GroupNorm;
using basin::layer::LayerNorm;
using basin::layer::MeanPool;
using basin::layer::Residual;
using basin::layer::Silu;
using basin::layer::Square;
using basin::layer::Tanh;
using Catch::Matchers::WithinAbs;
using namespace basin::test;

std::vector<std::string> names(std::vector<basin::energy::NamedBlock> const& blocks) {
  std::vector<std::string> result;
  for (auto const& b : blocks) result.push_back(b.name);
  return result;
}

TEST_CASE("a block has the parameters of its layers, and of a projection where the shape changes",
          "[layer][residual]") {
  using Skip = Network<float, Image<4, 4, 2>, Residual<Conv2d<2, 3>, Silu>, MeanPool, Dense<1>>;
  STATIC_REQUIRE(Skip::parameters == (9 * 2 * 2 + 2) + (2 + 1));
  // 1x1 of stride 2: 7x6 to 4x3.
  using Projected = Network<float, Image<7, 6, 2>, Residual<Conv2d<5, 3, 2>, Silu, Conv2d<3, 3>>,
                            MeanPool, Dense<1>>;
  STATIC_REQUIRE(Projected::parameters ==
                 (9 * 2 * 5 + 5) + (9 * 5 * 3 + 3) + (2 * 3 + 3) + (3 + 1));
  // The projection stands behind the layers inside.
  CHECK(names(Projected::parameter_blocks()) ==
        std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias",
                                 "4.weight", "4.bias"});
  using Vectors = Network<float, Vector<5>, Residual<Dense<3>>, Dense<1>>;
  STATIC_REQUIRE(Vectors::parameters == 2 * (5 * 3 + 3) + (3 + 1));
}

// ---- values, written out -----------------------------------------------------------------

double silu(double x) { return x / (1 + std::exp(-x)); }

// (out, in) x + b behind it; moves on.
std::vector<double> affine(double const*& theta, std::vector<double> const& x, std::size_t out) {
  std::vector<double> y(out);
  for (double& v : y)
    for (double const value : x) v += *theta++ * value;
  for (double& v : y) v += *theta++;
  return y;
}

std::vector<double> sum(std::vector<double> a, std::vector<double> const& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

template <class Net, class Expected>
void check_energies(Expected const& expected) {
  auto const theta    = parameters_of<Net>(1);
  auto const x        = numbers(9 * Net::dimension, 2, 1.5);
  auto const energies = Model<Exec, Net>(theta).energies(x);
  for (std::size_t n = 0; n < energies.size(); ++n) {
    double const* rest = theta.data();
    auto const first   = x.begin() + static_cast<std::ptrdiff_t>(n * Net::dimension);
    std::vector<double> const state(first, first + Net::dimension);
    // Some hundred roundings of numbers of order 1.
    CHECK_THAT(energies[n], WithinAbs(expected(rest, state), 1e-13));
    REQUIRE(rest == theta.data() + theta.size());
  }
}

TEST_CASE("a block is its layers and its input, added", "[layer][residual]") {
  // At the network's input, before a linear head.
  check_energies<Network<double, Vector<5>, Residual<Dense<7>, Silu, Dense<5>>, Dense<1>>>(
      [](double const*& theta, std::vector<double> const& x) {
        auto h = affine(theta, x, 7);
        for (double& v : h) v = silu(v);
        return affine(theta, sum(affine(theta, h, 5), x), 1)[0];
      });
  // Behind an activation, which it does not take in: h + W silu(h) + b. Then an activation of the
  // sum.
  check_energies<
      Network<double, Vector<3>, Dense<4>, Tanh, Residual<Silu, Dense<4>>, Tanh, Square, Dense<1>>>(
      [](double const*& theta, std::vector<double> const& x) {
        auto h = affine(theta, x, 4);
        for (double& v : h) v = std::tanh(v);
        auto activated = h;
        for (double& v : activated) v = silu(v);
        h = sum(h, affine(theta, activated, 4));
        for (double& v : h) v = std::tanh(v) * std::tanh(v);
        return affine(theta, h, 1)[0];
      });
  // A projection of a vector, of which the sum is activated.
  check_energies<Network<double, Vector<3>, Residual<Dense<2>, Silu>, Silu, Dense<1>>>(
      [](double const*& theta, std::vector<double> const& x) {
        auto h = affine(theta, x, 2);
        for (double& v : h) v = silu(v);
        h = sum(h, affine(theta, x, 2));
        for (double& v : h) v = silu(v);
        return affine(theta, h, 1)[0];
      });
  // Of nothing but activations, and as the end.
  check_energies<Network<double, Vector<1>, Residual<Residual<Square>>>>(
      [](double const*&, std::vector<double> const& x) { return x[0] * x[0] + 2 * x[0]; });
  check_energies<Network<double, Vector<1>, Residual<Dense<1>>>>(
      [](double const*& theta, std::vector<double> const& x) {
        return affine(theta, x, 1)[0] + x[0];
      });
}

TEST_CASE("a projection of an image reads every stride-th position", "[layer][residual]") {
  // 1x1 convolutions: at each of 2x2 of 3x3 positions y = silu(W x + b) + P x + q.
  check_energies<Network<double, Image<3, 3, 2>, Residual<Conv2d<3, 1, 2>, Silu>, Dense<1>>>(
      [](double const*& theta, std::vector<double> const& x) {
        std::vector<double> y;
        double const* const first = theta;
        for (std::size_t p : {0u, 2u, 6u, 8u}) {
          theta = first;
          std::vector<double> const here{x[2 * p], x[2 * p + 1]};
          auto h = affine(theta, here, 3);
          for (double& v : h) v = silu(v);
          for (double v : sum(h, affine(theta, here, 3))) y.push_back(v);
        }
        return affine(theta, y, 1)[0];
      });
}

// ---- derivatives -------------------------------------------------------------------------

template <class Net>
void check_derivatives(basin::Stream const& stream = {}) {
  auto const errors = gradient_errors<Exec, Net>(stream);
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
}

TEST_CASE("networks of blocks have the gradients of their energies", "[layer][residual]") {
  // In one another: at the start, in the middle and at the end of the outer one; of two forks at
  // the same place; as the end of the network, whose last stage is then no linear head.
  check_derivatives<
      Network<double, Vector<3>, Dense<4>, Residual<Residual<Tanh, Dense<4>>, Silu, Dense<4>>,
              Residual<Dense<4>, Residual<Silu>, Residual<Residual<Dense<4>, Tanh>>>, Silu,
              Residual<Dense<1>>>>();
}

TEST_CASE("blocks of images have the gradients of their energies", "[layer][residual]") {
  // Norms that read a fork, behind a projection and in front of it.
  check_derivatives<Network<
      double, Image<5, 3, 2>, Conv2d<4, 2>, Silu, Residual<GroupNorm<2>, Silu, Conv2d<4, 3>>,
      Residual<Conv2d<6, 3, 2>, LayerNorm<>>, GroupNorm<3>, MeanPool, Dense<1>>>();
}

TEST_CASE("blocks have the same bits in every tuning", "[layer][residual]") {
  using Net = Network<float, Image<3, 4, 3>, Residual<LayerNorm<>, Tanh>,
                      Residual<Conv2d<5, 2, 2>, Silu>, MeanPool, Dense<1>>;
  CHECK(tunings_that_differ<Exec, Net>() == 0);
}

TEST_CASE("dropout in a block drops of its layers, not of its input", "[layer][residual]") {
  using Third = Dropout<std::ratio<1, 3>>;
  // One after the other, from the input to the head; a projection.
  using Net = Network<double, Vector<5>, Residual<Dense<7>, Silu, Third, Dense<5>>, Residual<Third>,
                      Third, Residual<Silu, Dense<3>, Third>, Dense<1>>;
  basin::Stream const stream{4, basin::Purpose::dropout, 9};
  check_derivatives<Net>(stream);

  // x + m x, m = 0 or 3/2, behind weights that are 1.
  using Factor = Network<double, Vector<1>, Residual<Third>, Dense<1>>;
  auto const e = Model<Exec, Factor>({1, 0}).training(std::vector<double>(99, 1), {}, stream);
  int dropped = 0, kept = 0;
  for (double v : e.energies) v == 1 ? ++dropped : v == 2.5 ? ++kept : 0;
  CHECK(dropped + kept == 99);
  CHECK((dropped > 0 && kept > 0));
}

}  // namespace
