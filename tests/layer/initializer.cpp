// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/initializer.hpp>
#include <basin/layer/silu.hpp>
#include <basin/objective/contrastive_divergence.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/train/trainer.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::layer::Dense;
using basin::layer::Law;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
namespace initializer = basin::layer::initializer;

double variance(Law law) {
  return law.scale * law.scale / (law.shape == Law::Shape::uniform ? 3 : 1);
}

TEST_CASE("initializers have the variances of their sources", "[layer][initializer]") {
  int constexpr in = 300, out = 100;
  CHECK_THAT(variance(initializer::FanIn::weight(in, out)), WithinRel(1.0 / (3 * in), 1e-12));
  CHECK_THAT(variance(initializer::FanIn::bias(in, out)), WithinRel(1.0 / (3 * in), 1e-12));
  CHECK_THAT(variance(initializer::LeCunNormal::weight(in, out)), WithinRel(1.0 / in, 1e-12));
  CHECK_THAT(variance(initializer::GlorotUniform::weight(in, out)),
             WithinRel(2.0 / (in + out), 1e-12));
  CHECK_THAT(variance(initializer::GlorotNormal::weight(in, out)),
             WithinRel(2.0 / (in + out), 1e-12));
  CHECK_THAT(variance(initializer::HeNormal::weight(in, out)), WithinRel(2.0 / in, 1e-12));
  CHECK_THAT(variance(initializer::HeUniform::weight(in, out)), WithinRel(2.0 / in, 1e-12));
  CHECK(variance(initializer::Zeros::weight(in, out)) == 0);
  for (Law const& bias :
       {initializer::LeCunNormal::bias(in, out), initializer::GlorotUniform::bias(in, out),
        initializer::GlorotNormal::bias(in, out), initializer::HeNormal::bias(in, out),
        initializer::HeUniform::bias(in, out), initializer::Zeros::bias(in, out)})
    CHECK(variance(bias) == 0);
}

TEST_CASE("what gives two laws is an initializer", "[layer][initializer]") {
  STATIC_REQUIRE(basin::layer::Initializer<initializer::FanIn>);
  STATIC_REQUIRE(basin::layer::Initializer<initializer::Zeros>);
  STATIC_REQUIRE(!basin::layer::Initializer<Law>);
}

// One layer of each, as a trainer draws them.
using Net =
    basin::energy::Network<double, basin::Vector<90>, Dense<80>,
                           Dense<120, initializer::LeCunNormal>,
                           Dense<70, initializer::GlorotUniform>,
                           Dense<110, initializer::GlorotNormal>, Dense<100, initializer::HeNormal>,
                           Dense<60, initializer::HeUniform>, Dense<1, initializer::Zeros>>;
using Trainer =
    basin::train::Trainer<Net, basin::objective::ContrastiveDivergence<basin::sampler::Langevin<>>,
                          basin::optimizer::Sgd, basin::optimizer::Constant, Exec>;

std::vector<double> drawn(std::uint64_t seed) {
  Kokkos::View<double**, Kokkos::HostSpace> const data("data", 1, +Net::dimension);
  return basin::test::on_host(Trainer({.batch = 1, .seed = seed}, data).parameters());
}

TEST_CASE("a trainer draws every block from its law", "[layer][initializer]") {
  auto const theta = drawn(3);
  REQUIRE(theta.size() == Net::parameters);
  for (auto const& block : Net::parameter_blocks()) {
    CAPTURE(block.name);
    auto const first = theta.begin() + block.offset;
    std::vector<double> const x(first, first + block.rows * block.columns);
    double const n = static_cast<double>(x.size()), expected = variance(block.law);
    double sum = 0, squares = 0, fourth = 0, largest = 0;
    for (double v : x) {
      sum += v;
      squares += v * v;
      fourth += v * v * v * v;
      largest = std::max(largest, std::abs(v));
    }
    bool const uniform = block.law.shape == Law::Shape::uniform;
    // Kurtosis k: 9/5 of the uniform law, 3 of the normal one; Var x^2 = (k - 1) Var(x)^2, and of
    // k's estimate 24 / n in the normal, and less in the uniform case. Five standard errors.
    double const kurtosis = uniform ? 1.8 : 3;
    CHECK_THAT(sum / n, WithinAbs(0, 5 * std::sqrt(expected / n)));
    CHECK_THAT(squares / n, WithinAbs(expected, 5 * expected * std::sqrt((kurtosis - 1) / n)));
    if (expected == 0) {
      CHECK(largest == 0);
    } else {
      if (n > 1000)
        CHECK_THAT(fourth * n / (squares * squares), WithinAbs(kurtosis, 5 * std::sqrt(24 / n)));
      // The largest of n uniform draws is above 1 - 8/n of the bound, but for a chance of e^-8.
      if (uniform) {
        CHECK(largest <= block.law.scale);
        CHECK(largest > (1 - 8 / n) * block.law.scale);
      }
    }
  }
}

TEST_CASE("initial parameters are a function of the seed", "[layer][initializer]") {
  auto const theta = drawn(3), other = drawn(4);
  CHECK(drawn(3) == theta);
  // All numbers are distinct but for the zeros, in one draw and between seeds.
  std::vector<double> all = theta;
  all.insert(all.end(), other.begin(), other.end());
  std::erase(all, 0.0);
  auto const drawn_numbers = all.size();
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  // 100,000 numbers of at least 2^32: about one pair is equal by chance.
  CHECK(all.size() + 10 > drawn_numbers);
}

}  // namespace
