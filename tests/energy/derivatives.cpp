// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/derivatives.hpp>
#include <basin/energy/quadratic.hpp>
#include <basin/layer/attention.hpp>
#include <basin/layer/flatten.hpp>
#include <basin/layer/gain.hpp>
#include <basin/layer/gelu.hpp>
#include <basin/layer/group_norm.hpp>
#include <basin/layer/pool.hpp>
#include <basin/layer/scale.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/softplus.hpp>
#include <basin/layer/spectral_norm.hpp>
#include <basin/layer/square.hpp>
#include <basin/layer/tanh.hpp>

#include "support/finite_difference.hpp"
#include "support/many_rows.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::Vector;
using basin::energy::Network;
using namespace basin::layer;
using namespace basin::test;
namespace energy = basin::energy;

// Norms of small groups and softmax have fifth derivatives of a million or so.
constexpr double jet_tolerance = 1e-7;

TEST_CASE("jets of vectors agree with central differences", "[energy][derivatives]") {
  CHECK(jet_error<Exec, Network<double, Vector<3>, Dense<1>>>() < tolerance);
  CHECK(jet_error<Exec, Network<double, Vector<3>, Dense<7>, Silu, Dense<5>, Gelu, Dense<1>>>() <
        tolerance);
  CHECK(jet_error<Exec, Network<double, Vector<2>, Scale<std::ratio<3, 2>>, Dense<9>, Softplus,
                                Dense<1>, Square>>() < tolerance);
}

TEST_CASE("jets of norms, gains and sums agree with central differences", "[energy][derivatives]") {
  using Net = Network<double, Vector<6>, Silu, Dense<4>, GroupNorm<2>, Tanh,
                      Residual<Dense<4>, Tanh>, Gain<std::ratio<1, 2>>, RmsNorm<>,
                      Sum<Dense<1>, Sequence<Dense<3>, LayerNorm<>, Silu, Dense<1>>>>;
  CHECK(jet_error<Exec, Net>() < jet_tolerance);
}

TEST_CASE("jets of images agree with central differences", "[energy][derivatives]") {
  using Plain =
      Network<double, Image<5, 4, 2>, Conv2d<3, 3, 2>, GroupNorm<3>, Silu,
              Residual<Conv2d<5, 3>, Silu>, Upsample<2>, AveragePool<2, 1>, MeanPool, Dense<1>>;
  CHECK(jet_error<Exec, Plain>(3) < jet_tolerance);
  using Attending =
      Network<double, Image<3, 3, 1>, Conv2d<5, 3>, SelfAttention<5, 2>, Silu, SumPool, Dense<1>>;
  CHECK(jet_error<Exec, Attending>(3) < jet_tolerance);
  using Spectral = Network<double, Image<3, 3, 1>, SpectralNorm<Conv2d<4, 2>>, Silu, Flatten,
                           SpectralNorm<Dense<2>>, Tanh, Dense<1>>;
  CHECK(jet_error<Exec, Spectral>(3) < jet_tolerance);
}

using Values = Kokkos::View<double*, Exec>;
using Points = Kokkos::View<double**, Kokkos::LayoutRight, Exec>;

TEST_CASE("the diagonal and the trace of the second derivatives are exact",
          "[energy][derivatives]") {
  using Net = Network<double, Vector<5>, Dense<7>, Silu, Dense<4>, Tanh, Dense<1>>;
  Model<Exec, Net> const model(parameters_of<Net>(1));
  int constexpr n = 19, D = 5;
  auto const x = on_device<Exec, double>(numbers(n * D, 2));
  Points const points(x.data(), n, D), diagonals("diagonals", n, D);
  Values const traces("traces", n), first("first", n), second("second", n);
  energy::hessian_diagonals(Exec(), model.net(), points, diagonals);
  energy::hessian_traces(Exec(), model.net(), points, traces);
  auto const diagonal = on_host(Values(diagonals.data(), n * D));
  auto const trace    = on_host(traces);
  double wrong = 0, wrong_trace = 0;
  for (int d = 0; d < D; ++d) {
    std::vector<double> axes(n * D);
    for (int i = 0; i < n; ++i) axes[static_cast<std::size_t>(i * D + d)] = 1;
    auto const axis = on_device<Exec, double>(axes);
    energy::directional_derivatives(Exec(), model.net(), points, Points(axis.data(), n, D), first,
                                    second);
    auto const right = on_host(second);
    for (std::size_t i = 0; i < n; ++i)
      wrong = std::max(wrong, std::abs(diagonal[i * D + std::size_t(d)] - right[i]));
  }
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0;
    for (std::size_t d = 0; d < D; ++d) sum += diagonal[i * D + d];
    wrong_trace = std::max(wrong_trace, std::abs(trace[i] - sum));
  }
  CHECK(wrong == 0);
  CHECK(wrong_trace < 1e-14);
}

