// SPDX-License-Identifier: Apache-2.0
// An operation of a pipeline of augmentations of a user's own, outside of namespace basin.
#include <basin/augmentation/pipeline.hpp>

#include "support/augmented.hpp"

#include <catch2/catch_test_macros.hpp>

// [listing]
namespace mine {

// One column is black.
struct BlackColumn {
  static constexpr char const* name = "black_column";
  double probability                = 0.5;

  template <class Shape, class Context, class Scalar>
  KOKKOS_FUNCTION void operator()(Context const& c, Shape, basin::augmentation::Draws const& draws,
                                  Scalar const* from, Scalar* to) const {
    int const column = draws.below(0, Shape::width);
    c.each(+Shape::size, [=](int i) {
      to[i] = i / Shape::channels % Shape::width == column ? Scalar(0) : from[i];
    });
  }
};

}  // namespace mine
// [/listing]

namespace {

using Augmentation = basin::augmentation::Pipeline<basin::Image<2, 4>, mine::BlackColumn>;

TEST_CASE("an operation of a user's own has draws of each sample", "[archetype][augmentation]") {
  std::vector<double> const ones(8, 1.0);
  int constexpr n = 1000;
  auto const x =
      basin::test::augmented<BASIN_TEST_EXEC>(Augmentation{}, basin::test::repeated(ones, n));
  int black[4]{}, none = 0;
  for (std::size_t s = 0; s < n; ++s) {
    auto const of = basin::test::sample_of(x, s, 8);
    none += of == ones;
    for (std::size_t j = 0; j < 4; ++j) {
      CHECK(of[j] == of[4 + j]);
      black[j] += of[j] == 0;
    }
  }
  CHECK(std::abs(none / 1000. - 0.5) < basin::test::share_tolerance(0.5, n));
  for (int const b : black)
    CHECK(std::abs(b / 1000. - 0.125) < basin::test::share_tolerance(0.125, n));
}

}  // namespace
