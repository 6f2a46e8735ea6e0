// SPDX-License-Identifier: Apache-2.0
// Random networks against central differences in double: E, dE/dx, dE/dtheta and H u. By hand any
// number of them, from any seed:
//
//   BASIN_FUZZ_NETWORKS=100000 BASIN_FUZZ_SEED=1 build/openmp/tests/test_fuzz_networks_openmp
//
// A failure prints its seed: with BASIN_FUZZ_NETWORKS=1 and that seed it is the only one.
//
// Networks are types, so their linear layers, norms, pools and blocks are those of a few fixed types,
// in which every layer is, beside others. Random is, for each seed: which of the types, the function
// of every elementwise layer, the weights and their scale, points, their number and scale, the
// weights of points, and the draws of dropout.
#include <basin/energy/classifier.hpp>
#include <basin/layer/attention.hpp>
#include <basin/layer/dropout.hpp>
#include <basin/layer/flatten.hpp>
#include <basin/layer/gain.hpp>
#include <basin/layer/gelu.hpp>
#include <basin/layer/group_norm.hpp>
#include <basin/layer/pool.hpp>
#include <basin/layer/relu.hpp>
#include <basin/layer/scale.hpp>
#include <basin/layer/sequence.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/softplus.hpp>
#include <basin/layer/spectral_norm.hpp>
#include <basin/layer/square.hpp>
#include <basin/layer/sum.hpp>
#include <basin/layer/tanh.hpp>

#include "support/finite_difference.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <ratio>
#include <string>
#include <vector>

namespace fuzz_test {

using Exec = BASIN_TEST_EXEC;

// ---- elementwise layers that are chosen when the test runs -----------------------------

inline constexpr int kinds = 8, smooth_kinds = 6;
// By the number of the layer in its network; read by kernels, which must be on the host.
inline std::array<int, 1024> kind_of{};

// Not inlined: one copy for all places of all networks.
template <int Order, class V>
[[gnu::noinline]] void evaluate_kind(int kind, V x, V (&f)[Order + 1]) {
  namespace layer      = basin::layer;
  auto const rectifier = [&]<class L>(L) {
    V g[2];
    L::template evaluate<1>(x, g);
    for (int k = 0; k <= Order; ++k) f[k] = k < 2 ? g[k] : V(0);
  };
  switch (kind) {
    case 0:
      return layer::Silu::evaluate<Order>(x, f);
    case 1:
      return layer::Gelu::evaluate<Order>(x, f);
    case 2:
      return layer::Softplus::evaluate<Order>(x, f);
    case 3:
      return layer::Tanh::evaluate<Order>(x, f);
    case 4:
      return layer::Square::evaluate<Order>(x, f);
    case 5:
      return layer::Scale<std::ratio<-3, 2>, std::ratio<1, 4>>::evaluate<Order>(x, f);
    case 6:
      return rectifier(layer::Relu());
    default:
      return rectifier(layer::LeakyRelu<std::ratio<1, 5>>());
  }
}

struct Any {
  static constexpr int smoothness = basin::layer::smooth;
  template <int Order, class Pass, class V>
  static void evaluate(basin::layer::Site<Pass> site, V x, V (&f)[Order + 1]) {
    evaluate_kind<Order, V>(kind_of[static_cast<std::size_t>(site.layer)], x, f);
  }
};

}  // namespace fuzz_test

