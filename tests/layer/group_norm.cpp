// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/dense.hpp>
#include <basin/layer/group_norm.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/square.hpp>
#include <basin/layer/tanh.hpp>

#include "support/all_numbers.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <string>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::Vector;
using basin::energy::Network;
using basin::layer::Dense;
using basin::layer::GroupNorm;
using basin::layer::LayerNorm;
using basin::layer::RmsNorm;
using basin::layer::Silu;
using basin::layer::Square;
using basin::layer::Tanh;
using namespace basin::test;

// ---- what is known at compile time ---------------------------------------------

TEST_CASE("a norm has a scale and a shift for each channel, initially 1 and 0",
          "[layer][group_norm]") {
  using OfImage = GroupNorm<2>::bind<float, Image<5, 3, 8>>;
  STATIC_REQUIRE(std::same_as<OfImage::output_shape, Image<5, 3, 8>>);
  STATIC_REQUIRE(OfImage::parameters == 2 * 8);
  auto const blocks = OfImage::parameter_blocks();
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].name == std::string("scale"));
  CHECK((blocks[0].rows == 8 && blocks[0].columns == 1));
  CHECK((blocks[0].law.scale == 0 && blocks[0].law.center == 1));
  CHECK(blocks[1].name == std::string("shift"));
  CHECK((blocks[1].rows == 8 && blocks[1].columns == 1));
  CHECK((blocks[1].law.scale == 0 && blocks[1].law.center == 0));

  STATIC_REQUIRE(LayerNorm<>::bind<float, Vector<7>>::parameters == 2 * 7);
  STATIC_REQUIRE(LayerNorm<>::bind<float, Image<5, 3, 8>>::parameters == 2 * 8);
  STATIC_REQUIRE(RmsNorm<>::bind<float, Image<5, 3, 8>>::parameters == 8);  // no shift
  CHECK(RmsNorm<>::bind<float, Vector<7>>::parameter_blocks().size() == 1);
}

// ---- values: E = sum_j a_j y_j^2 + c, y the norm ---------------------------------------

template <class Scalar, class Input, class Norm>
using Squared = Network<Scalar, Input, Norm, Square, Dense<1>>;

struct Groups {
  int positions, channels, groups;
  bool centered;
  double epsilon = 1e-6;
};

// Of one state.
double reference(Groups const& s, double const* theta, double const* x) {
  int const members = s.channels / s.groups, parameters = (s.centered ? 2 : 1) * s.channels;
  double e = theta[parameters + s.positions * s.channels];
  for (int g = 0; g < s.groups; ++g) {
    auto const mean = [&](auto const& f) {
      double sum = 0;
      for (int p = 0; p < s.positions; ++p)
        for (int k = 0; k < members; ++k) sum += f(x[p * s.channels + g * members + k]);
      return sum / (s.positions * members);
    };
    double const m = s.centered ? mean([](double v) { return v; }) : 0;
    double const v = mean([m](double value) { return (value - m) * (value - m); });
    for (int p = 0; p < s.positions; ++p)
      for (int c = g * members; c < (g + 1) * members; ++c) {
        int const j    = p * s.channels + c;
        double const y = theta[c] * (x[j] - m) / std::sqrt(v + s.epsilon) +
                         (s.centered ? theta[s.channels + c] : 0);
        e += theta[parameters + j] * y * y;
      }
  }
  return e;
}

template <class Input, class Norm>
void check_values(Groups const& s) {
  using Net = Squared<double, Input, Norm>;
  INFO(s.positions << " positions, " << s.channels << " channels, " << s.groups << " groups");
  std::size_t constexpr n = 9;
  auto const theta        = parameters_of<Net>(1);
  auto const x            = numbers(n * Input::size, 2, 1.5);
  auto const e            = Model<Exec, Net>(theta).energies(x);
  double error = 0, size = 1;
  for (std::size_t i = 0; i < n; ++i) {
    double const expected = reference(s, theta.data(), x.data() + i * Input::size);
    error                 = std::max(error, std::abs(e[i] - expected));
    size                  = std::max(size, std::abs(expected));
  }
  // Hundreds of roundings, and up to 100 where a group is of two numbers that are nearly the same.
  CHECK(error < 1e-12 * size);
}

