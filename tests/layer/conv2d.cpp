// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/conv2d.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/square.hpp>

#include "support/all_numbers.hpp"

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::energy::Network;
using basin::layer::Conv2d;
using basin::layer::Dense;
using basin::layer::Silu;
using basin::layer::Square;
using namespace basin::test;
namespace bias        = basin::layer::bias;
namespace initializer = basin::layer::initializer;
namespace padding     = basin::layer::padding;

// ---- what is known at compile time ---------------------------------------------

template <int In, class Layer>
using Side = typename Layer::template bind<float, Image<In, In>>;

TEST_CASE("a Conv2d pads as its policy says", "[layer][conv2d]") {
  // SAME of TensorFlow and Flax: ceil(in / stride) outputs, the odd zero behind.
  STATIC_REQUIRE(Side<28, Conv2d<1, 3, 2>>::height == 14);
  STATIC_REQUIRE(Side<28, Conv2d<1, 3, 2>>::Y::input(0, 0) == 0);        // 0 before
  STATIC_REQUIRE(Side<28, Conv2d<1, 3, 2>>::Y::of_output(13).end == 2);  // and 1 behind
  STATIC_REQUIRE(Side<7, Conv2d<1, 3, 2>>::height == 4);
  STATIC_REQUIRE(Side<7, Conv2d<1, 3, 2>>::Y::input(0, 0) == -1);
  STATIC_REQUIRE(Side<7, Conv2d<1, 3, 2>>::Y::of_output(3).end == 2);
  STATIC_REQUIRE(Side<6, Conv2d<1, 4>>::height == 6);
  STATIC_REQUIRE(Side<6, Conv2d<1, 4>>::Y::input(0, 0) == -1);
  // No zeros where the stride skips more than the kernel needs.
  STATIC_REQUIRE(Side<5, Conv2d<1, 1, 3>>::height == 2);
  STATIC_REQUIRE(Side<5, Conv2d<1, 1, 3>>::Y::input(0, 0) == 0);

  STATIC_REQUIRE(Side<28, Conv2d<1, 3, 2, padding::Valid>>::height == 13);
  STATIC_REQUIRE(Side<28, Conv2d<1, 3, 2, padding::Explicit<1>>>::height == 14);
  STATIC_REQUIRE(Side<28, Conv2d<1, 3, 2, padding::Explicit<1>>>::Y::input(0, 0) == -1);
  STATIC_REQUIRE(
      std::same_as<Conv2d<5, 3, 2>::bind<float, Image<9, 4, 3>>::output_shape, Image<5, 2, 5>>);
}

TEST_CASE("a Conv2d knows its parameters and its work", "[layer][conv2d]") {
  STATIC_REQUIRE(sizeof(Conv2d<8, 3>) == 1);  // a policy carries no data
  using Bound       = Conv2d<8, 3, 2, initializer::HeNormal>::bind<float, Image<7, 7, 5>>;
  auto const blocks = Bound::parameter_blocks();
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].name == std::string("weight"));
  CHECK((blocks[0].rows == 9 * 8 && blocks[0].columns == 5));  // (taps, out, in)
  CHECK(blocks[0].law.scale == std::sqrt(2.0 / (9 * 5)));      // of what one output sums
  CHECK(blocks[1].name == std::string("bias"));
  CHECK((blocks[1].rows == 8 && blocks[1].columns == 1));
  STATIC_REQUIRE(Bound::parameters == 9 * 8 * 5 + 8);
  using Glorot = Conv2d<8, 3, 2, bias::Without, initializer::GlorotUniform>;
  STATIC_REQUIRE(Glorot::bind<float, Image<7, 7, 5>>::parameters == 9 * 8 * 5);
  auto const without = Glorot::bind<float, Image<7, 7, 5>>::parameter_blocks();
  REQUIRE(without.size() == 1);
  CHECK(without[0].law.scale == std::sqrt(6.0 / (9 * 5 + 9 * 8)));

  // Taps outside the image are no work: 4 outputs in a row of 7, the outer two with 2 taps of 3.
  STATIC_REQUIRE(Bound::multiply_adds == (2 + 3 + 3 + 2) * (2 + 3 + 3 + 2) * 8 * 5);
  STATIC_REQUIRE(Conv2d<8, 5>::bind<float, Image<1, 1, 5>>::multiply_adds == 8 * 5);
  // 28 -> 14 -> 7 -> 4 with 1, 32, 64 and 128 channels.
  STATIC_REQUIRE(Conv2d<32, 3, 2>::bind<float, Image<28, 28>>::multiply_adds == 41 * 41 * 32);
  STATIC_REQUIRE(Conv2d<64, 3, 2>::bind<float, Image<14, 14, 32>>::multiply_adds ==
                 20 * 20 * 32 * 64);
  STATIC_REQUIRE(Conv2d<128, 3, 2>::bind<float, Image<7, 7, 64>>::multiply_adds ==
                 10 * 10 * 64 * 128);
}

