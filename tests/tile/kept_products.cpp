// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/parameter_gradient.hpp>
#include <basin/layer/attention.hpp>
#include <basin/layer/dropout.hpp>
#include <basin/layer/flatten.hpp>
#include <basin/layer/group_norm.hpp>
#include <basin/layer/pool.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/spectral_norm.hpp>
#include <basin/layer/square.hpp>
#include <basin/layer/tanh.hpp>
#include <basin/tile/kept_products.hpp>

#include "support/finite_difference.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::Vector;
using basin::energy::Network;
using namespace basin::layer;
using namespace basin::test;
namespace tile = basin::tile;

// The jets of FillJets behind a pass over values, whose products are kept and, if they are used,
// found again. A factor on what is kept shows whether it was read.
template <class Points>
struct FillBehindValues {
  static constexpr int further_rows = 400;
  Points points, directions;  // (count, dimension)
  float factor;

  template <class Context, class E>
  KOKKOS_FUNCTION auto operator()(Context const& c, E const& energy, float* workspace, int first,
                                  basin::Stream const& stream) const {
    static_assert(E::kept_rows <= 2 * further_rows);
    float* const kept = workspace + E::workspace_rows * Context::row_size;  // (kept_rows, T)
    auto const v      = c.with_values();
    v.load_chains(points, first, static_cast<int>(points.extent(0)), +E::dimension,
                  workspace + E::state_row * Context::width);
    energy.gradient(tile::KeepsProducts(v, kept), workspace,
                    Training{stream, static_cast<std::uint32_t>(first)});
    float const f = factor;
    v.map(+E::kept_rows,
          [=](auto at) { at.store(kept, typename decltype(at)::value_type(f) * at.load(kept)); });
    basin::energy::FillJets<Points, Points>{points, directions}(c, energy, workspace, first,
                                                                stream);
    return tile::HasProducts(c, kept);
  }
};

// d/dtheta sum_n u_n.grad E(x_n) with fill.
template <class Net, class Fill>
std::vector<float> gradient_with(Net const& net, int count, Fill const& fill) {
  constexpr auto tuning = tile::default_tuning<Exec, float, Net::workspace_rows>();
  basin::energy::ParameterGradient<Net, 1, Exec, tuning> const work(count);
  work.set_weights(count, 1);
  Kokkos::View<float*, Exec> const gradient("gradient", +Net::parameters);
  work.record(Exec(), net, count, fill, {1, basin::Purpose::dropout, 2});
  work.sum(Exec(), count, gradient.data());
  return on_host(gradient);
}

// Whether jets that find their first terms give the same bits as jets that compute them, and other
// numbers once the first terms are others.
template <class Net>
bool agree() {
  int constexpr n = 37, D = Net::dimension;
  Model<Exec, Net> const model(parameters_of<Net>(1));
  auto const x = on_device<Exec, float>(numbers(n * D, 2));
  auto const u = on_device<Exec, float>(numbers(n * D, 3));
  using Points = typename Model<Exec, Net>::Points;
  Points const points(x.data(), n, D), directions(u.data(), n, D);
  auto const expected =
      gradient_with(model.net(), n, basin::energy::FillJets<Points, Points>{points, directions});
  using Behind = FillBehindValues<Points>;
  return gradient_with(model.net(), n, Behind{points, directions, 1}) == expected &&
         gradient_with(model.net(), n, Behind{points, directions, 2}) != expected;
}

TEST_CASE("jets find the products of values that are kept: vectors", "[tile][kept_products]") {
  CHECK(agree<Network<float, Vector<5>, Dense<19>, Silu, Dense<33>, Tanh, Dense<1>>>());
  CHECK(agree<Network<float, Vector<3>, Dense<9>, Dropout<std::ratio<1, 4>>, Silu, Dense<4>, Tanh,
                      Dense<1>, Square>>());
  CHECK(agree<Network<float, Vector<6>, Silu, Dense<4>, GroupNorm<2>, Tanh,
                      Residual<Dense<4>, Tanh, Dense<4>>,
                      Sum<Dense<1>, Sequence<Dense<3>, Dense<1>>>>>());
}

TEST_CASE("jets find the products of values that are kept: images", "[tile][kept_products]") {
  CHECK(agree<Network<float, Image<5, 4, 1>, Conv2d<3, 3, 2>, GroupNorm<3>, Silu,
                      Residual<Conv2d<5, 3>, Silu>, MeanPool, Dense<1>>>());
  CHECK(agree<Network<float, Image<3, 3, 1>, SpectralNorm<Conv2d<5, 2>>, SelfAttention<5, 2>, Silu,
                      Flatten, Dense<2>, Tanh, Dense<1>>>());
}

}  // namespace
