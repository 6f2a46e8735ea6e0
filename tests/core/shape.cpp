// SPDX-License-Identifier: Apache-2.0
#include <basin/core/shape.hpp>

#include <catch2/catch_test_macros.hpp>

namespace {

struct NoSize {};
struct NamesSize {
  static constexpr int size = 3;
};
struct SizeIsNoNumber {
  static constexpr NoSize size{};
};

TEST_CASE("a shape knows how many numbers it holds", "[core][shape]") {
  STATIC_REQUIRE(basin::Vector<7>::size == 7);
  using Image = basin::Image<5, 4, 3>;
  STATIC_REQUIRE(Image::height == 5);
  STATIC_REQUIRE(Image::width == 4);
  STATIC_REQUIRE(Image::channels == 3);
  STATIC_REQUIRE(Image::size == 60);
  STATIC_REQUIRE(basin::Image<28, 28>::size == 784);
}

TEST_CASE("a shape is any type that names its size, a scalar is float or double", "[core][shape]") {
  STATIC_REQUIRE(basin::Shape<basin::Vector<1>>);
  STATIC_REQUIRE(basin::Shape<basin::Image<1, 1>>);
  STATIC_REQUIRE(basin::Shape<NamesSize>);
  STATIC_REQUIRE(!basin::Shape<NoSize>);
  STATIC_REQUIRE(!basin::Shape<SizeIsNoNumber>);
  STATIC_REQUIRE(!basin::Shape<int>);
  STATIC_REQUIRE(basin::Real<float>);
  STATIC_REQUIRE(basin::Real<double>);
  STATIC_REQUIRE(!basin::Real<int>);
  STATIC_REQUIRE(!basin::Real<long double>);
  STATIC_REQUIRE(!basin::Real<float const>);
}

}  // namespace