// Whether outputs, inputs and taps name the same triples o stride + k = i + before.
template <int In, int Kernel, int Stride, int Before>
constexpr bool sides_agree() {
  constexpr int Out = In + 2 * Before < Kernel ? 0 : (In + 2 * Before - Kernel) / Stride + 1;
  using Axis        = basin::layer::detail::TapAxis<In, Out, Kernel, Stride, Before>;
  auto const holds  = [](auto range, int v) { return range.first <= v && v < range.end; };
  bool agree        = true;
  int count         = 0;
  for (int o = 0; o < Out; ++o)
    for (int k = -1; k <= Kernel; ++k) {
      int const i       = o * Stride + k - Before;
      bool const inside = k >= 0 && k < Kernel && i >= 0 && i < In;
      agree =
          agree && holds(Axis::of_output(o), k) == inside && (!inside || Axis::input(o, k) == i);
      if (k >= 0 && k < Kernel) agree = agree && holds(Axis::of_tap(k), o) == inside;
      if (i >= 0 && i < In) agree = agree && holds(Axis::outputs_of(i), o) == inside;
      count += inside;
    }
  // Nor do inputs and taps name outputs that are none.
  for (int i = 0; i < In; ++i)
    agree = agree && Axis::outputs_of(i).first >= 0 && Axis::outputs_of(i).end <= Out;
  for (int k = 0; k < Kernel; ++k)
    agree = agree && Axis::of_tap(k).first >= 0 && Axis::of_tap(k).end <= Out;
  return agree && Axis::count() == count;
}

template <int In, int Kernel, int... Strides>
constexpr bool sides_agree_for(std::integer_sequence<int, Strides...>) {
  return ((sides_agree<In, Kernel, Strides + 1, 0>() && sides_agree<In, Kernel, Strides + 1, 1>() &&
           sides_agree<In, Kernel, Strides + 1, 4>()) &&
          ...);
}
template <int In, int... Kernels>
constexpr bool sides_agree_for_kernels(std::integer_sequence<int, Kernels...>) {
  return (sides_agree_for<In, Kernels + 1>(std::make_integer_sequence<int, 4>{}) && ...);
}

TEST_CASE("outputs, inputs and taps see the same pairs", "[layer][conv2d]") {
  STATIC_REQUIRE(sides_agree_for_kernels<1>(std::make_integer_sequence<int, 5>{}));
  STATIC_REQUIRE(sides_agree_for_kernels<2>(std::make_integer_sequence<int, 5>{}));
  STATIC_REQUIRE(sides_agree_for_kernels<5>(std::make_integer_sequence<int, 5>{}));
  STATIC_REQUIRE(sides_agree_for_kernels<6>(std::make_integer_sequence<int, 5>{}));
}

// Of every position, what for_each calls its function with.
template <class Taps>
std::vector<std::vector<std::pair<int, int>>> pairs_one_by_one() {
  std::vector<std::vector<std::pair<int, int>>> pairs(Taps::positions);
  for (int p = 0; p < Taps::positions; ++p)
    Taps::for_each(p, [&](int tap, int q) { pairs[std::size_t(p)].emplace_back(tap, q); });
  return pairs;
}
template <class Taps, int N>
std::vector<std::vector<std::pair<int, int>>> pairs_by_blocks() {
  std::vector<std::vector<std::pair<int, int>>> pairs(Taps::positions);
  for (int block = 0; block < Taps::template blocks<N>; ++block)
    Taps::template for_each_of_block<N>(block, [&](int tap, int const(&q)[N]) {
      for (int j = 0; j < N; ++j)
        if (q[j] >= 0)
          pairs[std::size_t(Taps::template member<N>(block, j))].emplace_back(tap, q[j]);
    });
  return pairs;
}

