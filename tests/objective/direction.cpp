// SPDX-License-Identifier: Apache-2.0
#include <basin/objective/direction.hpp>
#include <basin/objective/sliced_score_matching.hpp>

#include "support/density.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

namespace mine {

// Twice the draws of Rademacher's law, so that E[v v^T] = 4 I.
struct Double {
  using axis = basin::objective::direction_axis;
  template <class V>
  KOKKOS_FUNCTION V operator()(V z) const {
    using Scalar = typename V::value_type;
    return where_less(z, V(Scalar(0)), V(Scalar(-2)), V(Scalar(2)));
  }
};

}  // namespace mine

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
namespace direction = basin::objective::direction;
using basin::objective::SlicedScoreMatching;
using Catch::Matchers::WithinAbs;
using One = basin::tile::Simd<double, 1>;

TEST_CASE("Rademacher takes the sign of a draw, Gaussian the draw", "[objective][direction]") {
  for (double const z : {-1.5, -1e-9, 0., 0.3}) {
    CHECK(direction::Rademacher{}(One(z))[0] == (z < 0 ? -1 : 1));
    CHECK(direction::Gaussian{}(One(z))[0] == z);
  }
}

TEST_CASE("a direction of a user's own is the one that is taken", "[objective][direction]") {
  // In one dimension (v g)^2 / 2 - v.H v with v^2 = 4 is four times that with v^2 = 1.
  auto const gradient = [](auto const& objective) {
    auto const trainer =
        trained<Exec, Parabola>(objective, numbers_of_variance(500, 1.7), 1, 0.01, 500);
    return on_host(trainer->last_gradient());
  };
  auto const once  = gradient(SlicedScoreMatching<>{});
  auto const twice = gradient(SlicedScoreMatching<mine::Double>{});
  for (std::size_t k = 0; k < once.size(); ++k) {
    // (v g)^2 / 2 = 4 g^2 / 2 and v.H v = 4 H: powers of two lose no bit.
    CHECK(twice[k] == 4 * once[k]);
  }
  CHECK(once[0] != 0);
}

}  // namespace
