// SPDX-License-Identifier: Apache-2.0
#include <basin/data/transform/dequantize.hpp>
#include <basin/data/transform/logit.hpp>
#include <basin/data/transform/pipeline.hpp>
#include <basin/data/transform/rescale.hpp>
#include <basin/data/transform/standardize.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

namespace {

namespace data = basin::data;
using basin::data::Samples;
using basin::data::Table;
using Catch::Matchers::WithinAbs;
using data::transform::Dequantize;
using data::transform::Logit;
using data::transform::Pipeline;
using data::transform::Rescale;
using data::transform::Standardize;

using All = Pipeline<Rescale, Logit, Standardize>;

// (50, 3), uniform on (0, 255).
Table numbers() {
  data::detail::HostRandom random(3);
  Table const x = data::make_table(50, 3);
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = 255 * random.uniform();
  return x;
}

All pipeline(double alpha = 0.05) {
  All all(Rescale{.new_lower = 0, .new_upper = 1}, Logit{.alpha = alpha}, Standardize());
  all.fit(numbers());
  return all;
}

// A transform of (., 3) tables, and numbers x in (0, top).
struct Subject {
  std::function<void(Table const&)> apply, invert;
  std::function<std::vector<double>(Table const&)> log_jacobian;
  Table x;
  double top;
};
template <class T>
Subject subject(T const& t, Table const& x, double top) {
  return {[t](Table const& y) { t.apply(y); }, [t](Table const& y) { t.invert(y); },
          [t](Table const& y) { return t.log_jacobian(y); }, x, top};
}
std::vector<Subject> subjects() {
  Table const x = numbers(), unit = data::host_rows(x);
  data::rescale(unit, 0, 255, 0, 1);
  return {subject(Rescale(), x, 255), subject(Logit(), unit, 1),
          subject(Logit{.alpha = 0}, unit, 1),
          subject(Standardize{data::column_moments(x)}, x, 255), subject(pipeline(), x, 255)};
}

TEST_CASE("a transform is undone by its inverse, to rounding", "[data][transform]") {
  for (Subject const& s : subjects()) {
    Table const y = data::host_rows(s.x);
    s.apply(y);
    bool differs = false;
    for (std::size_t i = 0; i < y.size(); ++i) differs = differs || y.data()[i] != s.x.data()[i];
    CHECK(differs);
    s.invert(y);
    for (std::size_t i = 0; i < y.size(); ++i)
      REQUIRE_THAT(y.data()[i], WithinAbs(s.x.data()[i], 1e-13 * 255));
  }
}

// Each column depends on itself alone: the determinant is the product of the columns' derivatives.
TEST_CASE("log|det| is that of central differences", "[data][transform]") {
  for (Subject const& s : subjects()) {
    auto const found = s.log_jacobian(s.x);
    for (std::size_t i = 0; i < s.x.extent(0); ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < 3; ++j) {
        auto const y   = data::make_table(2, 3);
        double const h = 1e-5 * std::min(s.x(i, j), s.top - s.x(i, j));
        for (int side = 0; side < 2; ++side)
          for (std::size_t k = 0; k < 3; ++k)
            y(side, k) = s.x(i, k) + (k != j ? 0 : side == 0 ? -h : h);
        double const dx = y(1, j) - y(0, j);
        s.apply(y);
        sum += std::log((y(1, j) - y(0, j)) / dx);
      }
      REQUIRE_THAT(found[i], WithinAbs(sum, 1e-8));
    }
  }
}

double normal_cdf(double y) { return std::erfc(-y / std::numbers::sqrt2) / 2; }

