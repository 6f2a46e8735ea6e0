// SPDX-License-Identifier: Apache-2.0
#include <basin/augmentation/flip.hpp>
#include <basin/augmentation/shift.hpp>

#include "support/augmented.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <map>

// Flips and shifts, which move numbers, and what holds for every pipeline.

namespace {

using namespace basin::test;
using namespace basin::augmentation;
using Catch::Matchers::WithinAbs;
using Exec  = BASIN_TEST_EXEC;
using Shape = basin::Image<4, 5, 2>;
using Flips = Pipeline<Shape, Flip>;
using Both  = Pipeline<Shape, Flip, Shift<2>>;

constexpr std::size_t size = Shape::size;
double at(std::vector<double> const& x, int i, int j, int k) {
  return x[std::size_t((i * 5 + j) * 2 + k)];
}

TEST_CASE("a flip exchanges left and right, with its probability, and twice is nothing",
          "[augmentation][flip]") {
  Flips const always{{.probability = 1}}, sometimes{{.probability = 0.3}};
  auto const x = numbers(size, 1), y = augmented<Exec>(always, x);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 5; ++j)
      for (int k = 0; k < 2; ++k) CHECK(at(y, i, j, k) == at(x, i, 4 - j, k));
  CHECK(augmented<Exec>(always, y) == x);

  int constexpr n = 4000;
  auto const many = augmented<Exec>(sometimes, repeated(x, n));
  int flipped     = 0;
  for (std::size_t i = 0; i < n; ++i) {
    auto const one = sample_of(many, i, size);
    CHECK((one == x || one == y));
    flipped += one == y;
  }
  CHECK_THAT(double(flipped) / n, WithinAbs(0.3, share_tolerance(0.3, n)));
}

TEST_CASE("a shift moves exact pixels, by every distance alike, and reflects the others",
          "[augmentation][shift]") {
  using Shifts      = Pipeline<Shape, Shift<2>>;
  int constexpr n   = 5000;
  auto const x      = numbers(size, 1);
  auto const many   = augmented<Exec>(Shifts{}, repeated(x, n));
  auto const turned = [](int p, int last) { return p < 0 ? -p : p > last ? 2 * last - p : p; };
  std::map<std::vector<double>, int> found;
  for (std::size_t i = 0; i < n; ++i) ++found[sample_of(many, i, size)];
  CHECK(found.size() == 25);
  for (int down = -2; down <= 2; ++down)
    for (int right = -2; right <= 2; ++right) {
      std::vector<double> y;
      for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 5; ++j)
          for (int k = 0; k < 2; ++k)
            y.push_back(at(x, turned(i - down, 3), turned(j - right, 4), k));
      CHECK_THAT(double(found[y]) / n, WithinAbs(1 / 25., share_tolerance(1 / 25., n)));
    }
}

TEST_CASE("samples have their own draws at each step, whatever the tuning and the threads",
          "[augmentation]") {
  Both const both{};
  int constexpr n = 61;
  auto const x    = numbers(n * size, 2);
  auto const y    = augmented<Exec>(both, x);
  CHECK(augmented<Exec>(both, x, 1) != y);
  // By its number, wherever a batch begins.
  for (std::size_t i = 0; i < n; i += 7)
    CHECK(augmented<Exec>(both, sample_of(x, i, size), 0, std::uint32_t(i)) ==
          sample_of(y, i, size));
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    CHECK(augmented<Exec, basin::tile::Tuning{32, 4, 4, 1, 1}>(both, x) == y);
    auto const part = Kokkos::Experimental::partition_space(Exec(), std::vector<int>{1})[0];
    CHECK(augmented<Exec>(both, x, 0, 0, part) == y);
  }
  // Operations do not share draws: a flip and a shift of probability 1/2 are independent.
  Both const halves{{.probability = 0.5}, {.probability = 0.5}};
  int constexpr many = 4000;
  auto const one     = numbers(size, 1);
  auto const pairs   = augmented<Exec>(halves, repeated(one, many));
  auto const flipped = augmented<Exec>(Flips{{.probability = 1}}, one);
  int none = 0, flips = 0;
  for (std::size_t i = 0; i < many; ++i) {
    auto const of = sample_of(pairs, i, size);
    none += of == one;
    flips += of == flipped;
  }
  double const p = 0.25 + 0.25 / 25;  // a shift by (0, 0) is none
  CHECK_THAT(double(none) / many, WithinAbs(p, share_tolerance(p, many)));
  CHECK_THAT(double(flips) / many, WithinAbs(p, share_tolerance(p, many)));
}

TEST_CASE("augmentation refuses numbers and shapes that do not fit", "[augmentation][refusal]") {
  using Catch::Matchers::Message;
  CHECK_THROWS_MATCHES((Flips{{.probability = 2}}.check()), std::invalid_argument,
                       Message("basin::augmentation::Flip: probability must be in [0, 1], got 2"));
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const x("x", 3, 7);
  CHECK_THROWS_MATCHES(
      (apply<basin::tile::default_tuning<Exec, double>()>(Exec(), Flips{}, x, x, x, {})),
      std::invalid_argument,
      Message(
          "basin::augmentation::apply: samples have second extent 7, the shape has 40 numbers"));
}

}  // namespace
