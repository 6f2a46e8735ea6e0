// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/conv2d.hpp>
#include <basin/layer/pool.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/square.hpp>

#include "support/all_numbers.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::Vector;
using basin::energy::Network;
using basin::layer::AveragePool;
using basin::layer::Conv2d;
using basin::layer::Dense;
using basin::layer::Downsample;
using basin::layer::MeanPool;
using basin::layer::Silu;
using basin::layer::Square;
using basin::layer::SumPool;
using basin::layer::Upsample;
using namespace basin::test;

template <class Layer, class Input>
using Output = typename Layer::template bind<float, Input>::output_shape;

TEST_CASE("a pool keeps the channels", "[layer][pool]") {
  STATIC_REQUIRE(std::same_as<Output<MeanPool, Image<3, 2, 5>>, Vector<5>>);
  STATIC_REQUIRE(std::same_as<Output<SumPool, Image<3, 2, 5>>, Vector<5>>);
  // Windows that stick out are none.
  STATIC_REQUIRE(std::same_as<Output<AveragePool<2>, Image<7, 4, 5>>, Image<3, 2, 5>>);
  STATIC_REQUIRE(std::same_as<Output<AveragePool<3, 2>, Image<7, 4, 5>>, Image<3, 1, 5>>);
  STATIC_REQUIRE(std::same_as<Output<Downsample<2>, Image<7, 4, 5>>, Image<4, 2, 5>>);
  STATIC_REQUIRE(std::same_as<Output<Upsample<3>, Image<2, 1, 5>>, Image<6, 3, 5>>);
  STATIC_REQUIRE(AveragePool<3, 2>::bind<float, Image<7, 4, 5>>::parameters == 0);
}

// ---- E = sum_j v_j y_j^2 + c, y = A x for a matrix A between positions --------------------

template <class Scalar, class Input, class... Pools>
using Squared = Network<Scalar, Input, Pools..., Square, Dense<1>>;

// A(oy, ox, iy, ix), by the pool's formula; outputs are height x width.
template <class Pool, class Input, class A>
void check(int height, int width, A const& a) {
  using Net = Squared<double, Input, Pool>;
  INFO(Input::height << "x" << Input::width << "x" << Input::channels << " to " << height << "x"
                     << width);
  std::size_t constexpr n = 7, channels = Input::channels, D = Input::size;
  auto const theta = parameters_of<Net>(1);
  auto const x     = numbers(n * D, 2, 1.5);
  Model<Exec, Net> const model(theta);
  auto const e = model.energies(x), g = model.gradients(x);
  REQUIRE(theta.size() == static_cast<std::size_t>(height * width) * channels + 1);

  std::vector<double> expected_e(n, theta.back()), expected_g(n * D);
  for (std::size_t s = 0; s < n; ++s)
    for (std::size_t j = 0; j + 1 < theta.size(); ++j) {
      int const p      = static_cast<int>(j / channels);
      auto const share = [&](std::size_t i) {
        int const q = static_cast<int>(i / channels);
        return i % channels == j % channels
                   ? double(a(p / width, p % width, q / Input::width, q % Input::width))
                   : 0.0;
      };
      double y = 0;
      for (std::size_t i = 0; i < D; ++i) y += share(i) * x[s * D + i];
      expected_e[s] += theta[j] * y * y;
      for (std::size_t i = 0; i < D; ++i) expected_g[s * D + i] += share(i) * theta[j] * 2 * y;
    }
  double error = 0;
  for (std::size_t i = 0; i < n; ++i) error = std::max(error, std::abs(e[i] - expected_e[i]));
  for (std::size_t i = 0; i < n * D; ++i) error = std::max(error, std::abs(g[i] - expected_g[i]));
  // Some hundred roundings.
  CHECK(error < 1e-13 * (1 + largest(expected_e) + largest(expected_g)));
}

// Whether output o of a window reads input i.
constexpr bool in_window(int o, int i, int size, int stride) {
  return i >= o * stride && i < o * stride + size;
}

template <class Pool, class Input, int Size, int Stride>
void check_windows(int height, int width) {
  check<Pool, Input>(height, width, [](int oy, int ox, int iy, int ix) {
    return in_window(oy, iy, Size, Stride) && in_window(ox, ix, Size, Stride) ? 1.0 / (Size * Size)
                                                                              : 0.0;
  });
}

TEST_CASE("pools are linear maps of positions, and pull back by the transpose", "[layer][pool]") {
  check<MeanPool, Image<3, 4, 9>>(1, 1, [](int, int, int, int) { return 1.0 / 12; });
  check<SumPool, Image<3, 4, 2>>(1, 1, [](int, int, int, int) { return 1; });
  check<MeanPool, Image<1, 1, 3>>(1, 1, [](int, int, int, int) { return 1; });
  check_windows<AveragePool<2>, Image<5, 4, 3>, 2, 2>(2, 2);     // a row that nothing reads
  check_windows<AveragePool<3, 2>, Image<7, 5>, 3, 2>(3, 2);     // overlapping
  check_windows<AveragePool<2, 3>, Image<5, 6, 2>, 2, 3>(2, 2);  // apart
  check_windows<Downsample<2>, Image<3, 4, 2>, 1, 2>(2, 2);
  check<Upsample<3>, Image<2, 1, 2>>(
      6, 3, [](int oy, int ox, int iy, int ix) { return oy / 3 == iy && ox / 3 == ix; });
}

// ---- pools in networks -------------------------------------------------------------------

TEST_CASE("networks with pools have the gradients of their energies", "[layer][pool]") {
  using Net = Network<double, Image<5, 4, 2>, Conv2d<3, 2>, Silu, AveragePool<3, 1>, Upsample<3>,
                      Silu, Downsample<2>, Conv2d<9, 1>, SumPool, Square, Dense<1>>;
  auto const errors = gradient_errors<Exec, Net>();
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
}

TEST_CASE("pools have the same bits in every tuning", "[layer][pool]") {
  using Net = Network<float, Image<5, 4, 9>, AveragePool<3, 1>, Silu, Upsample<3>, Downsample<2>,
                      MeanPool, Dense<1>>;
  CHECK(tunings_that_differ<Exec, Net>() == 0);
}

TEST_CASE("means undo copies, and windows of the whole image are means of it", "[layer][pool]") {
  // To the bit: sums of 4 equal numbers are exact, and so is their quarter.
  using Plain = Squared<float, Image<3, 2, 5>>;
  CHECK(all_numbers<Exec, Squared<float, Image<3, 2, 5>, Upsample<2>, AveragePool<2>>>() ==
        all_numbers<Exec, Plain>());
  CHECK(all_numbers<Exec, Squared<float, Image<3, 2, 5>, Upsample<1>, AveragePool<1>>>() ==
        all_numbers<Exec, Plain>());
  CHECK(all_numbers<Exec, Squared<float, Image<3, 3, 5>, AveragePool<3>>>() ==
        all_numbers<Exec, Squared<float, Image<3, 3, 5>, MeanPool>>());
}

}  // namespace
