// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/jet.hpp>

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>

// Closed forms of series at x(e) = 1/2 + 3 e - 2 e^2; arithmetic is the same on every backend.

namespace {

using P = basin::tile::Simd<double, 1>;
using J = basin::tile::Jet<P, 2>;

J series(double a, double b, double c) {
  J r;
  r.c[0] = P(a);
  r.c[1] = P(b);
  r.c[2] = P(c);
  return r;
}

// f(x(e)) from f and its first two derivatives at 1/2
bool is(J found, double f0, double f1, double f2) {
  auto const near = [](P a, double b) { return std::abs(a[0] - b) < 1e-14 * (1 + std::abs(b)); };
  return near(found.c[0], f0) && near(found.c[1], 3 * f1) && near(found.c[2], -2 * f1 + 4.5 * f2);
}

J const x = series(0.5, 3, -2);

TEST_CASE("series are multiplied and divided as polynomials", "[tile][jet]") {
  J const y = series(2, 5, 7);
  // (1/2 + 3 e - 2 e^2)(2 + 5 e + 7 e^2) = 1 + (5/2 + 6) e + (7/2 + 15 - 4) e^2
  J const product = x * y;
  CHECK(product.c[0][0] == 1);
  CHECK(product.c[1][0] == 8.5);
  CHECK(product.c[2][0] == 14.5);
  J const back = product / y;
  CHECK(back.c[0][0] == 0.5);
  CHECK(back.c[1][0] == 3);
  CHECK(back.c[2][0] == -2);
  J const sum = fma(x, y, -x) - (y + x);
  CHECK(sum.c[0][0] == -2);
  CHECK(sum.c[1][0] == -2.5);
  CHECK(sum.c[2][0] == 11.5);
  for (J const& twice : {P(2) * x, x * P(2), 2. * x, x * 2., 2 * x})
    CHECK((twice.c[0][0] == 1 && twice.c[1][0] == 6 && twice.c[2][0] == -4));
  J changed = x;
  changed += y, changed *= y, changed /= y, changed -= y;
  CHECK((changed.c[0][0] == 0.5 && changed.c[1][0] == 3 && changed.c[2][0] == -2));
}

TEST_CASE("functions of series follow the chain rule", "[tile][jet]") {
  using namespace basin::tile;
  double const e = std::exp(0.5), s = 1 / (1 + 1 / e), t = std::tanh(0.5), r = std::sqrt(0.5);
  CHECK(is(exp(x), e, e, e));
  CHECK(is(log(x), std::log(0.5), 2, -4));
  CHECK(is(sqrt(x), r, 0.5 / r, -0.25 / (r * r * r)));
  CHECK(is(J(1.0) / x, 2, -4, 16));
  CHECK(is(sin(x), std::sin(0.5), std::cos(0.5), -std::sin(0.5)));
  CHECK(is(cos(x), std::cos(0.5), -std::sin(0.5), -std::cos(0.5)));
  CHECK(is(sigmoid(x), s, s * (1 - s), s * (1 - s) * (1 - 2 * s)));
  CHECK(is(tanh(x), t, 1 - t * t, -2 * t * (1 - t * t)));
  CHECK(is(softplus(x), std::log1p(e), s, s * (1 - s)));
  CHECK(is(abs(-x), 0.5, 1, 0));
}

TEST_CASE("comparisons look at the value", "[tile][jet]") {
  J const y = series(1, -9, -9);
  CHECK(where_less(x, y, x, y).c[2][0] == -2);
  CHECK(where_less(y, x, x, y).c[2][0] == -9);
}

}  // namespace
