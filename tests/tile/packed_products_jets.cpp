// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/packed_products.hpp>

#include "support/packed_sums.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace basin::test;

TEST_CASE("packed copies give the sums of jets", "[tile][packed_products]") {
  check_sums<float, Gemm<13, 43>, 1>();
  check_sums<float, GemmT<7, 21>, 2>();
  check_sums<float, GemmTaps<6, 18>, 2>();
  check_sums<float, GemmTapsT<5, 33>, 1>();
}

}  // namespace
