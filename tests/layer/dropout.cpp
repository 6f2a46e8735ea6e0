// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/dropout.hpp>
#include <basin/layer/silu.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <ratio>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Purpose;
using basin::Stream;
using basin::Vector;
using basin::energy::Network;
using basin::layer::Dense;
using basin::layer::Dropout;
using basin::layer::Silu;
using Catch::Matchers::WithinAbs;
using namespace basin::test;

using Third = Dropout<std::ratio<1, 3>>;

constexpr std::size_t elements = 7, samples = 4099;

// The factor of every element of every sample, (elements, samples): with x = 1 and one weight that
// is 1, the energy of a training pass is the factor of that weight's element.
template <class Net>
std::vector<double> factors(Stream const& stream) {
  std::vector<double> const ones(samples * elements, 1.0);
  Model<Exec, Net> model({});
  std::vector<double> result;
  for (std::size_t d = 0; d < elements; ++d) {
    std::vector<double> theta(Net::parameters);
    // The weights of a last Dense<1> stand before its bias; a square layer before it is I.
    std::size_t const last = Net::parameters - 1 - elements;
    for (std::size_t k = 0; k < elements && last > 0; ++k) theta[k * elements + k] = 1;
    theta[last + d] = 1;
    model.set(theta);
    auto const e = model.training(ones, {}, stream).energies;
    result.insert(result.end(), e.begin(), e.end());
  }
  return result;
}

template <class... Layers>
using Masked = Network<double, Vector<elements>, Layers...>;

double mean(std::vector<double> const& values) {
  double sum = 0;
  for (double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

double kept(std::vector<double> const& factor) {
  double n = 0;
  for (double f : factor) n += f != 0;
  return n / static_cast<double>(factor.size());
}

double standard_error(double p) { return std::sqrt(p * (1 - p) / (elements * samples)); }

TEST_CASE("in training an element is dropped, or kept and scaled", "[layer][dropout]") {
  auto const f = factors<Masked<Third, Dense<1>>>({1, Purpose::dropout, 0});
  int strange  = 0;
  for (double v : f) strange += v != 0 && v != 1.5;
  CHECK(strange == 0);
  // Five standard errors of a binomial law, of the rate and of the mean, which is that of x.
  CHECK_THAT(kept(f), WithinAbs(2.0 / 3, 5 * standard_error(2.0 / 3)));
  CHECK_THAT(mean(f), WithinAbs(1, 5 * 1.5 * standard_error(2.0 / 3)));

  // Neighboring elements and neighboring samples are independent.
  for (std::size_t lag : {std::size_t(1), std::size_t(4), samples}) {
    double covariance = 0;
    for (std::size_t i = 0; i + lag < f.size(); ++i) covariance += (f[i] - 1) * (f[i + lag] - 1);
    // The variance of a factor is p / (1 - p) = 1/2.
    double const n = static_cast<double>(f.size() - lag);
    CHECK_THAT(covariance / n, WithinAbs(0, 5 * 0.5 / std::sqrt(n)));
  }
}

TEST_CASE("an infinite element is dropped like any other", "[layer][dropout]") {
  using Net = Network<double, Vector<1>, Third, Dense<1>>;
  Model<Exec, Net> const model({1, 0});
  auto const e =
      model.training(std::vector<double>(50, INFINITY), {}, {1, Purpose::dropout, 0}).energies;
  int dropped = 0;
  for (double const v : e) {
    CHECK((v == 0 || v == INFINITY));
    dropped += v == 0;
  }
  CHECK((dropped > 5 && dropped < 30));
}

TEST_CASE("a mask is a function of seed, step and layer, not of the stream's purpose",
          "[layer][dropout]") {
  using Net        = Masked<Third, Dense<1>>;
  auto const first = factors<Net>({1, Purpose::dropout, 0});
  CHECK(factors<Net>({1, Purpose::dropout, 0}) == first);
  CHECK(factors<Net>({1, Purpose::data_noise, 0}) == first);
  for (Stream const& other : {Stream{2, Purpose::dropout, 0}, Stream{1, Purpose::dropout, 1}}) {
    auto const f = factors<Net>(other);
    double same  = 0;
    for (std::size_t i = 0; i < f.size(); ++i) same += f[i] == first[i];
    // Both kept, or both dropped.
    CHECK_THAT(same / static_cast<double>(f.size()),
               WithinAbs(5.0 / 9, 5 * standard_error(5.0 / 9)));
  }
}

TEST_CASE("each layer of a network has a mask of its own", "[layer][dropout]") {
  // Two equal masks would keep 2/3, two independent ones 4/9: behind one layer, and of two layers.
  double const p    = 4.0 / 9;
  auto const behind = factors<Masked<Third, Third, Dense<1>>>({3, Purpose::dropout, 0});
  auto const between =
      factors<Masked<Third, Dense<elements>, Third, Dense<1>>>({3, Purpose::dropout, 0});
  CHECK_THAT(kept(behind), WithinAbs(p, 5 * standard_error(p)));
  CHECK_THAT(kept(between), WithinAbs(p, 5 * standard_error(p)));
  CHECK_THAT(mean(between), WithinAbs(1, 5 * 2.25 * standard_error(p)));
}

TEST_CASE("layers of a deep network have masks of their own", "[layer][dropout]") {
  // 16 numbers a stage: of stages 0, 1, 64 and 4096. Half of the elements agree, five errors.
  using P         = basin::tile::Simd<float, 1>;
  int constexpr n = 10000;
  auto const mask = [](int layer, int row) {
    P f[1];
    Dropout<>::evaluate<0>(
        basin::layer::Site<basin::layer::Training>{{{1, Purpose::dropout, 5}, 0}, layer, row, 0},
        P(1), f);
    return f[0][0];
  };
  for (int const layer : {16, 16 * 64, 16 * 4096}) {
    CAPTURE(layer);
    double same = 0;
    for (int row = 0; row < n; ++row) same += mask(layer, row) == mask(0, row);
    CHECK_THAT(same / n, WithinAbs(0.5, 5 * 0.5 / std::sqrt(n)));
  }
}

TEST_CASE("with probability 0 nothing is dropped", "[layer][dropout]") {
  auto const f = factors<Masked<Dropout<std::ratio<0>>, Dense<1>>>({1, Purpose::dropout, 0});
  CHECK(f == std::vector<double>(elements * samples, 1.0));
}

template <class Scalar>
using Net = Network<Scalar, Vector<5>, Third, Dense<13>, Silu, Dropout<>, Dense<7>, Silu, Dense<1>>;
template <class Scalar>
using Without = Network<Scalar, Vector<5>, Dense<13>, Silu, Dense<7>, Silu, Dense<1>>;

TEMPLATE_TEST_CASE("outside training dropout is off, to the bit", "[layer][dropout]", float,
                   double) {
  auto const theta = parameters_of<Net<TestType>>(1);
  auto const x     = numbers(5 * 37, 2);
  Model<Exec, Net<TestType>> const with(theta);
  Model<Exec, Without<TestType>> const without(theta);
  CHECK(with.energies(x) == without.energies(x));
  CHECK(with.gradients(x) == without.gradients(x));
}

TEST_CASE("a training pass has the gradients of its masked energy", "[layer][dropout]") {
  Stream const stream{4, Purpose::dropout, 9};
  auto const errors = gradient_errors<Exec, Net<double>>(stream);
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
}

}  // namespace