template <int Stride, int Before>
void check_blocks() {
  INFO("stride " << Stride << ", " << Before << " before");
  using basin::layer::detail::TapAxis;
  using Y       = TapAxis<5, (5 + 2 * Before - 3) / Stride + 1, 3, Stride, Before>;
  using X       = TapAxis<11, (11 + 2 * Before - 3) / Stride + 1, 3, Stride, Before>;
  using Outputs = basin::layer::detail::OutputTaps<Y, X>;
  using Inputs  = basin::layer::detail::InputTaps<Y, X>;
  CHECK(pairs_by_blocks<Outputs, 2>() == pairs_one_by_one<Outputs>());
  CHECK(pairs_by_blocks<Outputs, 4>() == pairs_one_by_one<Outputs>());
  CHECK(pairs_by_blocks<Inputs, 2>() == pairs_one_by_one<Inputs>());
  CHECK(pairs_by_blocks<Inputs, 4>() == pairs_one_by_one<Inputs>());
}

TEST_CASE("blocks of positions have the taps of their members, in the same order",
          "[layer][conv2d]") {
  check_blocks<1, 0>();
  check_blocks<1, 1>();
  check_blocks<2, 0>();
  check_blocks<2, 1>();
  check_blocks<3, 1>();
  check_blocks<4, 2>();
}

// ---- values: E = sum_j v_j y_j^2 + c, y the convolution ---------------------------------

// A convolution and, worked out by hand, what it makes of its input.
template <class Input, class Layer>
struct Case {
  using input = Input;
  using layer = Layer;
  int out, kernel, stride;
  int height, width, top, left;  // of the output; zeros above and left of the image
  bool biased = true;
};

struct Asked {
  std::vector<double> energies, gradients, parameters;
};

template <class Input, class Layer>
Asked reference(Case<Input, Layer> const& c, std::vector<double> const& theta,
                std::vector<double> const& x, std::vector<double> const& w) {
  int const in = Input::channels, positions = c.height * c.width, taps = c.kernel * c.kernel;
  auto const at = [](auto& values, int i) -> auto& { return values[static_cast<std::size_t>(i)]; };
  int const b = taps * c.out * in, v = b + (c.biased ? c.out : 0), n = static_cast<int>(w.size());
  Asked r{std::vector<double>(w.size()), std::vector<double>(x.size()),
          std::vector<double>(theta.size())};
  // f(weight, input) for everything that output (p, o) reads.
  auto const for_each = [&](int p, int o, auto const& f) {
    for (int ky = 0; ky < c.kernel; ++ky)
      for (int kx = 0; kx < c.kernel; ++kx) {
        int const iy = p / c.width * c.stride + ky - c.top;
        int const ix = p % c.width * c.stride + kx - c.left;
        if (iy < 0 || iy >= Input::height || ix < 0 || ix >= Input::width) continue;
        for (int i = 0; i < in; ++i)
          f(((ky * c.kernel + kx) * c.out + o) * in + i, (iy * Input::width + ix) * in + i);
      }
  };
  for (int s = 0; s < n; ++s) {
    int const first   = s * Input::size;
    at(r.energies, s) = theta.back();
    r.parameters.back() += at(w, s);
    for (int p = 0; p < positions; ++p)
      for (int o = 0; o < c.out; ++o) {
        double y = c.biased ? at(theta, b + o) : 0;
        for_each(p, o, [&](int k, int i) { y += at(theta, k) * at(x, first + i); });
        int const j = p * c.out + o;
        at(r.energies, s) += at(theta, v + j) * y * y;
        double const g = at(theta, v + j) * 2 * y;
        at(r.parameters, v + j) += at(w, s) * y * y;
        if (c.biased) at(r.parameters, b + o) += at(w, s) * g;
        for_each(p, o, [&](int k, int i) {
          at(r.gradients, first + i) += at(theta, k) * g;
          at(r.parameters, k) += at(w, s) * g * at(x, first + i);
        });
      }
  }
  return r;
}

std::vector<double> sizes_of(std::vector<double> values) {
  for (double& v : values) v = std::abs(v);
  return values;
}

// A narrow one, for the compiler's sake: others give the same bits, as tests/tile/context.cpp
// holds.
constexpr basin::tile::Tuning narrow{
    8, 8, 4, 1, is_host<Exec> ? 0 : 64, basin::tile::shared_memory<Exec>()};

