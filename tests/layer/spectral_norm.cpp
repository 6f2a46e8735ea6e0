// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/reparameterize.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/spectral_norm.hpp>
#include <basin/objective/persistent_cd.hpp>
#include <basin/optimizer/sgd.hpp>
#include <basin/sampler/langevin.hpp>
#include <basin/train/trainer.hpp>

#include "support/finite_difference.hpp"
#include "support/reparameterized.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <vector>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::Vector;
using basin::energy::Network;
using basin::layer::Conv2d;
using basin::layer::Dense;
using basin::layer::Silu;
using basin::layer::SpectralNorm;
namespace spectral = basin::layer::spectral;
using namespace basin::test;

struct Matrix {
  int rows, columns;
  std::vector<double> values;
  Matrix(int m, int n)
      : rows(m), columns(n), values(static_cast<std::size_t>(m) * static_cast<std::size_t>(n)) {}
  double& operator()(int i, int j) { return values[static_cast<std::size_t>(i * columns + j)]; }
};

// The root of the largest eigenvalue of A^T A, by squaring it until it has rank one: after 12
// times the others have shrunk by (ratio of singular values)^(2 * 4096).
double largest_singular_value(Matrix a) {
  int const n = a.columns;
  Matrix square(n, n);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      for (int k = 0; k < a.rows; ++k) square(i, j) += a(k, i) * a(k, j);
  Matrix power = square;
  for (int doubling = 0; doubling < 12; ++doubling) {
    double trace = 0;
    for (int i = 0; i < n; ++i) trace += power(i, i);
    Matrix next(n, n);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j)
        for (int k = 0; k < n; ++k) next(i, j) += power(i, k) / trace * power(k, j) / trace;
    power = next;
  }
  // trace(P A^T A) / trace(P), P of rank one
  double above = 0, below = 0;
  for (int i = 0; i < n; ++i) {
    below += power(i, i);
    for (int j = 0; j < n; ++j) above += power(i, j) * square(j, i);
  }
  return std::sqrt(above / below);
}

// The map of the first layer, column by column: the second layer reads one output each.
template <class Layer, class Input>
Matrix map_of(std::vector<double> const& theta) {
  using L       = typename Layer::template bind<double, Input>;
  using Net     = Network<double, Input, Layer, Dense<1>>;
  int const out = L::outputs, in = L::inputs;
  Matrix a(out, in);
  std::vector<double> with_head(theta.begin(), theta.begin() + L::parameters);
  with_head.resize(static_cast<std::size_t>(Net::parameters));
  for (int o = 0; o < out; ++o) {
    for (int k = 0; k < out; ++k)
      with_head[static_cast<std::size_t>(L::parameters + k)] = k == o ? 1 : 0;
    auto const row =
        Model<Exec, Net>(with_head).gradients(std::vector<double>(static_cast<std::size_t>(in)));
    for (int i = 0; i < in; ++i) a(o, i) = row[static_cast<std::size_t>(i)];
  }
  return a;
}

template <class Layer, class Norm, class Input>
void check_norm() {
  using Net        = Network<double, Input, SpectralNorm<Layer, Norm>, Silu, Dense<1>>;
  using L          = typename Layer::template bind<double, Input>;
  auto const theta = parameters_of<Net>(1);
  // Power iteration ends at the singular values' precision, at the latest when the ratio of the
  // first two to the power of 2 * 400 has.
  auto const result  = reparameterize<Exec, Net>(theta, Net::initial_state(3), 400);
  double const sigma = result.state[0];
  std::vector<double> const w(theta.begin(), theta.begin() + L::taps * L::out * L::in);
  if constexpr (std::same_as<Norm, spectral::Operator>) {
    CHECK(std::abs(sigma / largest_singular_value(map_of<Layer, Input>(theta)) - 1) < 1e-6);
    CHECK(std::abs(largest_singular_value(map_of<Layer, Input>(result.effective)) - 1) < 1e-6);
  } else {
    Matrix m(+L::out, L::taps * L::in);
    for (int k = 0; k < L::taps; ++k)
      for (int o = 0; o < L::out; ++o)
        for (int i = 0; i < L::in; ++i)
          m(o, k * L::in + i) = w[static_cast<std::size_t>((k * L::out + o) * L::in + i)];
    CHECK(std::abs(sigma / largest_singular_value(m) - 1) < 1e-6);
  }
  int wrong = 0;
  for (std::size_t k = 0; k < theta.size(); ++k) {
    double const expected = k < w.size() ? theta[k] / sigma : theta[k];
    wrong += result.effective[k] != expected;
  }
  CHECK(wrong == 0);
}

TEST_CASE("the weights are divided by their largest singular value", "[layer][spectral_norm]") {
  check_norm<Dense<5>, spectral::Matrix, Vector<7>>();
  check_norm<Conv2d<3, 3>, spectral::Matrix, Image<5, 4, 2>>();
}

TEST_CASE("the norm of the map that a convolution applies", "[layer][spectral_norm]") {
  check_norm<Conv2d<3, 3>, spectral::Operator, Image<5, 4, 2>>();
  check_norm<Conv2d<2, 3, 2>, spectral::Operator, Image<5, 6, 1>>();
  check_norm<Dense<5>, spectral::Operator, Vector<7>>();
}

TEST_CASE("weights that have been 0 are divided once they are not", "[layer][spectral_norm]") {
  using Net = Network<double, Vector<2>, SpectralNorm<Dense<2>>, Silu, Dense<1>>;
  std::vector<double> theta(static_cast<std::size_t>(Net::parameters));
  auto const zero = reparameterize<Exec, Net>(theta, Net::initial_state(3), 3);
  CHECK(zero.effective == theta);
  CHECK(zero.state[0] == 0);
  theta[0] = theta[3] = 10;
  auto const result   = reparameterize<Exec, Net>(theta, zero.state, 1);
  CHECK(std::abs(result.state[0] - 10) < 1e-14);
  CHECK(std::abs(result.effective[0] - 1) < 1e-15);
}

