// SPDX-License-Identifier: Apache-2.0
#include <basin/data/synthetic.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

namespace {

using basin::data::Samples;
using Catch::Matchers::WithinAbs;

constexpr double pi   = std::numbers::pi;
constexpr int count   = 200000;
constexpr double root = 447.2;  // sqrt(count)

struct Set {
  std::string name;
  std::function<Samples(int, std::uint64_t)> draw;
};

std::vector<Set> sets() {
  namespace data = basin::data;
  return {{"eight_gaussians", [](int n, std::uint64_t s) { return data::eight_gaussians(n, s); }},
          {"two_moons", [](int n, std::uint64_t s) { return data::two_moons(n, s); }},
          {"checkerboard", [](int n, std::uint64_t s) { return data::checkerboard(n, s); }},
          {"pinwheel", [](int n, std::uint64_t s) { return data::pinwheel(n, s); }},
          {"rings", [](int n, std::uint64_t s) { return data::rings(n, s); }},
          {"swiss_roll", [](int n, std::uint64_t s) { return data::swiss_roll(n, s); }}};
}

// Mean of f(x, y) over the points, and its standard error.
template <class F>
std::array<double, 2> mean_of(Samples const& x, F const& f) {
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < x.extent(0); ++i) {
    double const value = f(x(i, 0), x(i, 1));
    sum += value;
    squares += value * value;
  }
  double const n    = static_cast<double>(x.extent(0));
  double const mean = sum / n;
  return {mean, std::sqrt((squares / n - mean * mean) / n)};
}

// Five standard errors: a correct set fails once in two million seeds, and the seed is fixed.
#define CHECK_MEAN(samples, f, expected)                                             \
  do {                                                                               \
    auto const [mean_, error_] = mean_of(samples, [](double x, double y) -> double { \
      static_cast<void>(x), static_cast<void>(y);                                    \
      return f;                                                                      \
    });                                                                              \
    CHECK_THAT(mean_, WithinAbs(expected, 5 * error_));                              \
  } while (false)

TEST_CASE("a set depends on its seed alone and a longer one begins alike", "[data][synthetic]") {
  for (Set const& set : sets()) {
    CAPTURE(set.name);
    Samples const shorter = set.draw(50, 7), longer = set.draw(200, 7), other = set.draw(50, 8);
    REQUIRE(longer.extent(0) == 200);
    REQUIRE(longer.extent(1) == 2);
    int same = 0;
    for (int i = 0; i < 50; ++i) {
      CHECK(shorter(i, 0) == longer(i, 0));
      CHECK(shorter(i, 1) == longer(i, 1));
      same += other(i, 0) == shorter(i, 0);
    }
    CHECK(same < 5);
  }
}

TEST_CASE("raw draws are those that the standard fixes", "[data][synthetic]") {
  // [rand.predef]: the 10000th output of std::mt19937_64 from its default seed 5489.
  basin::data::detail::HostRandom random(5489);
  for (int i = 1; i < 10000; ++i) random.uniform();
  CHECK(random.uniform() == static_cast<double>(9981545732273789042ULL >> 11) * 0x1p-53);
}

TEST_CASE("eight Gaussians have the moments of their mixture", "[data][synthetic]") {
  Samples const x = basin::data::eight_gaussians(count, 1);
  CHECK_MEAN(x, x, 0);
  CHECK_MEAN(x, y, 0);
  CHECK_MEAN(x, x * y, 0);
  CHECK_MEAN(x, x * x, 8.0 / 2 + 1.0 / 8);  // R^2 / 2 + s^2
  CHECK_MEAN(x, y * y, 8.0 / 2 + 1.0 / 8);
  // E (x^4 - 6 x^2 y^2 + y^4) = R^4 E cos(4 angle) = 0: half of the centers lie on the axes.
  CHECK_MEAN(x, x * x * x * x - 6 * x * x * y * y + y * y * y * y, 0);
}

TEST_CASE("the eight Gaussians' log density is normalized and that of the points",
          "[data][synthetic]") {
  for (basin::data::EightGaussiansOptions const options :
       {basin::data::EightGaussiansOptions{},
        basin::data::EightGaussiansOptions{.radius = 2, .standard_deviation = 0.5}}) {
    // The midpoint rule of step s/4 is exact to rounding for Gaussians of deviation s.
    double const h     = options.standard_deviation / 4;
    double const reach = options.radius + 8 * options.standard_deviation;
    double mass = 0, entropy = 0, square = 0;
    for (double a = -reach; a < reach; a += h)
      for (double b = -reach; b < reach; b += h) {
        double const log_p = basin::data::eight_gaussians_log_density(a, b, options);
        mass += h * h * std::exp(log_p);
        entropy -= h * h * std::exp(log_p) * log_p;
        square += h * h * std::exp(log_p) * log_p * log_p;
      }
    CHECK_THAT(mass, WithinAbs(1, 1e-10));
    Samples const x = basin::data::eight_gaussians(count, 2, options);
    double sum      = 0;
    for (int i = 0; i < count; ++i)
      sum -= basin::data::eight_gaussians_log_density(x(i, 0), x(i, 1), options);
    CHECK_THAT(sum / count, WithinAbs(entropy, 5 * std::sqrt(square - entropy * entropy) / root));
  }
}

