// SPDX-License-Identifier: Apache-2.0
#include <basin/energy/network.hpp>
#include <basin/energy/reparameterize.hpp>
#include <basin/layer/dense.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/spectral_norm.hpp>

#include "support/reparameterized.hpp"
#include "support/tunings.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>

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

// Layers that ask for one power iteration and for three, and a layer that asks for none.
using Net = Network<double, Image<4, 5, 2>, SpectralNorm<Conv2d<3, 3>>, Silu, Dense<6>, Silu,
                    SpectralNorm<Dense<3>, spectral::Matrix, 3>, Silu, Dense<1>>;
using FourAll =
    Network<double, Image<4, 5, 2>, SpectralNorm<Conv2d<3, 3>, spectral::Matrix, 4>, Silu, Dense<6>,
            Silu, SpectralNorm<Dense<3>, spectral::Matrix, 4>, Silu, Dense<1>>;

TEST_CASE("an energy is reparameterized where a layer asks for it", "[energy][reparameterize]") {
  STATIC_CHECK(basin::energy::Reparameterized<Net>);
  STATIC_CHECK(
      !basin::energy::Reparameterized<Network<double, Vector<2>, Dense<3>, Silu, Dense<1>>>);
  STATIC_CHECK(!basin::energy::Reparameterized<int>);
}

TEST_CASE("power iterations are each layer's own, or those that are asked for",
          "[energy][reparameterize]") {
  auto const theta = parameters_of<Net>(1);
  auto const start = Net::initial_state(3);
  CHECK(reparameterize<Exec, FourAll>(theta, start, -1) ==
        reparameterize<Exec, Net>(theta, start, 4));
  CHECK(reparameterize<Exec, Net>(theta, start, -1) != reparameterize<Exec, Net>(theta, start, 1));
  CHECK(reparameterize<Exec, Net>(theta, start, -1) != reparameterize<Exec, Net>(theta, start, 3));
  // The state goes on where the last call has left it.
  auto const two = reparameterize<Exec, Net>(theta, start, 2);
  CHECK(reparameterize<Exec, Net>(theta, two.state, 2) ==
        reparameterize<Exec, Net>(theta, start, 4));
}

TEST_CASE("without iterations the same parameters are effective again",
          "[energy][reparameterize]") {
  auto const theta = parameters_of<Net>(1);
  auto const once  = reparameterize<Exec, Net>(theta, Net::initial_state(3), -1);
  auto const again = reparameterize<Exec, Net>(theta, once.state, 0);
  // sigma = u^T W v is |W v| to rounding.
  double difference = 0;
  for (std::size_t k = 0; k < theta.size(); ++k)
    difference = std::max(difference, std::abs(again.effective[k] - once.effective[k]));
  CHECK(difference < 1e-14 * largest(once.effective));
  CHECK(reparameterize<Exec, Net>(theta, again.state, 0) == again);
}

TEST_CASE("effective parameters have the same bits in every tuning", "[energy][reparameterize]") {
  auto const theta    = parameters_of<Net>(1);
  auto const start    = Net::initial_state(3);
  auto const expected = reparameterize<Exec, Net>(theta, start, -1);
  int wrong           = 0;
  for_each_tuning<Exec, double>([&]<basin::tile::Tuning tuning>() {
    wrong += reparameterize<Exec, Net, tuning>(theta, start, -1) != expected;
  });
  CHECK(wrong == 0);
}

}  // namespace