TEST_CASE("a norm is its formula, on images and vectors", "[layer][group_norm]") {
  check_values<Image<3, 2, 6>, GroupNorm<2>>({6, 6, 2, true});
  check_values<Image<3, 2>, GroupNorm<1>>({6, 1, 1, true});
  check_values<Image<2, 5, 9>, GroupNorm<9, std::ratio<1, 10>>>({10, 9, 9, true, 0.1});
  check_values<Vector<8>, GroupNorm<4>>({1, 8, 4, true});
  check_values<Vector<7>, LayerNorm<>>({1, 7, 1, true});
  check_values<Image<3, 2, 5>, RmsNorm<std::ratio<1, 10>>>({6, 5, 1, false, 0.1});
}

// ---- derivatives -----------------------------------------------------------------------

// Norms behind one another, which pull back in place, and behind activations, which do not; at
// the input, which keeps the state. More groups than are summed at once.
using Soft     = std::ratio<1, 50>;  // third derivatives are of order epsilon^(-3/2) at worst
using OnImages = Network<double, Image<2, 2, 18>, GroupNorm<9, Soft>, Silu, GroupNorm<2>,
                         LayerNorm<>, RmsNorm<>, Tanh, Dense<1>>;
using OnVectors =
    Network<double, Vector<5>, RmsNorm<Soft>, Dense<6>, GroupNorm<3, Soft>, Silu, Dense<1>>;

template <class Net>
void check_derivatives() {
  auto const errors = gradient_errors<Exec, Net>();
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
}

TEST_CASE("networks with norms have the gradients of their energies", "[layer][group_norm]") {
  check_derivatives<OnImages>();
  check_derivatives<OnVectors>();
}

TEST_CASE("norms have the same bits in every tuning", "[layer][group_norm]") {
  using Net = Network<float, Image<2, 2, 18>, GroupNorm<9>, Silu, LayerNorm<>, RmsNorm<>, Dense<1>>;
  CHECK(tunings_that_differ<Exec, Net>() == 0);
}

// ---- what a norm does not see ------------------------------------------------------------

TEST_CASE("a norm sees neither the mean of a group nor its size", "[layer][group_norm]") {
  // Up to epsilon / v, v > 0.05 here, of each of the 36 numbers that E sums.
  using Sharp    = std::ratio<1, 1000000000000>;
  double const e = 1e-9;

  using Net        = Squared<double, Image<3, 2, 6>, GroupNorm<2, Sharp>>;
  auto const theta = parameters_of<Net>(1);
  auto const x     = numbers(5 * 36, 2);
  Model<Exec, Net> const model(theta);
  auto const here = model.energies(x);
  // a x + b, with a and b of each group, and of another sign.
  auto moved = x;
  for (std::size_t i = 0; i < moved.size(); ++i)
    moved[i] = i % 6 < 3 ? 3 * moved[i] - 2 : 0.5 * moved[i] + 4;
  auto const there = model.energies(moved);
  for (std::size_t n = 0; n < here.size(); ++n) CHECK(std::abs(there[n] - here[n]) < e);
  // But one number that moves alone.
  for (std::size_t i = 0; i < moved.size(); ++i) moved[i] = i % 6 == 2 ? x[i] + 1 : x[i];
  auto const elsewhere = model.energies(moved);
  for (std::size_t n = 0; n < here.size(); ++n) CHECK(std::abs(elsewhere[n] - here[n]) > 1e-3);

  using Rms = Squared<double, Image<3, 2, 6>, RmsNorm<Sharp>>;
  Model<Exec, Rms> const rms(parameters_of<Rms>(1));
  auto const small = rms.energies(x);
  for (std::size_t i = 0; i < moved.size(); ++i) moved[i] = 3 * x[i];
  auto const large = rms.energies(moved);
  for (std::size_t n = 0; n < small.size(); ++n) CHECK(std::abs(large[n] - small[n]) < e);
}

