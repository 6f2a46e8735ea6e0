// SPDX-License-Identifier: Apache-2.0
#include <basin/core/log_mean_exp.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>
#include <limits>
#include <vector>

namespace {

using basin::log_mean_exp;
using Catch::Matchers::WithinRel;
constexpr double infinity = std::numeric_limits<double>::infinity();

auto of(std::vector<double> const& logs) {
  Kokkos::View<double*, Kokkos::HostSpace> const view("logs", logs.size());
  for (std::size_t i = 0; i < logs.size(); ++i) view(i) = logs[i];
  return log_mean_exp(view);
}

TEST_CASE("a mean of weights is that of their logarithms, however large", "[core][log_mean_exp]") {
  // Weights 1, 2, 3 and 6: mean 3, variance 3.5, (sum)^2 / sum of squares 144 / 50.
  for (double const shift : {0.0, 800.0, -800.0}) {
    auto const m = of({shift, shift + std::log(2.0), shift + std::log(3.0), shift + std::log(6.0)});
    CHECK_THAT(m.value, WithinRel(shift + std::log(3.0), 1e-12));
    CHECK_THAT(m.standard_error, WithinRel(std::sqrt(3.5 / 4) / 3, 1e-9));
    CHECK_THAT(m.effective_weights, WithinRel(144.0 / 50, 1e-9));
  }
  CHECK_THAT(of({-infinity, 0}).value, WithinRel(-std::log(2.0), 1e-12));
  CHECK(of({-infinity, -infinity}).value == -infinity);
  CHECK(of({-infinity, -infinity}).effective_weights == 0);
}

TEST_CASE("weights that are none are refused", "[core][log_mean_exp][refusal]") {
  CHECK_THROWS_WITH(of({}), "basin::log_mean_exp: there are no weights");
  CHECK_THROWS_WITH(of({0, infinity}), "basin::log_mean_exp: weight 1 has the logarithm inf");
  CHECK_THROWS_WITH(of({0, std::nan("")}), "basin::log_mean_exp: weight 1 has the logarithm nan");
}

}  // namespace
