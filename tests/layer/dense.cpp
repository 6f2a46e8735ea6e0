// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/dense.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Vector;
using basin::energy::Network;
using basin::layer::Dense;
using namespace basin::test;

// ---- what is known at compile time ---------------------------------------------

using Bound = Dense<43>::bind<float, Vector<7>>;

TEST_CASE("a Dense knows its shapes, parameters and work", "[layer][dense]") {
  STATIC_REQUIRE(sizeof(Dense<43>) == 1);  // a policy carries no data
  STATIC_REQUIRE(Bound::inputs == 7);
  STATIC_REQUIRE(Bound::outputs == 43);
  STATIC_REQUIRE(Bound::output_shape::size == 43);
  STATIC_REQUIRE(Bound::parameters == 43 * 7 + 43);
  STATIC_REQUIRE(Bound::multiply_adds == 43 * 7);
  STATIC_REQUIRE(!Bound::constant_gradient);
  STATIC_REQUIRE(Dense<1>::bind<float, basin::Image<3, 2>>::constant_gradient);
  STATIC_REQUIRE(Dense<1>::bind<float, basin::Image<3, 2>>::parameters == 7);
  // Work items cover all rows.
  STATIC_REQUIRE(Bound::gradient_blocks * Bound::block_rows >= 43);
  STATIC_REQUIRE((Bound::gradient_blocks - 1) * Bound::block_rows < 43);

  auto const blocks = Bound::parameter_blocks();
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].name == std::string("weight"));
  CHECK((blocks[0].rows == 43 && blocks[0].columns == 7));
  CHECK(blocks[1].name == std::string("bias"));
  CHECK((blocks[1].rows == 43 && blocks[1].columns == 1));
}

// ---- values: E = v . (W x + b) + c, whose derivatives are closed forms --------------

template <class Scalar, int Inputs, int Outputs>
void check_affine() {
  INFO(Inputs << " inputs, " << Outputs << " outputs");
  using Net               = Network<Scalar, Vector<Inputs>, Dense<Outputs>, Dense<1>>;
  std::size_t constexpr n = 11, K = Inputs, M = Outputs;
  auto const theta      = parameters_of<Net>(1);
  auto const x          = numbers(n * K, 2, 1.5);
  auto const weight     = numbers(n, 3);
  double const *const W = theta.data(), *const b = W + M * K, *const v = b + M, c = v[M];
  Model<Exec, Net> const model(theta);
  auto const e = model.energies(x);
  auto const g = model.gradients(x);
  auto const t = model.training(x, weight);

  // Reference, and the sum of sizes that the roundings are relative to.
  std::vector<double> expected_e(n), expected_g(n * K), expected(theta.size());
  for (std::size_t i = 0; i < n; ++i) {
    expected_e[i] = c;
    expected.back() += weight[i];
    for (std::size_t m = 0; m < M; ++m) {
      double y = b[m];
      for (std::size_t k = 0; k < K; ++k) {
        y += W[m * K + k] * x[i * K + k];
        expected_g[i * K + k] += v[m] * W[m * K + k];
        expected[m * K + k] += weight[i] * v[m] * x[i * K + k];
      }
      expected_e[i] += v[m] * y;
      expected[M * K + m] += weight[i] * v[m];
      expected[M * K + M + m] += weight[i] * y;
    }
  }
  // Sums of at most 2 + K + M + n roundings of random sign, of terms whose absolute sum is at most
  // sqrt(K) sqrt(M) times the largest value.
  double const unit  = std::numeric_limits<Scalar>::epsilon() / 2;
  double const bound = std::sqrt((2.0 + K + M + n) * K * M) * unit;
  auto const error   = [](std::vector<Scalar> const& a, std::vector<double> const& r) {
    double largest_error = 0;
    for (std::size_t i = 0; i < r.size(); ++i)
      largest_error = std::max(largest_error, std::abs(a[i] - r[i]) / (1 + largest(r)));
    return largest_error;
  };
  CHECK(error(e, expected_e) < bound);
  CHECK(error(t.energies, expected_e) < bound);
  CHECK(error(g, expected_g) < bound);
  CHECK(error(t.gradient, expected) < bound);
}

TEMPLATE_TEST_CASE("a Dense is W x + b, with the derivatives of it", "[layer][dense]", float,
                   double) {
  check_affine<TestType, 7, 43>();
  check_affine<TestType, 43, 2>();
}

// ---- derivatives against differences -----------------------------------------------

template <class Net>
void check_differences() {
  auto const errors = gradient_errors<Exec, Net>();
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
}

TEST_CASE("networks of Dense alone have the gradients of their energies", "[layer][dense]") {
  check_differences<Network<double, Vector<5>, Dense<1>>>();
  check_differences<Network<double, Vector<1>, Dense<2>, Dense<25>, Dense<1>>>();
}

}  // namespace