template <class Scalar, class Input, class Layer>
void check(Case<Input, Layer> const& c) {
  using Net = Network<Scalar, Input, Layer, Square, Dense<1>>;
  INFO(c.kernel << "x" << c.kernel << ", stride " << c.stride << ", " << Input::height << "x"
                << Input::width << "x" << Input::channels << " to " << c.height << "x" << c.width
                << "x" << c.out);
  std::size_t constexpr n = 11;
  auto const theta        = parameters_of<Net>(1);
  auto const x            = numbers(n * Input::size, 2, 1.5);
  auto const w            = numbers(n, 3);
  Model<Exec, Net, narrow> const model(theta);
  auto const g = model.gradients(x);
  auto const t = model.training(x, w);

  Asked const expected = reference(c, theta, x, w);
  // All are sums of products with positive coefficients, and no number passes through more than
  // these roundings, each at most a share of unit of the same sum of absolute values: of an
  // output, its square and the sum of those, of dE/dy and the sums over taps or over positions and
  // samples. The reference rounds as often, in double.
  Asked const size     = reference(c, sizes_of(theta), sizes_of(x), sizes_of(w));
  int const positions  = c.height * c.width;
  double const unit    = std::numeric_limits<Scalar>::epsilon() / 2;
  double const rounded = c.kernel * c.kernel * (2 * Input::channels + 2 * c.out) +
                         positions * (c.out + static_cast<int>(n)) + 10;
  auto const wrong = [&](auto const& a, std::vector<double> const& r,
                         std::vector<double> const& s) {
    REQUIRE(a.size() == r.size());
    int count = 0;
    for (std::size_t i = 0; i < r.size(); ++i)
      count += !(std::abs(a[i] - r[i]) <= 2.02 * rounded * unit * s[i]);
    return count;
  };
  CHECK(wrong(t.energies, expected.energies, size.energies) == 0);
  CHECK(wrong(g, expected.gradients, size.gradients) == 0);
  CHECK(wrong(t.gradient, expected.parameters, size.parameters) == 0);
}

TEST_CASE("a Conv2d is the sum over its taps, with the derivatives of it", "[layer][conv2d]") {
  using padding::Explicit, padding::Valid;
  // Kernels that are larger than the image, to and from one channel.
  check<float>(Case<Image<3, 2>, Conv2d<5, 5>>{5, 5, 1, 3, 2, 2, 2});
  check<double>(Case<Image<1, 1, 3>, Conv2d<1, 3>>{1, 3, 1, 1, 1, 1, 1});
  // Odd sides, few channels there and back.
  check<double>(Case<Image<7, 5, 3>, Conv2d<7, 3, 2>>{7, 3, 2, 4, 3, 1, 1});
  check<float>(Case<Image<4, 6, 2>, Conv2d<1, 2, 2, Valid>>{1, 2, 2, 2, 3, 0, 0});
  // More channels; a stride that skips inputs, outputs that read none, no bias.
  check<double>(Case<Image<6, 4, 4>, Conv2d<2, 2, 3, Explicit<1>>>{2, 2, 3, 3, 2, 1, 1});
  check<float>(Case<Image<5, 3, 13>, Conv2d<3, 3, 1, bias::Without>>{3, 3, 1, 5, 3, 1, 1, false});
  check<float>(Case<Image<2, 3, 5>, Conv2d<9, 3, 4, Explicit<4>>>{9, 3, 4, 2, 3, 4, 4});
  // More channels than a work item of the parameter gradient, or a panel of it, holds.
  check<double>(Case<Image<3, 4, 26>, Conv2d<33, 1, 2>>{33, 1, 2, 2, 2, 0, 0});
}

// ---- convolutions behind one another ---------------------------------------------------

// The last one is the energy itself.
template <class Scalar>
using Net = Network<Scalar, Image<5, 6, 3>, Conv2d<5, 3, 2>, Silu, Conv2d<1, 3, 1, padding::Valid>>;

TEST_CASE("networks of Conv2d alone have the gradients of their energies", "[layer][conv2d]") {
  auto const errors = gradient_errors<Exec, Net<double>>();
  CHECK(errors.state < tolerance);
  CHECK(errors.parameters < tolerance);
}

TEST_CASE("a Conv2d has the same bits in every tuning", "[layer][conv2d]") {
  CHECK(tunings_that_differ<Exec, Net<float>>() == 0);
}

}  // namespace