TEST_CASE("weights of any size are divided, and of any size before", "[layer][spectral_norm]") {
  using Net = Network<double, Vector<2>, SpectralNorm<Dense<2>>, Silu, Dense<1>>;
  std::vector<double> theta(static_cast<std::size_t>(Net::parameters));
  auto state = Net::initial_state(3);
  // From 1.7e308 on their sum of squares' root, too, is no double.
  for (double const size : {1.0, 1e200, 1.0, 1e-200, 1.0, 1.7e308, 1.0}) {
    CAPTURE(size);
    theta = {size, size / 2, -size / 4, size, 1, 1};
    theta.resize(static_cast<std::size_t>(Net::parameters));
    auto const result = reparameterize<Exec, Net>(theta, state, 60);
    state             = result.state;
    // Of (1, 1/2; -1/4, 1): eigenvalues of W^T W, 1.0625 and 1.25 with -+1/4 beside them.
    double const sigma = std::sqrt(1.15625 + std::hypot(0.09375, 0.25)) * size;
    if (std::isinf(sigma)) {
      CHECK(std::isnan(result.effective[0]));
    } else {
      CHECK(std::abs(result.state[0] / sigma - 1) < 1e-12);
      CHECK(std::abs(result.effective[0] * (sigma / size) - 1) < 1e-12);
    }
  }
}

template <class Net>
double gradient_error_with_fixed_vectors() {
  std::size_t constexpr n = 3;
  auto theta              = parameters_of<Net>(1);
  auto const x = numbers(n * Net::dimension, 2, 1.5), w = numbers(n, 3);
  auto const state    = reparameterize<Exec, Net>(theta, Net::initial_state(3), 2).state;
  auto const energies = [&] {
    auto const e =
        Model<Exec, Net>(reparameterize<Exec, Net>(theta, state, 0).effective).energies(x);
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += w[i] * e[i];
    return sum;
  };
  auto const now = reparameterize<Exec, Net>(theta, state, 0);
  auto const gradient =
      on_device<Exec, double>(Model<Exec, Net>(now.effective).training(x, w).gradient);
  auto const p = on_device<Exec, double>(now.effective), s = on_device<Exec, double>(now.state);
  basin::energy::pull_back_parameters<Net, basin::tile::default_tuning<Exec, double>()>(
      Exec(), p.data(), s.data(), gradient.data());
  auto const g = on_host(gradient);
  double error = 0;
  for (std::size_t k = 0; k < theta.size(); ++k) {
    double const here = theta[k];
    theta[k]          = here + step;
    double const up   = energies();
    theta[k]          = here - step;
    double const down = energies();
    theta[k]          = here;
    error             = std::max(error, std::abs(g[k] - (up - down) / (2 * step)));
  }
  return error / (1 + largest(g));
}

TEST_CASE("the gradient holds u and v fixed", "[layer][spectral_norm]") {
  using Both = Network<double, Image<4, 5, 2>, SpectralNorm<Conv2d<3, 3, 2>>, Silu,
                       SpectralNorm<Conv2d<4, 2>, spectral::Operator>, Silu, Dense<3>, Silu,
                       SpectralNorm<Dense<1>>>;
  CHECK(gradient_error_with_fixed_vectors<Both>() < tolerance);
}

TEST_CASE("a trainer moves u once a step, and scores without moving it", "[layer][spectral_norm]") {
  using Net       = Network<double, Vector<3>, SpectralNorm<Dense<6>>, Silu, Dense<1>>;
  using Sampler   = basin::sampler::Langevin<>;
  using Objective = basin::objective::PersistentCd<Sampler>;
  using Trainer   = basin::train::Trainer<Net, Objective, basin::optimizer::Sgd,
                                          basin::optimizer::Constant, Exec>;
  Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> const data("data", 32, 3);
  auto const values = numbers(32 * 3, 1);
  std::copy(values.begin(), values.end(), data.data());
  Trainer trainer({.objective = {.sampler = {.steps = 2}, .buffer = {.capacity = 32}},
                   .optimizer = {.learning_rate = 0.01},
                   .batch     = 16},
                  data);
  auto state = Net::initial_state(1);
  for (int k = 0; k < 3; ++k) {
    state = reparameterize<Exec, Net>(on_host(trainer.parameters()), state, 1).state;
    trainer.step();
    auto const theirs = on_host(trainer.layer_state());
    // sigma, u and v; behind them is working memory.
    CHECK(std::equal(theirs.begin(), theirs.begin() + 1 + 6 + 3, state.begin()));
    auto const before = theirs;
    trainer.energies(data);
    CHECK(on_host(trainer.layer_state()) == before);
  }
  // The energy that scores has |W| = 1, of which the power iteration knows 4 digits at least here.
  auto const e         = trainer.energy();
  auto const effective = reparameterize<Exec, Net>(on_host(trainer.parameters()), state, 200);
  Kokkos::View<double**, Kokkos::LayoutRight, Exec> const points("points", 32, 3);
  Kokkos::deep_copy(points, data);
  Kokkos::View<double*, Exec> const scored("scored", 32);
  basin::energy::energies(Exec(), e, points, scored);
  auto const expected = Model<Exec, Net>(effective.effective).energies(values);
  auto const got      = on_host(scored);
  for (std::size_t i = 0; i < 32; ++i) CHECK(std::abs(got[i] - expected[i]) < 1e-4);
}

}  // namespace