// log p(x) = log N(y; 0, 1) + log|dy/dx|: its integral over [0, 255] is the mass of N between the ends.
TEST_CASE("a density of y is with the Jacobian one of x", "[data][transform]") {
  for (double const alpha : {0.0, 0.05}) {
    CAPTURE(alpha);
    auto const sample = data::make_table(50, 1);
    for (int i = 0; i < 50; ++i) sample(i, 0) = numbers()(i, 0);
    All all(Rescale{.new_lower = 0, .new_upper = 1}, Logit{.alpha = alpha}, Standardize());
    all.fit(sample);
    int const n  = 200000;
    auto const x = data::make_table(n, 1);
    for (int i = 0; i < n; ++i) x(i, 0) = 255 * (i + 0.5) / n;
    auto const log_jacobian = all.log_jacobian(x);
    all.apply(x);
    double sum = 0;
    for (int i = 0; i < n; ++i)
      sum += 255.0 / n * std::exp(log_jacobian[i] - x(i, 0) * x(i, 0) / 2) /
             std::sqrt(2 * std::numbers::pi);
    double expected = 1;
    if (alpha > 0) {
      auto const ends = data::make_table(2, 1);
      ends(0, 0) = 0, ends(1, 0) = 255;
      all.apply(ends);
      expected = normal_cdf(ends(1, 0)) - normal_cdf(ends(0, 0));
      CHECK(expected < 0.999);
    }
    CHECK_THAT(sum, WithinAbs(expected, 1e-6));  // the midpoint rule's error is of order 1 / n^2
  }
}

template <class Number>
void check_integers(int levels) {
  using Numbers = Kokkos::View<Number**, Kokkos::LayoutRight, Kokkos::HostSpace>;
  Numbers const x("x", 2000, 3);
  for (int i = 0; i < 2000; ++i) {
    x(i, 0) = static_cast<Number>((levels / 2 + i) % levels);
    x(i, 1) = static_cast<Number>(levels - 1);
    x(i, 2) = Number(0.25);
  }
  Dequantize const t{.levels = {levels, levels, 0}, .seed = 7};
  auto const y = data::host_rows(x), again = data::host_rows(x);
  t.apply(y);
  t.apply(again);
  double sum = 0, squares = 0;
  for (int i = 0; i < 2000; ++i) {
    REQUIRE(y(i, 0) == again(i, 0));
    REQUIRE(y(i, 1) <= 1);
    REQUIRE(y(i, 2) == Number(0.25));
    double const u = double(y(i, 1)) * levels - (levels - 1);
    sum += u, squares += u * u;
  }
  if (levels < 1000) {  // else float has few numbers in a cell
    // Five standard errors of the mean, sqrt(1 / 12 n), and of the mean square, sqrt(4 / 45 n).
    CHECK_THAT(sum / 2000, WithinAbs(0.5, 5 * std::sqrt(1 / 12.0 / 2000)));
    CHECK_THAT(squares / 2000, WithinAbs(1 / 3.0, 5 * std::sqrt(4 / 45.0 / 2000)));
  }
  CHECK_THAT(t.log_jacobian(x)[0], WithinAbs(-2 * std::log(levels), 1e-12));
  t.invert(y);
  for (std::size_t i = 0; i < x.size(); ++i) REQUIRE(y.data()[i] == x.data()[i]);
}

TEST_CASE("dequantized integers are in their cells, and come back", "[data][transform]") {
  for (int const levels : {1, 3, 10, 256, 786433, 1 << 20}) {
    CAPTURE(levels);
    check_integers<float>(levels);
    check_integers<double>(levels);
  }
  // A model may draw anything.
  Table const y = data::make_table(1, 3);
  y(0, 0) = -2, y(0, 1) = 1, y(0, 2) = 7;
  Dequantize{.levels = {4}}.invert(y);
  CHECK(y(0, 0) == 0);
  CHECK(y(0, 1) == 3);
  CHECK(y(0, 2) == 3);
  // Columns, rows and seeds have noise of their own.
  Table const a = data::make_table(2, 2), b = data::make_table(2, 2);
  Kokkos::deep_copy(a, 0);
  Kokkos::deep_copy(b, 0);
  Dequantize{.levels = {1}, .seed = 1}.apply(a);
  Dequantize{.levels = {1}, .seed = 2}.apply(b);
  CHECK((a(0, 0) != a(0, 1) && a(0, 0) != a(1, 0) && a(0, 1) != a(1, 0) && a(0, 0) != b(0, 0)));
}