TEST_CASE("the log density is finite far from the centers", "[data][synthetic]") {
  // Nearest center (R, 0): the others are smaller by more than double can add.
  double const r = 2 * std::numbers::sqrt2, far = 1000;
  double const alone = -(far - r) * (far - r) * 4 - std::log(16 * pi / 8);
  CHECK_THAT(basin::data::eight_gaussians_log_density(far, 0), WithinAbs(alone, 1e-8));
}

TEST_CASE("two moons lie on two half circles and have their moments", "[data][synthetic]") {
  Samples const clean = basin::data::two_moons(2000, 3, {.scale = 1, .standard_deviation = 0});
  for (int i = 0; i < 2000; ++i) {
    double const x = clean(i, 0) + 0.5, y = clean(i, 1) + 0.1;
    double const outer = std::abs(std::hypot(x, y) - 1),
                 inner = std::abs(std::hypot(x - 1, y - 0.5) - 1);
    REQUIRE(std::min(outer, inner) < 1e-6);
    REQUIRE((outer < 1e-6 ? y > -1e-6 : y < 0.5 + 1e-6));
  }
  Samples const x = basin::data::two_moons(count, 4);
  CHECK_MEAN(x, x, 0);
  CHECK_MEAN(x, y, 0.3);
  // E cos t = 0, E sin t = 2/pi, E cos^2 t = E sin^2 t = 1/2; the noise has variance 0.04.
  CHECK_MEAN(x, x * x, 4 * 0.75 + 0.04);           // E (cos t - 1/2)^2 in both moons
  double const upper = 0.5 - 0.2 * 2 / pi + 0.01;  // E (sin t - 0.1)^2
  double const lower = 0.5 - 0.8 * 2 / pi + 0.16;  // E (0.4 - sin t)^2
  CHECK_MEAN(x, y * y, 4 * (upper + lower) / 2 + 0.04);
}

TEST_CASE("the checkerboard is uniform on eight squares", "[data][synthetic]") {
  Samples const x = basin::data::checkerboard(count, 5);
  std::array<std::array<int, 4>, 4> squares{};
  for (int i = 0; i < count; ++i) {
    int const column = static_cast<int>(std::floor(x(i, 0) / 2)) + 2;
    int const row    = static_cast<int>(std::floor(x(i, 1) / 2)) + 2;
    // A float just under an edge may round onto it.
    ++squares.at(std::min(column, 3)).at(std::min(row, 3));
  }
  for (int column = 0; column < 4; ++column)
    for (int row = 0; row < 4; ++row) {
      CAPTURE(column, row);
      if ((column + row) % 2 == 0)  // binomial: variance n p (1 - p), p = 1/8
        CHECK_THAT(squares[column][row], WithinAbs(count / 8.0, 5 * root * std::sqrt(7.0 / 64)));
      else
        CHECK(squares[column][row] <= 2);
    }
  CHECK_MEAN(x, x - 2 * std::floor(x / 2), 1);
  CHECK_MEAN(x, y - 2 * std::floor(y / 2), 1);
  CHECK_MEAN(x, x * x, 16.0 / 3);
}

TEST_CASE("the pinwheel has its arms, twist and radius", "[data][synthetic]") {
  Samples const clean = basin::data::pinwheel(
      1000, 6, {.arms = 3, .scale = 2, .radial_deviation = 0, .tangential_deviation = 0});
  std::array<int, 3> arms{};
  for (int i = 0; i < 1000; ++i) {
    REQUIRE_THAT(std::hypot(clean(i, 0), clean(i, 1)), WithinAbs(2, 1e-5));
    double const turn = (-std::atan2(clean(i, 1), clean(i, 0)) - 0.25 * std::exp(1)) * 3 / (2 * pi);
    REQUIRE_THAT(turn, WithinAbs(std::round(turn), 1e-5));
    ++arms.at((static_cast<int>(std::lround(turn)) + 3) % 3);
  }
  for (int const arm : arms) CHECK_THAT(arm, WithinAbs(1000 / 3.0, 5 * std::sqrt(1000 * 2 / 9.0)));

  Samples const x = basin::data::pinwheel(count, 7);
  CHECK_MEAN(x, x, 0);
  CHECK_MEAN(x, y, 0);
  CHECK_MEAN(x, x * x + y * y, 4 * (1 + 0.09 + 0.01));
}

