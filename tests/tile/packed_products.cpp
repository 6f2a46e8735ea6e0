// SPDX-License-Identifier: Apache-2.0
#include <basin/tile/packed_products.hpp>

#include "support/packed_sums.hpp"

#include <catch2/catch_test_macros.hpp>

namespace {

using namespace basin::test;

// (Convolutions a few chains at a time, and jets: packed_products_images.cpp, _jets.cpp.)
TEST_CASE("packed copies give the sums of the weights themselves, whole and in parts",
          "[tile][packed_products]") {
  check_sums<float, Gemm<13, 19>, 0>();
  check_sums<float, Gemm<21, 43>, 0>();
  check_sums<float, Gemm<3, 270>, 0>();
  check_sums<float, GemmT<7, 33>, 0>();
  check_sums<float, GemmTaps<6, 18>, 0>();
  check_sums<double, GemmT<18, 5>, 0>();
  check_sums<double, GemmTapsT<9, 35>, 0>();
}

}  // namespace