// E, dE/dx and dE/dtheta of x 2^k, dE/dx times 2^k. At 2^20 epsilon is no longer seen, and squares
// are far from the ends of float.
template <class Net>
std::vector<double> at_size(int k) {
  Model<Exec, Net> const model(parameters_of<Net>(1));
  auto x = numbers(5 * Net::dimension, 2);
  for (double& v : x) v = std::ldexp(v, k);
  auto const e = model.energies(x), g = model.gradients(x);
  auto const theta = model.training(x, numbers(5, 3)).gradient;
  std::vector<double> all(e.begin(), e.end());
  for (double const v : g) all.push_back(std::ldexp(v, k));
  all.insert(all.end(), theta.begin(), theta.end());
  return all;
}

template <class Net>
void check_sizes() {
  auto const expected = at_size<Net>(20);
  for (int const k : {32, 63, 64, 100, 127}) {
    CAPTURE(k);
    auto const here = at_size<Net>(k);
    double error    = 0;
    for (std::size_t i = 0; i < here.size(); ++i) {
      double const off = std::abs(here[i] - expected[i]) / (1 + std::abs(expected[i]));
      if (!(off <= error)) error = off;
    }
    // Tens of roundings; at 2^127 dE/dx is below the normal numbers, and has 2^-20 of its digits.
    CHECK(error < (k == 127 ? 1e-4 : 1e-5));
  }
}

TEST_CASE("norms of numbers whose squares overflow are right to rounding", "[layer][group_norm]") {
  check_sizes<Squared<float, Image<3, 2, 6>, GroupNorm<2>>>();
  check_sizes<Squared<float, Vector<2>, LayerNorm<>>>();
  check_sizes<Squared<float, Vector<5>, RmsNorm<>>>();
  // What is not finite is seen, in E and in dE/dx.
  using Net = Squared<float, Vector<5>, RmsNorm<>>;
  Model<Exec, Net> const model(parameters_of<Net>(1));
  std::vector<double> const x{1, 2, INFINITY, 4, 5};
  CHECK(std::isnan(model.energies(x)[0]));
  CHECK(std::isnan(model.gradients(x)[2]));
}

TEST_CASE("neither a large mean nor a number far from the rest costs digits",
          "[layer][group_norm]") {
  // In float: E and dE/dx against double. A number is off by the rounding of the mean,
  // 2^-13 for 3000, in units of the deviation, and by a few more; a variance that was a difference
  // of moments about 0, or about an outlier, would lose thousands of them.
  using InFloat    = Squared<float, Image<10, 10, 4>, GroupNorm<2>>;
  using InDouble   = Squared<double, Image<10, 10, 4>, GroupNorm<2>>;
  auto const theta = parameters_of<InDouble>(1);
  Model<Exec, InFloat> const in_float(theta);
  Model<Exec, InDouble> const in_double(theta);
  auto const errors = [&](std::vector<double> const& x) {
    auto const e = in_float.energies(x), g = in_float.gradients(x);
    auto const expected_g = in_double.gradients(x);
    double error          = 0;
    for (std::size_t i = 0; i < e.size(); ++i) {
      double const expected = reference({100, 4, 2, true}, theta.data(), x.data() + 400 * i);
      error                 = std::max(error, std::abs(e[i] - expected) / std::abs(expected));
    }
    for (std::size_t i = 0; i < expected_g.size(); ++i)
      error = std::max(error, std::abs(g[i] - expected_g[i]) / largest(expected_g));
    return error;
  };
  auto const plain = numbers(7 * 400, 2);
  auto shifted = plain, with_outliers = plain;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    // Multiples of 2^-12 and 2^-20, which float holds; the outliers are the first of their groups,
    // in every other state.
    double const level = i % 4 < 2 ? 1 : -3;
    shifted[i]         = std::round(plain[i] * 0x1p12) * 0x1p-12 + 1000 * level;
    bool const first   = i % 400 == 0 || i % 400 == 2;
    if (i / 400 % 2 == 0)
      with_outliers[i] = first ? 0 : std::round(plain[i] * 0x1p10) * 0x1p-20 + level;
  }
  CHECK(errors(plain) < 4e-6);
  CHECK(errors(shifted) < 4e-4);
  CHECK(errors(with_outliers) < 4e-5);

  Model<Exec, InFloat,
        basin::tile::Tuning{8, 1, 3, 2, is_host<Exec> ? 0 : 64,
                            basin::tile::shared_memory<Exec>()}> const other(theta);
  CHECK(other.gradients(with_outliers) == in_float.gradients(with_outliers));
}

}  // namespace
