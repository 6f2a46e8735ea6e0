// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/packed_products.hpp>

#include "support/packed_sums.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace basin::test;

TEST_CASE("packed copies give the sums of convolutions, a few chains at a time",
          "[tile][packed_products]") {
  check_sums<float, Convolution<6, 18>, 0>();
  check_sums<float, ConvolutionT<9, 35>, 0>();
  check_sums<double, ConvolutionT<5, 18>, 1>();
}

}  // namespace