TEST_CASE("an energy that is a formula has the same derivatives", "[energy][derivatives]") {
  // E = 3 |x|^2 / 2: u.grad E = 3 u.x, H u = 3 u.
  energy::Quadratic<double, 2> const quadratic{{.stiffness = 3}};
  auto const x = on_device<Exec, double>({1, 2, -1, 4}), u = on_device<Exec, double>({5, 7, 2, 0});
  Points const points(x.data(), 2, 2), directions(u.data(), 2, 2), products("products", 2, 2);
  Values const first("first", 2), second("second", 2);
  energy::directional_derivatives(Exec(), quadratic, points, directions, first, second);
  CHECK(on_host(first) == std::vector<double>{57, -6});
  CHECK(on_host(second) == std::vector<double>{222, 12});
  energy::hessian_vector_products(Exec(), quadratic, points, directions, products);
  CHECK(on_host(Values(products.data(), 4)) == std::vector<double>{15, 21, 6, 0});
}

TEST_CASE("the gradient of u.grad E with respect to theta", "[energy][derivatives]") {
  // E = a x + b y + c: d/d(a, b, c) sum_n u_n.(a, b) = (sum u_x, sum u_y, 0).
  using Net = Network<double, Vector<2>, Dense<1>>;
  Model<Exec, Net> const model({3, 4, 5});
  auto const x = on_device<Exec, double>({1, 2, 8, 4}), u = on_device<Exec, double>({5, 7, 2, -1});
  Values const gradient("gradient", 3);
  energy::mixed_gradient(Exec(), model.net(), Points(x.data(), 2, 2), Points(u.data(), 2, 2),
                         gradient);
  CHECK(on_host(gradient) == std::vector<double>{7, 6, 0});
}

TEST_CASE("no points have a mixed gradient of 0", "[energy][derivatives]") {
  using Net = Network<double, Vector<2>, Dense<1>>;
  Model<Exec, Net> const model({3, 4, 5});
  Values const gradient("gradient", 3);
  Kokkos::deep_copy(gradient, 7);
  energy::mixed_gradient(Exec(), model.net(), Points("points", 0, 2), Points("directions", 0, 2),
                         gradient);
  CHECK(on_host(gradient) == std::vector<double>{0, 0, 0});
}

TEST_CASE("arrays that do not fit are refused", "[energy][derivatives][refusal]") {
  using Catch::Matchers::Message;
  energy::Quadratic<double, 2> const quadratic{};
  Points const points("points", 3, 2), few("few", 2, 2), wide("wide", 3, 3);
  Values const three("three", 3), two("two", 2);
  CHECK_THROWS_MATCHES(
      energy::hessian_vector_products(Exec(), quadratic, points, few, points),
      std::invalid_argument,
      Message("basin::energy::hessian_vector_products: directions has shape (2, 2), points has (3, "
              "2)"));
  CHECK_THROWS_MATCHES(
      energy::hessian_traces(Exec(), quadratic, wide, three), std::invalid_argument,
      Message("basin::energy::hessian_traces: points has second extent 3, the energy has dimension "
              "2"));
  CHECK_THROWS_MATCHES(
      energy::directional_derivatives(Exec(), quadratic, points, points, three, two),
      std::invalid_argument,
      Message("basin::energy::directional_derivatives: first and second have extents 3 and 2, "
              "points has 3"));
}

TEST_CASE("derivatives at more rows than an int holds are refused",
          "[energy][derivatives][refusal]") {
  energy::Quadratic<double, 2> const quadratic{};
  for (std::size_t const rows : many_rows) {
    auto const points = absent<Points>(rows, 2);
    auto const values = absent<Values>(rows);
    auto const said   = [&](char const* name) {
      return too_many(std::string("basin::energy::") + name, "points", rows);
    };
    CHECK_THROWS_WITH(energy::hessian_vector_products(Exec(), quadratic, points, points, points),
                      said("hessian_vector_products"));
    CHECK_THROWS_WITH(energy::hessian_traces(Exec(), quadratic, points, values),
                      said("hessian_traces"));
    CHECK_THROWS_WITH(energy::hessian_diagonals(Exec(), quadratic, points, points),
                      said("hessian_diagonals"));
    CHECK_THROWS_WITH(
        energy::directional_derivatives(Exec(), quadratic, points, points, values, values),
        said("directional_derivatives"));
  }
}

}  // namespace
