// SPDX-License-Identifier: Apache-2.0
// An elementwise layer of a user's own, outside of namespace basin.
#include <basin/energy/network.hpp>
#include <basin/layer/dense.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>

// [listing]
namespace mine {

// f(x) = x / (1 + x^2)
struct Rational {
  static constexpr int smoothness = basin::layer::smooth;

  template <int Order, class V>
  static KOKKOS_FORCEINLINE_FUNCTION void evaluate(V x, V (&f)[Order + 1]) {
    V const one(1), r = one / fma(x, x, one), xr = x * r;
    f[0] = xr;
    if constexpr (Order > 0) f[1] = r - V(2) * xr * xr;
    if constexpr (Order > 1) f[2] = V(2) * xr * r * fma(V(4) * xr, x, V(-3));
    if constexpr (Order > 2) {
      V const s = xr * x;  // x^2 / (1 + x^2)
      f[3]      = V(-6) * r * r * fma(V(8) * s, s - one, one);
    }
  }
};

}  // namespace mine
// [/listing]

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;

TEST_CASE("a layer of a user's own has its value and its derivatives", "[archetype][layer]") {
  auto const x = line(8);
  auto const errors =
      elementwise_errors<mine::Rational, Exec, double>(x, [](double v) { return v / (1 + v * v); });
  CHECK(errors.value < 1e-15);
  CHECK(errors.different_alone == 0);
  CHECK(derivative_error<mine::Rational, Exec>(x) < tolerance);
  // f'' and f''', through jets of a network.
  using Net = basin::energy::Network<double, basin::Vector<3>, basin::layer::Dense<5>,
                                     mine::Rational, basin::layer::Dense<1>>;
  CHECK(jet_error<Exec, Net>() < tolerance);
}

}  // namespace