TEST_CASE("rings are equally likely circles", "[data][synthetic]") {
  Samples const clean = basin::data::rings(4000, 8, {.standard_deviation = 0});
  std::array<int, 4> rings{};
  for (int i = 0; i < 4000; ++i) {
    double const radius = std::hypot(clean(i, 0), clean(i, 1)) / 0.75;
    REQUIRE_THAT(radius, WithinAbs(std::round(radius), 1e-5));
    ++rings.at(static_cast<int>(std::lround(radius)) - 1);
  }
  for (int const ring : rings) CHECK_THAT(ring, WithinAbs(1000, 5 * std::sqrt(4000 * 3 / 16.0)));

  Samples const x = basin::data::rings(count, 9);
  CHECK_MEAN(x, x, 0);
  CHECK_MEAN(x, y, 0);
  // 9 (1 + 4 + 9 + 16) / 16 / 4 and twice the noise's variance.
  CHECK_MEAN(x, x * x + y * y, 9 * 30 / 64.0 + 2 * 0.0064);
}

TEST_CASE("the swiss roll is an Archimedean spiral", "[data][synthetic]") {
  Samples const clean = basin::data::swiss_roll(1000, 10, {.standard_deviation = 0});
  for (int i = 0; i < 1000; ++i) {
    double const t = std::hypot(clean(i, 0), clean(i, 1)) / 0.2;
    REQUIRE(t > 1.5 * pi - 1e-4);
    REQUIRE(t < 4.5 * pi + 1e-4);
    REQUIRE_THAT(clean(i, 0), WithinAbs(0.2 * t * std::cos(t), 1e-4));
    REQUIRE_THAT(clean(i, 1), WithinAbs(0.2 * t * std::sin(t), 1e-4));
  }
  Samples const x = basin::data::swiss_roll(count, 11);
  // a^2 E t^2 + 2 s^2: t uniform of mean 3 pi and width 3 pi.
  CHECK_MEAN(x, x * x + y * y, 0.04 * (9 * pi * pi + 9 * pi * pi / 12) + 2 * 0.04);
  // E t cos t = [t sin t + cos t] / (3 pi) from 3 pi/2 to 9 pi/2 = (9/2 + 3/2) pi / (3 pi).
  CHECK_MEAN(x, x, 0.2 * 2);
  // E t sin t = [sin t - t cos t] / (3 pi) = (1 + 1) / (3 pi).
  CHECK_MEAN(x, y, 0.2 * 2 / (3 * pi));
}

TEST_CASE("synthetic sets refuse a wrong number and say it", "[data][synthetic]") {
  for (Set const& set : sets())
    CHECK_THROWS_WITH(set.draw(0, 1), "basin::data::" + set.name + ": count must be > 0, got 0");
  CHECK_THROWS_WITH(
      basin::data::eight_gaussians(1, 1, {.standard_deviation = 0}),
      "basin::data::eight_gaussians: EightGaussiansOptions::standard_deviation must be finite and "
      "> 0, got 0.000000");
  CHECK_THROWS_WITH(
      basin::data::eight_gaussians_log_density(0, 0, {.radius = -1}),
      "basin::data::eight_gaussians_log_density: EightGaussiansOptions::radius must be finite and "
      ">= 0, got -1.000000");
  CHECK_THROWS_WITH(basin::data::two_moons(1, 1, {.standard_deviation = -1}),
                    "basin::data::two_moons: TwoMoonsOptions::standard_deviation must be finite "
                    "and >= 0, got -1.000000");
  CHECK_THROWS_WITH(basin::data::checkerboard(1, 1, {.side = 0}),
                    "basin::data::checkerboard: CheckerboardOptions::side must be finite and > 0, "
                    "got 0.000000");
  CHECK_THROWS_WITH(basin::data::pinwheel(1, 1, {.arms = 0}),
                    "basin::data::pinwheel: PinwheelOptions::arms must be > 0, got 0");
  CHECK_THROWS_WITH(basin::data::rings(1, 1, {.rings = -2}),
                    "basin::data::rings: RingsOptions::rings must be > 0, got -2");
  CHECK_THROWS_WITH(
      basin::data::swiss_roll(1, 1, {.scale = NAN}),
      "basin::data::swiss_roll: SwissRollOptions::scale must be finite and > 0, got nan");
}

}  // namespace
