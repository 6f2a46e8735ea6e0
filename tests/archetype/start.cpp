// SPDX-License-Identifier: Apache-2.0
// A law of starting points of a user's own, outside of namespace basin.
#include <basin/buffer/replay.hpp>
#include <basin/sampler/start.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include <cmath>

namespace mine {

// The row of the batch plus Laplace noise: density exp(-|z| / scale) / (2 scale).
struct Laplace {
  using axis                 = basin::sampler::start_axis;
  static constexpr auto rows = basin::sampler::StartRows::batch;
  double scale               = 1;

  void check() const {
    if (!(scale > 0)) basin::refuse("mine::Laplace", "scale must be > 0, got ", scale);
  }
  template <class Scalar>
  KOKKOS_FUNCTION void operator()(basin::Stream const& stream, int block, std::uint32_t chain,
                                  Scalar (&x)[4]) const {
    basin::tile::Simd<Scalar, 1> u[4];
    basin::tile::uniform_block(stream, static_cast<std::uint32_t>(block), chain, u);
    for (int i = 0; i < 4; ++i) {
      Scalar const v = 2 * u[i][0] - 1, size = -Kokkos::log1p(-Kokkos::abs(v));
      x[i] += static_cast<Scalar>(scale) * (v < 0 ? -size : size);
    }
  }
};

// A law that reads no rows.
struct Ones {
  using axis = basin::sampler::start_axis;
  template <class Scalar>
  KOKKOS_FUNCTION void operator()(basin::Stream const&, int, std::uint32_t, Scalar (&x)[4]) const {
    for (Scalar& xi : x) xi += 1;  // to what is there: 0
  }
};

}  // namespace mine

namespace {

using Exec                           = BASIN_TEST_EXEC;
using Chains                         = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;
constexpr basin::tile::Tuning tuning = basin::tile::default_tuning<Exec, double>();
using Catch::Matchers::WithinAbs;

TEST_CASE("chains start from a law of a user's own, about rows where it reads some",
          "[archetype][start]") {
  int constexpr count = 4001, dimension = 7;
  double constexpr scale = 0.5, center = 3;
  Chains const rows("rows", count, dimension), x("x", count, dimension);
  Kokkos::deep_copy(rows, center);
  basin::sampler::start_chains<tuning>(Exec(), mine::Laplace{.scale = scale}, x, rows, {.seed = 1});
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), x);
  double mean = 0, size = 0, square = 0, n = count * dimension;
  for (std::size_t i = 0; i < host.size(); ++i) {
    double const z = host.data()[i] - center;
    mean += z / n, size += std::abs(z) / n, square += z * z / n;
  }
  // E z = 0, E|z| = scale, E z^2 = 2 scale^2, with the variances 2, 1 and 20 of scale^2 or scale^4;
  // 5 standard errors.
  CHECK_THAT(mean, WithinAbs(0, 5 * scale * std::sqrt(2 / n)));
  CHECK_THAT(size, WithinAbs(scale, 5 * scale / std::sqrt(n)));
  CHECK_THAT(square, WithinAbs(2 * scale * scale, 5 * scale * scale * std::sqrt(20 / n)));
  CHECK_THROWS_WITH(
      (basin::sampler::start_chains<tuning>(Exec(), mine::Laplace{.scale = 0}, x, rows, {})),
      "mine::Laplace: scale must be > 0, got 0");
}

TEST_CASE("a buffer holds starts of a user's own", "[archetype][start]") {
  using Replay = basin::buffer::Replay<mine::Ones>;
  Replay::bind<Exec, double, tuning> const buffer(Exec(), {.capacity = 50}, 3, 5, {}, 1);
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), buffer.stored());
  for (std::size_t i = 0; i < host.size(); ++i) CHECK(host.data()[i] == 1);
}

}  // namespace
