// SPDX-License-Identifier: Apache-2.0
#include <basin/layer/attention.hpp>
#include <basin/layer/conv2d.hpp>
#include <basin/layer/group_norm.hpp>
#include <basin/layer/pool.hpp>
#include <basin/layer/residual.hpp>
#include <basin/layer/silu.hpp>
#include <basin/layer/tanh.hpp>

#include "support/packed.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using Exec = BASIN_TEST_EXEC;
using basin::Image;
using basin::energy::Network;
using namespace basin::layer;
using namespace basin::test;

using Images        = Network<float, Image<5, 4, 1>, Conv2d<3, 3, 2>, GroupNorm<3>, Silu,
                              Residual<Conv2d<5, 3>, Silu>, MeanPool, Dense<1>>;
using WithAttention = Network<float, Image<3, 3, 1>, Conv2d<5, 2>, SelfAttention<5, 2>, Silu,
                              MeanPool, Dense<2>, Tanh, Dense<1>>;

TEST_CASE("an energy of images with packed weights has the bits of one without", "[energy][pack]") {
  check_packed<Exec, Images, in_tiles<Exec>>();
  check_packed<Exec, WithAttention, in_phases<Exec>>();
}

}  // namespace