namespace {

using namespace fuzz_test;
using namespace basin::layer;
using namespace basin::test;
using basin::Image;
using basin::Vector;
using basin::energy::Network;
using Numbers = std::vector<double>;

// ---- the networks ----------------------------------------------------------------------

using Soft = std::ratio<1, 50>;  // third derivatives of norms are of order epsilon^(-3/2)

using Plain =
    Network<double, Vector<5>, Dense<7>, Any, Dropout<std::ratio<1, 3>>, Dense<4>, Any, Dense<1>>;
using Blocks =
    Network<double, Vector<6>, Any, GroupNorm<3, Soft>, Residual<Dense<6>, Any, Dense<6>>,
            LayerNorm<Soft>, Any, Sum<Sequence<Dense<3>, Any, Dense<2>>, Dense<2>>, RmsNorm<Soft>,
            Any, SpectralNorm<Dense<3>>, Any, Gain<>, Dense<1>>;
using Images =
    Network<double, Image<4, 5, 2>, Conv2d<4, 3>, Any, AveragePool<2>, GroupNorm<2, Soft>,
            Residual<Conv2d<4, 3, 1, bias::Without>, Any>, Any, Upsample<2>,
            SpectralNorm<Conv2d<2, 3, 2>, spectral::Operator>, Any, Flatten, Dense<1>>;
using Attends = Network<double, Image<2, 3, 2>, Conv2d<3, 1>, Any, SelfAttention<3>, Any, MeanPool,
                        Dense<3>, Any, Dense<1>>;
using Pools   = basin::energy::Classifier<double, Image<4, 4>, Conv2d<3, 2, 1, padding::Valid>, Any,
                                          Downsample<2>, Dropout<>, SumPool, Any, Dense<3>>;

// What is asked of a network, without its type.
struct Subject {
  std::string name;
  int dimension = 0;
  std::vector<basin::energy::NamedBlock> blocks;
  std::function<void(Numbers const&)> set;
  std::function<Numbers(Numbers const&)> energies, gradients;
  std::function<Numbers(Numbers const&, basin::Stream const&)> training;  // E in a training pass
  std::function<Numbers(Numbers const&, Numbers const&, basin::Stream const&)> slope;  // dtheta
  std::function<Numbers(Numbers const&, Numbers const&)> products;  // H u; may be empty
};

template <class Net, bool jets>
Subject subject(char const* name) {
  using M          = Model<Exec, Net>;
  auto const model = std::make_shared<M>(Numbers(std::size_t(Net::parameters)));
  Subject s;
  s.name      = name;
  s.dimension = Net::dimension;
  s.blocks    = Net::parameter_blocks();
  s.set       = [model](Numbers const& theta) { model->set(theta); };
  s.energies  = [model](Numbers const& x) { return model->energies(x); };
  s.gradients = [model](Numbers const& x) { return model->gradients(x); };
  s.training  = [model](Numbers const& x, basin::Stream const& stream) {
    return model->training(x, {}, stream).energies;
  };
  s.slope = [model](Numbers const& x, Numbers const& w, basin::Stream const& stream) {
    return model->training(x, w, stream).gradient;
  };
  if constexpr (jets)
    s.products = [model](Numbers const& x, Numbers const& u) {
      auto const at = on_device<Exec, double>(x), along = on_device<Exec, double>(u);
      typename M::Array const found("Hu", x.size());
      basin::energy::hessian_vector_products(Exec(), model->net(), M::points(at), M::points(along),
                                             M::points(found));
      return on_host(found);
    };
  return s;
}

// ---- one of them -----------------------------------------------------------------------

struct Tally {
  long compared = 0, skipped = 0;  // derivatives; skipped: where E has a kink
  double worst = 0;
};

// found against the differences of f(h) - f(-h) with steps h and h / 2, extrapolated; here: f(0). A
// kink in between is known by the function alone: second differences, which are h f'' where it is
// smooth, do not halve with h, or, where it is a third of h away, first differences disagree.
void compare(double found, double here, std::array<double, 4> const& f, double h, double size,
             Tally& tally) {
  double const wide = (f[0] - f[1]) / (2 * h), narrow = (f[2] - f[3]) / h;
  double const second = (f[0] + f[1] - 2 * here) / h, half = (f[2] + f[3] - 2 * here) / (h / 2);
  double const differ = std::abs(wide - narrow) / size;
  if (std::abs(second - 2 * half) > 1e-8 * size || differ > 1e-5) {
    ++tally.skipped;
    return;
  }
  ++tally.compared;
  double const error = std::abs(found - (4 * narrow - wide) / 3) / size - 3 * differ;
  if (!(error <= tally.worst)) tally.worst = error;
}

Numbers plus(Numbers a, double h, Numbers const& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += h * b[i];
  return a;
}

Tally check(Subject const& s, std::mt19937& bits) {
  auto const uniform = [&](double from, double to) {
    return from + (to - from) * (static_cast<double>(bits()) * 0x1p-32);
  };
  auto const draw   = [&](std::size_t n, double size) { return numbers(n, bits(), size); };
  bool const smooth = bits() % 2 == 0;
  for (int& kind : kind_of) kind = static_cast<int>(bits() % (smooth ? smooth_kinds : kinds));
  double const scale = std::exp(uniform(-1, 0.5));
  Numbers theta;
  for (auto const& b : s.blocks)
    for (double const v : draw(std::size_t(b.rows) * std::size_t(b.columns), 1.7 * scale))
      theta.push_back(v / std::sqrt(double(b.columns)));
  std::size_t const n = 1 + bits() % 19, D = static_cast<std::size_t>(s.dimension);
  Numbers const x = draw(n * D, std::exp(uniform(-2, 1))), w = draw(n, 1);
  basin::Stream const stream{bits(), basin::Purpose::dropout, bits()};
  constexpr double h = 1e-4;
  constexpr std::array<double, 4> steps{h, -h, h / 2, -h / 2};

  Tally tally;
  s.set(theta);
  auto const e = s.energies(x), dx = s.gradients(x), dtheta = s.slope(x, w, stream);
  double const size = 1 + largest(e) + largest(dx) + largest(dtheta);
  // In each coordinate of each point.
  for (std::size_t d = 0; d < D; ++d) {
    Numbers axis(x.size());
    for (std::size_t i = 0; i < n; ++i) axis[i * D + d] = 1;
    std::array<Numbers, 4> moved;
    for (std::size_t k = 0; k < 4; ++k) moved[k] = s.energies(plus(x, steps[k], axis));
    for (std::size_t i = 0; i < n; ++i)
      compare(dx[i * D + d], e[i], {moved[0][i], moved[1][i], moved[2][i], moved[3][i]}, h, size,
              tally);
  }
  // In some parameters, and along two directions of all of them.
  double here            = 0;
  auto const in_training = s.training(x, stream);
  for (std::size_t i = 0; i < n; ++i) here += w[i] * in_training[i];
  for (std::size_t k = 0; k < 14; ++k) {
    Numbers along(theta.size());
    if (k < 12)
      along[bits() % theta.size()] = 1;
    else
      along = draw(theta.size(), 1 / std::sqrt(double(theta.size())));
    double found = 0;
    for (std::size_t p = 0; p < theta.size(); ++p) found += along[p] * dtheta[p];
    std::array<double, 4> sums{};
    for (std::size_t side = 0; side < 4; ++side) {
      s.set(plus(theta, steps[side], along));
      auto const moved = s.training(x, stream);
      for (std::size_t i = 0; i < n; ++i) sums[side] += w[i] * moved[i];
    }
    compare(found, here, sums, h, size, tally);
  }
  s.set(theta);
  if (s.products && smooth) {
    auto const u  = draw(x.size(), 1);
    auto const hu = s.products(x, u);
    std::array<Numbers, 4> moved;
    for (std::size_t k = 0; k < 4; ++k) moved[k] = s.gradients(plus(x, steps[k], u));
    double const of_products = size + largest(hu);
    for (std::size_t i = 0; i < hu.size(); ++i)
      compare(hu[i], dx[i], {moved[0][i], moved[1][i], moved[2][i], moved[3][i]}, h, of_products,
              tally);
  }
  return tally;
}

long from_environment(char const* name, long otherwise) {
  char const* const text = std::getenv(name);
  return text ? std::atol(text) : otherwise;
}

TEST_CASE("random networks have the derivatives of their energies", "[fuzz]") {
  if constexpr (is_host<Exec>) {
    std::vector<Subject> const subjects{
        subject<Plain, true>("Plain"), subject<Blocks, true>("Blocks"),
        subject<Images, false>("Images"), subject<Attends, true>("Attends"),
        subject<Pools, false>("Pools")};
    long const count = from_environment("BASIN_FUZZ_NETWORKS", 200);
    long const first = from_environment("BASIN_FUZZ_SEED", 1);
    Tally all;
    for (long seed = first; seed < first + count; ++seed) {
      std::mt19937 bits(static_cast<unsigned>(seed));
      Subject const& s = subjects[bits() % subjects.size()];
      CAPTURE(seed, s.name);
      auto const tally = check(s, bits);
      // Errors of differences: 1e-16 / 1e-4 of roundings of E, and 1e-18 of its fifth derivative.
      CHECK(tally.worst < 1e-8);
      all.compared += tally.compared;
      all.skipped += tally.skipped;
      all.worst = std::max(all.worst, tally.worst);
    }
    std::printf(
        "%ld networks, seeds %ld to %ld: %ld derivatives compared, %ld at kinks left out, "
        "largest error %.2g\n",
        count, first, first + count - 1, all.compared, all.skipped, all.worst);
    CHECK(all.compared > 0);
    CHECK(double(all.skipped) < 0.02 * double(all.compared));
  }
}

}  // namespace
