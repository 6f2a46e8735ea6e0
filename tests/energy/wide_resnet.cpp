// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/cnn.hpp>
#include <basin/energy/evaluate.hpp>
#include <basin/energy/wide_resnet.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using namespace basin::test;
using basin::Image;
using basin::energy::CnnClassifier;
using basin::energy::WideResNet;

// Parameters of a 3x3 convolution with bias from a to b channels, and of a block, with a 1x1
// convolution where the number of channels changes.
constexpr int conv(int a, int b) { return 9 * a * b + b; }
constexpr int block(int a, int b) { return conv(a, b) + conv(b, b) + (a != b ? a * b + b : 0); }

TEST_CASE("the wide residual network of JEM has the parameters of its code",
          "[energy][wide_resnet]") {
  using Jem = WideResNet<float, Image<32, 32, 3>, 10>;
  STATIC_REQUIRE(Jem::parameters == conv(3, 16) + block(16, 160) + 3 * block(160, 160) +
                                        block(160, 320) + 3 * block(320, 320) + block(320, 640) +
                                        3 * block(640, 640) + 640 * 10 + 10);
  STATIC_REQUIRE(Jem::outputs == 10);
  // Without norms: a logit is a continuous function of x, not more.
  STATIC_REQUIRE(Jem::smoothness == 0);
  using Thin = WideResNet<float, Image<8, 8>, 3, 10, 1>;
  STATIC_REQUIRE(Thin::parameters ==
                 conv(1, 16) + block(16, 16) + block(16, 32) + block(32, 64) + 64 * 3 + 3);
}

TEST_CASE("the classifier of the seed's CNN differs from it by its last layer",
          "[energy][wide_resnet]") {
  using Energy = basin::energy::Cnn<float, Image<28, 28>, 32, 64>;
  using Labels = CnnClassifier<float, Image<28, 28>, 10, 32, 64>;
  STATIC_REQUIRE(Labels::parameters == Energy::parameters + 9 * (32 + 1));
  STATIC_REQUIRE(Labels::outputs == 10);
}

// The network in plain loops, from theta block by block: weights are (taps, out, in).
struct Plain {
  struct Map {
    int size, channels;
    std::vector<double> v;  // [row][column][channel]
  };
  std::vector<double> const& theta;
  std::size_t next = 0;

  double weight(std::size_t first, int k) const {
    return theta[first + static_cast<std::size_t>(k)];
  }

  Map conv(Map const& x, int out, int kernel, int stride) {
    std::size_t const w = next,
                      b = w + static_cast<std::size_t>(kernel * kernel * out * x.channels);
    next                = b + static_cast<std::size_t>(out);
    Map y{(x.size + stride - 1) / stride, out, {}};
    for (int p = 0; p < y.size * y.size * out; ++p) {
      int const o = p % out, row = p / out / y.size, column = p / out % y.size;
      double sum = weight(b, o);
      for (int tap = 0; tap < kernel * kernel; ++tap) {
        int const r = row * stride + tap / kernel - kernel / 2;
        int const c = column * stride + tap % kernel - kernel / 2;
        if (r < 0 || c < 0 || r >= x.size || c >= x.size) continue;
        for (int i = 0; i < x.channels; ++i)
          sum += weight(w, (tap * out + o) * x.channels + i) *
                 x.v[static_cast<std::size_t>((r * x.size + c) * x.channels + i)];
      }
      y.v.push_back(sum);
    }
    return y;
  }
  static Map leaky(Map x) {
    for (double& v : x.v) v = v > 0 ? v : v / 5;
    return x;
  }
  Map block(Map const& x, int out, int stride) {
    Map y             = conv(conv_of(leaky(x), out), out, 3, stride);
    Map const shorter = out == x.channels ? x : conv(x, out, 1, stride);
    for (std::size_t i = 0; i < y.v.size(); ++i) y.v[i] += shorter.v[i];
    return y;
  }
  Map conv_of(Map const& x, int out) { return leaky(conv(x, out, 3, 1)); }

  std::vector<double> logits(std::vector<double> const& x, int size, int classes) {
    next      = 0;
    Map y     = conv({size, 1, x}, 16, 3, 1);
    y         = block(y, 16, 1);
    y         = block(y, 32, 2);
    y         = leaky(block(y, 64, 2));
    Map means = {1, 64, std::vector<double>(64)};
    for (std::size_t i = 0; i < y.v.size(); ++i) means.v[i % 64] += y.v[i] / (y.size * y.size);
    return conv(means, classes, 1, 1).v;
  }
};

TEST_CASE("the wide residual network is its layers in plain loops", "[energy][wide_resnet]") {
  using Net        = WideResNet<double, Image<6, 6>, 3, 10, 1>;
  int constexpr n  = 5;
  auto const theta = parameters_of<Net>(1);
  auto const x     = numbers(n * 36, 2);
  Model<Exec, Net> const model(theta);
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const f("f", n, 3);
  basin::energy::logits(Exec(), model.net(), Model<Exec, Net>::points(on_device<Exec, double>(x)),
                        f);
  auto const found = on_host(f);
  Plain plain{theta};
  double worst = 0, most = 0;
  for (int i = 0; i < n; ++i) {
    auto const expected = plain.logits({x.begin() + 36 * i, x.begin() + 36 * (i + 1)}, 6, 3);
    REQUIRE(plain.next == theta.size());
    for (std::size_t y = 0; y < 3; ++y) {
      most  = std::max(most, std::abs(expected[y]));
      worst = std::max(worst, std::abs(found[static_cast<std::size_t>(3 * i) + y] - expected[y]));
    }
  }
  CHECK(most > 0.1);
  CHECK(worst < 1e-12 * most);
}

}  // namespace