TEST_CASE("what a transform does not take is refused by row and column, and unchanged",
          "[data][transform]") {
  Table const x = data::make_table(2, 2);
  Kokkos::deep_copy(x, 1);
  x(1, 0)            = 2.5;
  auto const refused = [&](auto const& t, std::string const& sentence) {
    CHECK_THROWS_WITH(t.apply(x), "basin::data::" + sentence);
    CHECK(x(0, 0) == 1);
  };
  refused(Dequantize{.levels = {3}},
          "transform::Dequantize: row 1, column 0 is 2.500000, must be an integer from 0 to 2");
  refused(Dequantize{.levels = {1}},
          "transform::Dequantize: row 0, column 0 is 1.000000, must be an integer from 0 to 0");
  refused(Dequantize{.levels = {1, 2, 3}},
          "transform::Dequantize: levels has 3 numbers, must have 1 or 2");
  refused(Dequantize{.levels = {-1}},
          "transform::Dequantize: levels must be in [0, 1048576], got -1");
  refused(Logit(),
          "transform::Logit: row 1, column 0 is 2.500000 and p 2.300000, must be in (0, 1)");
  refused(Logit{.alpha = 0},
          "transform::Logit: row 0, column 0 is 1.000000 and p 1.000000, must be in (0, 1)");
  refused(Logit{.alpha = 0.5}, "transform::Logit: alpha must be in [0, 0.5), got 0.500000");
  refused(Rescale{.lower = 1, .upper = 1},
          "transform::Rescale: lower must be < upper, got 1.000000 and 1.000000");
  refused(Standardize(),
          "standardize: samples have dimension 2, moments have 0 means and 0 standard deviations");
  // The first stage takes what the second refuses.
  refused(Pipeline(Rescale{.lower = 0, .upper = 2}, Logit()),
          "transform::Logit: row 1, column 0 is 1.500000 and p 1.400000, must be in (0, 1)");
  CHECK_THROWS_WITH(Standardize().invert(x),
                    "basin::data::transform::Standardize: samples have dimension 2, moments have 0 "
                    "means and 0 standard deviations");
}

TEST_CASE("a pipeline is loaded as it was saved, into one that was not fitted",
          "[data][transform]") {
  Pipeline all(Dequantize{.levels = {256, 3, 0}, .seed = 9}, Logit{.alpha = 0.1}, Rescale(),
               Standardize());
  Samples const x = data::make_samples(40, 3);
  for (int i = 0; i < 40; ++i)
    x(i, 0) = float(6 * i), x(i, 1) = float(i % 3), x(i, 2) = float(i) / 64;
  all.fit(x);
  CHECK(x(3, 0) == 18);
  basin::MemoryArchive archive;
  archive.save("normalization", all);
  CHECK(archive.has("normalization/3.standardize/mean"));
  decltype(all) loaded;
  archive.load("normalization", loaded);
  CHECK(loaded.stage<1>().alpha == 0.1);
  auto const y = data::host_rows(x), z = data::host_rows(x);
  all.apply(y);
  loaded.apply(z);
  for (std::size_t i = 0; i < y.size(); ++i) REQUIRE(y.data()[i] == z.data()[i]);
  auto const moments = data::column_moments(y);
  for (int j = 0; j < 3; ++j) {
    CHECK_THAT(moments.mean[j], WithinAbs(0, 1e-6));
    CHECK_THAT(moments.standard_deviation[j], WithinAbs(1, 1e-6));
  }
  // Rows of any layout: on the way back too.
  Kokkos::View<float**, Kokkos::LayoutLeft, Kokkos::HostSpace> const left("left", 40, 3);
  Kokkos::deep_copy(left, x);
  all.apply(left);
  for (int i = 0; i < 40; ++i)
    for (int j = 0; j < 3; ++j) REQUIRE(left(i, j) == y(i, j));
  loaded.invert(left);
  for (int i = 0; i < 40; ++i) {
    CHECK(left(i, 0) == x(i, 0));
    CHECK(left(i, 1) == x(i, 1));
    // Rescale leaves numbers of about 1, which float rounds by 2^-25, in units of 127.5 of the logit,
    // whose slope is at most 0.32 of x, and forth and back.
    CHECK_THAT(left(i, 2), WithinAbs(x(i, 2), 2 * 2 * 0.32 * 127.5 * 0x1p-25));
  }
}

}  // namespace
